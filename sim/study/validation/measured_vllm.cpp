// The result file of `vllm bench serve --save-result --save-detailed` (vllm/benchmarks/serve.py):
// one object, with a list entry for every request in
//   input_lens, output_lens   tokens; an output of 0 is a request that failed
//   ttfts, itls               s; the gaps between what was streamed, each a list
//   latencies                 s, to the last token; since 2026, else ttft + sum of itls
//   start_times               s on the client's clock; since 2025
//   errors                    text; empty if there was none

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/config/diagnostics.hpp"
#include "sim/study/validation/measured_run.hpp"
#include "sim/workload/trace_reader.hpp"

namespace terrace {
namespace {

using Json = nlohmann::json;

constexpr double kLongest = 864e3;  // s: ten days

class VllmBench {
 public:
  VllmBench(const std::string& name, std::string_view text) : name_(name) {
    try {
      root_ = Json::parse(text);
    } catch (const Json::parse_error& e) {
      const auto before = text.substr(0, std::min(e.byte == 0 ? 0 : e.byte - 1, text.size()));
      const auto line = std::count(before.begin(), before.end(), '\n') + 1;
      const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
      throw config::ConfigError(
          fmt::format("{}:{}:{}: error: this is not JSON\n", name, line, column));
    }
    if (!root_.is_object()) fail("this is no result of vllm bench serve: it must be an object");
  }

  MeasuredRun read() {
    for (const char* key : {"input_lens", "output_lens", "ttfts"}) {
      if (!root_.contains(key)) {
        fail(
            fmt::format("there is no '{}' in this result; run vllm bench serve with "
                        "--save-result --save-detailed",
                        key));
      }
    }
    if (!root_.contains("start_times")) {
      fail(
          "there are no 'start_times' in this result, so that nobody knows when requests arrived; "
          "run a vllm bench serve of 2025 or later, or write a CSV with the columns arrival_s, "
          "input_tokens, output_tokens, ttft_ms, tpot_ms, e2e_ms from a log of your own");
    }
    if (!root_.contains("latencies") && !root_.contains("itls")) {
      fail("there is neither 'latencies' nor 'itls' in this result");
    }
    const std::size_t n = list("input_lens").size();
    const double origin = n == 0 ? 0 : number("start_times", 0, list("start_times", n));
    for (std::size_t i = 0; i < n; ++i) {
      if (list("output_lens", n)[i] == 0) {
        ++run_.failed;
      } else {
        run_.requests.push_back(request(i, n, origin));
      }
    }
    if (run_.requests.empty()) fail("no request in this result has an answer");
    std::stable_sort(
        run_.requests.begin(), run_.requests.end(),
        [](const MeasuredRequest& a, const MeasuredRequest& b) { return a.arrival < b.arrival; });
    return std::move(run_);
  }

 private:
  MeasuredRequest request(std::size_t i, std::size_t n, double origin) const {
    MeasuredRequest r;
    r.name = fmt::format("{}", i);
    r.arrival = exact(number("start_times", i, list("start_times", n)) - origin);
    r.input = tokens("input_lens", i, n);
    r.output = tokens("output_lens", i, n);
    const double ttft = latency("ttfts", i, n);
    const double e2e = root_.contains("latencies") ? latency("latencies", i, n) : ttft + gaps(i, n);
    if (e2e < ttft) fail(i, "latencies", "the request ends before its first token");
    r.ttft = exact(ttft);
    r.e2e = exact(e2e);
    const std::int64_t count = r.output.count() - 1;
    if (count > 0 && *r.e2e - *r.ttft >= Duration{count}) r.tpot = (*r.e2e - *r.ttft) / count;
    return r;
  }

  [[nodiscard]] const Json& list(const char* key) const {
    const Json& found = root_.at(key);
    if (!found.is_array()) fail(fmt::format("'{}' must be a list", key));
    return found;
  }

  /// One with an entry for every request.
  [[nodiscard]] const Json& list(const char* key, std::size_t n) const {
    const Json& found = list(key);
    if (found.size() == n) return found;
    fail(fmt::format("'{}' has {} entries, but 'input_lens' has {}", key, found.size(), n));
  }

  [[nodiscard]] double number(const char* key, std::size_t i, const Json& from) const {
    if (!from.is_array() || i >= from.size() || !from[i].is_number()) {
      fail(i, key, "a number is wanted");
    }
    return from[i].get<double>();
  }

  [[nodiscard]] double latency(const char* key, std::size_t i, std::size_t n) const {
    const double value = number(key, i, list(key, n));
    if (!(value > 0)) {
      fail(i, key, fmt::format("{} s is no latency: was the answer streamed?", value));
    }
    if (value > kLongest) fail(i, key, fmt::format("{} s is too long: at most 10 days", value));
    return value;
  }

  [[nodiscard]] double gaps(std::size_t i, std::size_t n) const {
    const Json& all = list("itls", n)[i];
    if (!all.is_array()) fail(i, "itls", "a list of times is wanted");
    double sum = 0;
    for (std::size_t k = 0; k < all.size(); ++k) {
      const double gap = number("itls", k, all);
      if (!(gap >= 0)) fail(i, "itls", "a time is negative");
      sum += gap;
    }
    if (sum > kLongest) fail(i, "itls", "their sum is too long: at most 10 days");
    return sum;
  }

  [[nodiscard]] Tokens tokens(const char* key, std::size_t i, std::size_t n) const {
    const Json& value = list(key, n)[i];
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() < 1 ||
        value.get<std::uint64_t>() > static_cast<std::uint64_t>(kMostTraceTokens)) {
      fail(i, key, fmt::format("{} is no number of tokens", value.dump()));
    }
    return Tokens{value.get<std::int64_t>()};
  }

  /// To the nearest picosecond, as far as a double knows it.
  [[nodiscard]] Duration exact(double seconds) const {
    if (!(std::abs(seconds) <= 2 * kLongest)) fail("the start times are more than 20 days apart");
    return Duration{std::llround(seconds * 1e12)};
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw config::ConfigError(fmt::format("{}: error: {}\n", name_, message));
  }
  [[noreturn]] void fail(std::size_t i, const char* key, const std::string& message) const {
    fail(fmt::format("{}[{}]: {}", key, i, message));
  }

  std::string name_;
  Json root_;
  MeasuredRun run_{MeasuredFormat::vllm_bench, {}, 0};
};

}  // namespace

MeasuredRun read_vllm_bench(const std::string& name, std::string_view text) {
  return VllmBench(name, text).read();
}

}  // namespace terrace
