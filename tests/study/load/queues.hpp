#pragma once

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "tests/scenario/run_yaml.hpp"

namespace terrace::testing {

/// Poisson arrivals to engines that take 1 ms for every prompt token and nothing else, one request
/// at a time: queues of one server per replica. `prompt` is the distribution of service times in
/// milliseconds.
inline std::string queue_yaml(double rate, std::int64_t requests, const std::string& prompt) {
  return kTinyModel + kMachine +
         fmt::format(R"(
serving:
  engine: {{max_num_seqs: 1, max_num_batched_tokens: 100000, enable_prefix_caching: false}}
  cost: {{backend: constant, per_step: 0 s, per_prefill_token: 1 ms, per_decode: 0 s}}
output: {{timeseries_interval: 1 h}}
workload:
  max_requests: {}
  clients:
    - name: customers
      arrivals: {{process: poisson, rate: {} /s}}
      prompt: {}
      output: {{distribution: constant, value: 1}}
)",
                     requests, rate, prompt);
}

/// Ten milliseconds each: the server takes 100 /s.
inline const std::string kTenTokens = "{distribution: constant, value: 10}";

/// Ten milliseconds on average, near enough to exponential: of a lognormal with the same two
/// moments, the mean wait is the same.
inline const std::string kAboutTenTokens = "{distribution: lognormal, mean: 10, cv: 1}";

inline Scenario queue(double rate, std::int64_t requests, const std::string& prompt = kTenTokens) {
  return parse(queue_yaml(rate, requests, prompt));
}

}  // namespace terrace::testing
