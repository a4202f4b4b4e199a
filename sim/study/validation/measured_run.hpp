#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/config/scalar.hpp"
#include "sim/workload/trace_input.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

/// How a measured run is written:
///   vllm_bench     the JSON of `vllm bench serve --save-result --save-detailed`
///   llmservingsim  the CSV of LLMServingSim's vLLM runs (Cho et al., ISPASS 2026)
///   csv            arrival_s,input_tokens,output_tokens and, as far as they were measured,
///                  ttft_ms,tpot_ms,e2e_ms, from arrival; and shared_prefix_tokens
enum class MeasuredFormat { automatic, vllm_bench, llmservingsim, csv };

/// A request of a real engine, and how long it took. Latencies are those of Latencies: all from
/// the arrival, not from when the engine noted it.
struct MeasuredRequest {
  std::string name;    // what the file calls it, or its row from zero
  Duration arrival{};  // after the first request of the run
  Tokens input;
  Tokens output;
  Tokens shared_prefix;  // tokens at the front that some earlier request begins with as well
  std::optional<Duration> ttft;
  std::optional<Duration> tpot;  // none of a single token
  std::optional<Duration> e2e;
};

struct MeasuredRun {
  MeasuredFormat format = MeasuredFormat::automatic;
  std::vector<MeasuredRequest> requests;  // in order of arrival; one at least
  std::int64_t failed = 0;                // requests that got no answer, and were left out
};

/// Reads a measured run, of which the rows of a CSV are in order of arrival. Where ttft and another
/// latency give the third, it is filled in. Throws ConfigError, at line and column of a CSV, at key
/// and index of a JSON.
MeasuredRun read_measured_run(const TraceInput& input,
                              MeasuredFormat format = MeasuredFormat::automatic);

/// The reader of `vllm bench serve` behind it: arrivals are still those of the client's clock.
MeasuredRun read_vllm_bench(const std::string& name, std::string_view text);

/// What the clients of the run sent. A file says how many tokens at the front of a prompt some
/// earlier prompt began with, but not whose: they are taken to be those of the latest earlier
/// request whose prompt is at least that long. O(n log n), and the nesting of prefixes.
/// REQUIRES: for every shared prefix there is one; read_measured_run sees to it.
std::vector<Arrival> arrivals_of(const MeasuredRun& run);

/// Requests that are known beforehand, one after the other, all of one client called `name`.
std::unique_ptr<Workload> make_replay(std::shared_ptr<const std::vector<Arrival>> arrivals,
                                      std::string name);

}  // namespace terrace

template <>
struct terrace::config::Names<terrace::MeasuredFormat> {
  static constexpr std::string_view kKind = "format of a measured run";
  static constexpr std::pair<std::string_view, terrace::MeasuredFormat> kList[] = {
      {"auto", terrace::MeasuredFormat::automatic},
      {"vllm_bench", terrace::MeasuredFormat::vllm_bench},
      {"llmservingsim", terrace::MeasuredFormat::llmservingsim},
      {"csv", terrace::MeasuredFormat::csv}};
};
