#include "sim/study/validation/measured_run.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <iterator>

#include <fmt/format.h>

#include "sim/config/diagnostics.hpp"
#include "sim/workload/trace_csv.hpp"
#include "sim/workload/trace_time.hpp"

namespace terrace {
namespace {

constexpr std::array<std::string_view, 7> kPlainColumns = {
    "arrival_s", "input_tokens", "output_tokens", "shared_prefix_tokens",
    "ttft_ms",   "tpot_ms",      "e2e_ms"};
// Those we read come first; the others are known, and left alone.
constexpr std::array<std::string_view, 12> kServingSimColumns = {"id",
                                                                 "arrival_s",
                                                                 "input_tokens",
                                                                 "output_tokens",
                                                                 "shared_prefix_tokens_16",
                                                                 "queued_s",
                                                                 "ttft_from_arrival_ms",
                                                                 "tpot_ms",
                                                                 "e2e_ms",
                                                                 "dataset_arrival_s",
                                                                 "queue_wait_ms",
                                                                 "ttft_ms"};
constexpr CsvTable kPlain{"csv", kPlainColumns, 3, true};
constexpr CsvTable kServingSim{"llmservingsim", kServingSimColumns, 9, true};

constexpr Duration kLongest = std::chrono::hours(24 * 10);  // sums of a few are far from overflow

/// What the other two say: nothing if the answer came at once, which is no pace.
std::optional<Duration> pace(const MeasuredRequest& r) {
  const std::int64_t gaps = r.output.count() - 1;
  if (gaps == 0 || !r.ttft || !r.e2e || *r.e2e - *r.ttft < Duration{gaps}) return std::nullopt;
  return (*r.e2e - *r.ttft) / gaps;
}

/// Rows of either CSV.
class MeasuredRows {
 public:
  MeasuredRows(TraceLines lines, const CsvTable& table)
      : lines_(std::move(lines)), columns_(lines_, table) {}

  std::vector<MeasuredRequest> plain() {
    enum Column : std::size_t { arrival, input, output, shared, ttft, tpot, e2e };
    if (!columns_.has(ttft) && !columns_.has(tpot) && !columns_.has(e2e)) {
      lines_.fail(lines_.line(), "there is nothing to compare with in this run",
                  "add a column ttft_ms, tpot_ms or e2e_ms, in ms from the arrival");
    }
    while (columns_.next_row()) {
      MeasuredRequest r = request(arrival, input, output, shared);
      r.ttft = latency(ttft);
      if (r.output > Tokens{1}) r.tpot = latency(tpot);
      r.e2e = latency(e2e);
      if (r.ttft && r.e2e && *r.e2e < *r.ttft) {
        lines_.fail(columns_.field(e2e), "the request ends before its first token",
                    "all latencies are from the arrival");
      }
      if (!r.tpot) r.tpot = pace(r);
      if (!r.e2e) r.e2e = end(r, columns_.field(tpot));
      requests_.push_back(std::move(r));
    }
    return std::move(requests_);
  }

  /// Everything from the arrival: the file has e2e_ms from when the engine queued the request.
  std::vector<MeasuredRequest> serving_sim() {
    enum Column : std::size_t { id, arrival, input, output, shared, queued, ttft, tpot, e2e };
    while (columns_.next_row()) {
      MeasuredRequest r = request(arrival, input, output, shared);
      r.name = std::string(columns_.field(id));
      const Duration intake = time(queued, 0, "the time of queueing") - r.arrival;
      if (intake < Duration{}) {
        lines_.fail(columns_.field(queued), "the request was queued before it arrived");
      }
      r.ttft = latency(ttft);
      if (r.output > Tokens{1}) r.tpot = latency(tpot);
      r.e2e = latency(e2e);
      if (r.e2e) *r.e2e += intake;
      requests_.push_back(std::move(r));
    }
    return std::move(requests_);
  }

  [[noreturn]] void fail_empty() const { lines_.fail_file("there is no request in this run"); }

 private:
  /// What all requests have. Throws ConfigError if they are not in order, or if a shared prefix has
  /// nobody earlier to share it with.
  MeasuredRequest request(std::size_t arrival, std::size_t input, std::size_t output,
                          std::size_t shared) {
    MeasuredRequest r;
    r.name = fmt::format("{}", requests_.size());
    r.arrival = time(arrival, 0, "the time of arrival");
    if (!requests_.empty() && r.arrival < requests_.back().arrival) {
      lines_.fail(columns_.field(arrival), "the run goes back in time", "sort it by arrival");
    }
    r.input = columns_.tokens(input, 1);
    r.output = columns_.tokens(output, 1);
    const std::string_view prefix = columns_.field(shared);
    if (!prefix.empty()) r.shared_prefix = columns_.tokens(shared, 0);
    if (r.shared_prefix > r.input) {
      lines_.fail(prefix, "the shared prefix is longer than the prompt");
    }
    if (r.shared_prefix > longest_) {
      lines_.fail(prefix, "no earlier prompt is as long as this shared prefix");
    }
    longest_ = std::max(longest_, r.input);
    return r;
  }

  [[nodiscard]] Duration time(std::size_t column, int power, std::string_view what) const {
    const std::string_view text = columns_.field(column);
    const auto parsed = parse_decimal_time(text, power);
    if (!parsed.value) lines_.fail(text, fmt::format("{} {}", what, parsed.why));
    const auto value = elapsed(TraceTime{}, *parsed.value);
    if (!value || *value > kLongest) fail_too_long(text, what);
    return *value;
  }

  /// In ms; nothing if it was not measured.
  [[nodiscard]] std::optional<Duration> latency(std::size_t column) const {
    const std::string_view text = columns_.field(column);
    if (text.empty()) return std::nullopt;
    const Duration value = time(column, -3, "the latency");
    if (value > Duration{}) return value;
    lines_.fail(text, "nothing can be compared with a latency of 0",
                "leave the field empty if it was not measured");
  }

  /// When the last token came, by the first and the pace.
  [[nodiscard]] std::optional<Duration> end(const MeasuredRequest& r, std::string_view at) const {
    const std::int64_t gaps = r.output.count() - 1;
    if (!r.ttft || gaps == 0) return r.ttft;
    if (!r.tpot) return std::nullopt;
    if (*r.tpot > kLongest / gaps) fail_too_long(at, "the answer");
    return *r.ttft + *r.tpot * gaps;
  }

  [[noreturn]] void fail_too_long(std::string_view at, std::string_view what) const {
    lines_.fail(at, fmt::format("{} is too long: at most 10 days", what));
  }

  TraceLines lines_;
  CsvColumns columns_;
  std::vector<MeasuredRequest> requests_;
  Tokens longest_;  // prompt so far
};

/// Tells the formats apart by the first line. `lines` stands before it.
MeasuredFormat recognise(TraceLines& lines) {
  if (!lines.advance()) lines.fail_file("this run is empty");
  lines.again();
  const std::string_view line = lines.line();
  if (line[line.find_first_not_of(" \t")] == '{') return MeasuredFormat::vllm_bench;
  CsvRow row;
  row.split(lines);
  const auto& header = row.fields();
  const auto has = [&](std::string_view name) {
    return std::find(header.begin(), header.end(), name) != header.end();
  };
  return has("queued_s") || has("ttft_from_arrival_ms") ? MeasuredFormat::llmservingsim
                                                        : MeasuredFormat::csv;
}

}  // namespace

MeasuredRun read_measured_run(const TraceInput& input, MeasuredFormat format) {
  if (format == MeasuredFormat::automatic) {
    TraceLines lines(input);
    format = recognise(lines);
  }
  MeasuredRun run;
  if (format == MeasuredFormat::vllm_bench) {
    const auto in = input.open();
    run = read_vllm_bench(input.name, std::string(std::istreambuf_iterator<char>(*in), {}));
  } else {
    const bool plain = format == MeasuredFormat::csv;
    MeasuredRows rows(TraceLines(input), plain ? kPlain : kServingSim);
    run = {format, plain ? rows.plain() : rows.serving_sim(), 0};
    if (run.requests.empty()) rows.fail_empty();
  }
  const Duration first = run.requests.front().arrival;
  for (MeasuredRequest& r : run.requests) r.arrival -= first;
  return run;
}

}  // namespace terrace
