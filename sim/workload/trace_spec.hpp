#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sim/base/units.hpp"
#include "sim/config/fields.hpp"
#include "sim/workload/spec.hpp"

namespace terrace {

/// The files a trace can be. What is in them stands at their readers: trace_mooncake.cpp,
/// trace_tables.cpp, trace_terrace.cpp.
enum class TraceFormat : std::uint8_t {
  automatic,
  mooncake,
  bailian,
  azure,
  burstgpt,
  csv,
  terrace
};

/// What becomes of requests that a trace gives one and the same time, as all do that it rounds to
/// a tick of its clock:
///   none     they arrive together, as written
///   uniform  at equal distances up to the next time in the trace
///   random   at independent uniform times up to the next time in the trace: a Poisson process
///            that happens to have as many arrivals in this interval
enum class TraceSpread : std::uint8_t { none, uniform, random };

/// A recorded workload, as a scenario describes it.
struct TraceSpec {
  std::string path;
  TraceFormat format = TraceFormat::automatic;
  double speedup = 1;
  std::optional<Frequency> rate;
  std::optional<std::int64_t> max_requests;
  std::optional<Duration> duration;
  TraceSpread spread = TraceSpread::none;
  std::optional<Tokens> hash_block;
  SloSpec slo;
  std::optional<std::int64_t> priority;
};

void describe(config::Fields& f, TraceSpec& spec);

}  // namespace terrace

template <>
struct terrace::config::Names<terrace::TraceFormat> {
  static constexpr std::string_view kKind = "trace format";
  static constexpr auto kList =
      std::to_array<std::pair<std::string_view, TraceFormat>>({{"auto", TraceFormat::automatic},
                                                               {"mooncake", TraceFormat::mooncake},
                                                               {"bailian", TraceFormat::bailian},
                                                               {"azure", TraceFormat::azure},
                                                               {"burstgpt", TraceFormat::burstgpt},
                                                               {"csv", TraceFormat::csv},
                                                               {"terrace", TraceFormat::terrace}});
};

template <>
struct terrace::config::Names<terrace::TraceSpread> {
  static constexpr std::string_view kKind = "spread";
  static constexpr auto kList =
      std::to_array<std::pair<std::string_view, TraceSpread>>({{"none", TraceSpread::none},
                                                               {"uniform", TraceSpread::uniform},
                                                               {"random", TraceSpread::random}});
};
