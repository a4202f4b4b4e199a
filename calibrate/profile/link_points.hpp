#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "calibrate/fitting/law_fit.hpp"
#include "calibrate/profile/part.hpp"
#include "calibrate/profile/shape.hpp"

namespace terrace::calibrate {

// What laws of links have in common.

/// Points of a family that `choice` takes.
using Choice = std::function<bool(const MeasuredPoint&, const Shape&)>;
std::vector<const MeasuredPoint*> chosen(const PartMaker& maker, std::string_view family,
                                         const Choice& choice);

/// Keeps the law, its errors, and what the points say beside it.
void keep_law(PartMaker& maker, FamilyFit fit, const LawFit& law,
              std::vector<std::pair<const char*, forms::Unit>> names);

/// Of the law that was kept last.
std::string source_of_last(const PartMaker& maker, const std::string& where);

}  // namespace terrace::calibrate
