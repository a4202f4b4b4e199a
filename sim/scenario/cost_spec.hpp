#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sim/config/fields.hpp"
#include "sim/cost/confidence.hpp"
#include "sim/cost/constant.hpp"
#include "sim/cost/cost_model.hpp"

namespace terrace {

struct Scenario;

enum class CostBackend : std::uint8_t {
  automatic,  // fitted if there is a kernel profile of just this GPU, otherwise roofline
  roofline,
  fitted,
  table,
  layers,
  constant
};

/// What step times come from.
struct CostSpec {
  CostBackend backend = CostBackend::automatic;
  ConstantCost constant;
  std::string tables;   // of table: the directory of measured kernel times
  std::string profile;  // of layers: directory and stem of its files, "profiles/h100_llama_tp1"
  double routing_skew = 0;
  Confidence estimate = Confidence::base;
};

void describe(config::Fields& f, CostSpec& cost);

/// The back end that counts: never automatic.
CostBackend backend(const Scenario& scenario);

/// How long the scenario's steps take. Throws config::ConfigError if a profile cannot be read.
std::unique_ptr<CostModel> make_cost_model(const Scenario& scenario);

}  // namespace terrace

template <>
struct terrace::config::Names<terrace::CostBackend> {
  static constexpr std::string_view kKind = "cost back end";
  static constexpr auto kList = std::to_array<std::pair<std::string_view, CostBackend>>(
      {{"auto", CostBackend::automatic},
       {"roofline", CostBackend::roofline},
       {"fitted", CostBackend::fitted},
       {"table", CostBackend::table},
       {"layers", CostBackend::layers},
       {"constant", CostBackend::constant}});
};
