#pragma once

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "sim/workload/trace.hpp"

namespace terrace::tests {

inline std::string fixture(const std::string& name) {
  return std::string(TERRACE_SOURCE_DIR) + "/tests/workload/data/" + name;
}

inline TraceInput in_memory(std::string text) {
  return {"t", [text = std::move(text)] { return std::make_unique<std::istringstream>(text); }};
}

inline std::vector<Arrival> all_of(Workload& workload) {
  std::vector<Arrival> all;
  while (const auto time = workload.next_time()) {
    workload.next(all.emplace_back());
    EXPECT_EQ(all.back().at, *time);
  }
  EXPECT_FALSE(workload.next_time());
  return all;
}

inline std::vector<Arrival> replay(const std::string& text, const TraceSpec& spec = {}) {
  return all_of(*open_trace(in_memory(text), spec, 1));
}

inline std::vector<Arrival> replay_file(const std::string& name, TraceSpec spec = {}) {
  spec.path = fixture(name);
  return all_of(*open_trace(spec, 1));
}

/// Arrival times in picoseconds.
inline std::vector<std::int64_t> times(const std::vector<Arrival>& arrivals) {
  std::vector<std::int64_t> all;
  all.reserve(arrivals.size());
  for (const Arrival& a : arrivals) all.push_back(a.at.time_since_epoch().count());
  return all;
}

inline std::int64_t prompt_tokens(const Arrival& arrival) {
  Tokens sum;
  for (const Span& span : arrival.prompt) sum += span.tokens;
  return sum.count();
}

}  // namespace terrace::tests
