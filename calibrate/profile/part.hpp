#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "calibrate/profile/family_fit.hpp"
#include "sim/base/units.hpp"
#include "sim/config/catalogue.hpp"
#include "sim/fabric/number_source.hpp"

namespace terrace::calibrate {

/// What the parts of a machine are made from, and what they have to say about it.
struct PartMaker {
  const MeasuredRun& run;
  const config::Catalogue& catalogue;
  std::vector<FamilyFit> families{};
  std::vector<std::string> notes{};
  /// Whether what is measured is what it is taken for; no number is surer than low otherwise.
  bool trusted = true;

  /// The day of the run.
  [[nodiscard]] std::string date() const;

  // Sources of numbers, as NumberSource reads them. How sure a measured one is follows from how
  // many of its points were unstable, or measured while the machine drifted; one of a law that
  // misses its gate is not sure at all.
  [[nodiscard]] std::string measured(const std::string& where,
                                     const std::vector<const MeasuredPoint*>& points) const;
  [[nodiscard]] std::string fitted(const std::string& where, const FamilyFit& fit) const;
  [[nodiscard]] std::string assumed(const std::string& where) const;

  /// Whether a cold one of them may have come from the last cache, as pools were less than twice as
  /// large: then what they tell is of low confidence.
  [[nodiscard]] bool may_be_cached(const std::vector<const MeasuredPoint*>& points) const;

  /// A fact about the machine; nothing if the run does not have it.
  [[nodiscard]] std::string fact(std::string_view key) const;
  [[nodiscard]] double number(std::string_view key) const;

  /// What the run says of what it covered: "memory_bytes".
  [[nodiscard]] double extent(std::string_view key) const;
};

/// To the five digits that profiles keep.
Bandwidth kept(Bandwidth rate);
FlopRate kept(FlopRate rate);
Duration kept(Duration time);
double kept(double number);

/// Says of fields that nothing was measured of what they hold.
void assume_unmeasured(const PartMaker& maker, Sources& sources,
                       std::initializer_list<const char*> fields);

/// "12 points, mean error 4.3 %, 90 % of them within 9.0 %"
std::string error_text(const FamilyFit& fit);

}  // namespace terrace::calibrate
