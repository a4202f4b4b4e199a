#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/run.hpp"

namespace terrace::calibrate {

/// What a run covers, as journals and files of points keep it.
nlohmann::ordered_json json_of(const Extent& extent);

/// The way back, as far as it is kept. Whether json_of() can have said that on this machine.
[[nodiscard]] bool restore(Extent& extent, const nlohmann::ordered_json& json);

/// Throws ConfigError about the first point of a journal that is none of the plan's; `lines` says
/// where they are.
void check_kept(const std::vector<MeasuredPoint>& points, const std::vector<int>& lines,
                const std::vector<Planned>& plan, const std::string& journal);

}  // namespace terrace::calibrate
