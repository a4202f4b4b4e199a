#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/fields.hpp"
#include "sim/config/node.hpp"

namespace terrace {

/// A key of the scenario and the values it takes, one after the other.
struct SweepKeySpec {
  config::Node key;
  config::Node values;  // a list, or a range such as "1GiB..1TiB x2"
};

/// One key, or several that move together.
struct SweepAxisSpec {
  SweepKeySpec one;
  std::vector<SweepKeySpec> zip;
};

struct SweepRepeat {
  config::Node seeds;  // how many, or which
};

/// A sweep file as written; load_sweep() makes a plan of it.
struct SweepSpec {
  config::Node scenario;
  config::Node set;
  std::vector<SweepAxisSpec> axes;
  std::optional<SweepRepeat> repeat;
  config::Node metrics;
  config::Node rank_by;
  config::Node pareto;
};

void describe(config::Fields& f, SweepKeySpec& key);
void describe(config::Fields& f, SweepAxisSpec& axis);
void describe(config::Fields& f, SweepRepeat& repeat);
void describe(config::Fields& f, SweepSpec& sweep);

}  // namespace terrace
