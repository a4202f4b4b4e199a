#include "sim/workload/trace_reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "sim/workload/trace_json.hpp"

namespace terrace {
namespace {

/// The finaliser of MurmurHash3: every bit of the result depends on every bit of `x`.
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ x >> 33U) * 0xff51afd7ed558ccdU;
  x = (x ^ x >> 33U) * 0xc4ceb9fe1a85ec53U;
  return x ^ x >> 33U;
}

/// Tells the formats with one JSON object per line apart, by the first of them.
TraceFormat recognise_jsonl(const TraceLines& lines) {
  const std::vector<std::string> keys = json_keys(lines);
  const auto has = [&](std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  if (has("terrace_trace") || has("arrival_ps") || has("arrival_s")) return TraceFormat::terrace;
  if (has("hash_ids")) return has("chat_id") ? TraceFormat::bailian : TraceFormat::mooncake;
  lines.fail(lines.line().substr(0, 1), "no trace format has these keys",
             has("prompt") || has("output_tokens")
                 ? "a terrace trace needs 'arrival_ps' or 'arrival_s'"
                 : "a mooncake trace needs timestamp, input_length, output_length, hash_ids");
}

}  // namespace

TraceContent::TraceContent(std::uint64_t seed) : trace_(mixed(seed) >> 43U << 40U) {}

std::uint64_t TraceContent::prefix(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return std::uint64_t{7} << 61U | (mixed(hash) & kLastOfTrace);
}

bool TraceReader::next(TraceRecord& record) {
  if (!read(record)) return false;
  if (requests_ > 0 && record.at < last_) {
    lines_.fail(record.at_text,
                fmt::format("the trace goes back in time: {} follows {}", quoted(record.at_text),
                            quoted(last_text_)),
                "sort it by time");
  }
  last_ = record.at;
  last_text_.assign(record.at_text);
  ++requests_;
  return true;
}

std::unique_ptr<TraceReader> read_trace(const TraceInput& input,
                                        const TraceReaderOptions& options) {
  TraceLines lines(input);
  if (!lines.advance()) lines.fail_file("this trace is empty");
  lines.again();

  TraceFormat format = options.format;
  if (format == TraceFormat::automatic) {
    const auto start = lines.line().find_first_not_of(" \t");
    const bool json = lines.line()[start] == '{' || lines.line()[start] == '[';
    format = json ? recognise_jsonl(lines) : recognise_csv(lines);
  }
  const TraceContent content(options.seed);
  if (format == TraceFormat::mooncake || format == TraceFormat::bailian) {
    return read_mooncake_trace(std::move(lines), content, format, options.hash_block);
  }
  if (options.hash_block) {
    lines.fail_file(fmt::format("'hash_block' is given, but {} traces have no hash ids",
                                config::Scalar<TraceFormat>::format(format)));
  }
  if (format == TraceFormat::terrace) return read_terrace_trace(std::move(lines), content);
  return read_csv_trace(std::move(lines), content, format);
}

}  // namespace terrace
