#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/diagnostics.hpp"
#include "sim/config/node.hpp"
#include "sim/study/sweep/plan.hpp"
#include "sim/study/sweep/spec.hpp"

namespace terrace {

/// A key of an axis, its values spelled out.
struct SweptKey {
  std::string path;
  config::Place place;
  std::vector<config::Node> values;
  std::vector<std::string> labels;
};

/// Keys that move together: all have as many values.
struct SweptAxis {
  config::Place place;
  std::vector<SweptKey> keys;

  [[nodiscard]] std::size_t size() const { return keys.empty() ? 0 : keys.front().values.size(); }
};

// All mistakes go to the diagnostics.

std::vector<SweptAxis> read_axes(const SweepSpec& spec, config::Diagnostics& diagnostics);

/// A key that is set twice, or hidden by one that is set after it, has no effect: a mistake.
void check_keys(const SweepSpec& spec, const std::vector<std::string>& sets,
                const std::vector<SweptAxis>& axes, config::Diagnostics& diagnostics);

/// The columns that the keys are in results. `tiers`: the names of the scenario's tiers, by which
/// their keys go where the last word alone is not clear.
std::vector<SweepColumn> columns_of(const std::vector<SweptAxis>& axes,
                                    const std::vector<std::string>& tiers);

/// Leaves of each axis what the filters let pass. Throws NoSuchArm if that is nothing, or if one
/// names a key or a value that is not there.
void apply_filters(std::vector<SweptAxis>& axes, const std::vector<SweepColumn>& columns,
                   const std::vector<std::string>& filters);

/// Labels match whatever spaces they are written with.
bool same_label(std::string_view a, std::string_view b);

}  // namespace terrace
