#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/workload/trace_input.hpp"
#include "sim/workload/trace_spec.hpp"
#include "sim/workload/trace_time.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

/// The most tokens in a prompt or an output: a sum of a few of them is far from overflow.
constexpr std::int64_t kMostTraceTokens = 1'000'000'000;

/// A request as a trace has it. Views are valid until the next one is read.
struct TraceRecord {
  TraceTime at;
  std::string_view at_text;  // as written, a piece of the line
  std::string_view client;   // empty if the trace does not name one
  std::vector<Span> prompt;
  Tokens output;
  std::uint64_t output_content = 0;
  std::uint32_t session = Arrival::kNoSession;  // if the trace knows of sessions
  std::uint32_t turn = 0;
  bool tool_call = false;
};

/// Makes content ids for text that a trace does not identify, so that no two such texts are the
/// same, nor the same as a text the trace does identify.
///
///   kind 3 bits | trace 21 bits, a hash of the seed | request 40 bits, in the order of the trace
///
/// The kinds are 5 for prompts and 6 for outputs; 0 is left to the ids of the trace, 1 to 4 to
/// synthetic text (see content.hpp). Kind 7 is a named prefix, of which the other 61 bits are the
/// hash: it is known by its name alone, and so shared by all traces that name it.
class TraceContent {
 public:
  static constexpr std::uint64_t kLastOfTrace = (std::uint64_t{1} << 61U) - 1;

  explicit TraceContent(std::uint64_t seed);

  [[nodiscard]] std::uint64_t prompt(std::uint64_t request) const { return id(5, request); }
  [[nodiscard]] std::uint64_t output(std::uint64_t request) const { return id(6, request); }
  [[nodiscard]] static std::uint64_t prefix(std::string_view name);

 private:
  [[nodiscard]] std::uint64_t id(std::uint64_t kind, std::uint64_t request) const {
    return kind << 61U | trace_ | (request & ((std::uint64_t{1} << 40U) - 1));
  }

  std::uint64_t trace_;
};

/// Turns the lines of one format into records, in the order of the file, which has to be that of
/// time. Throws ConfigError at the first mistake.
class TraceReader {
 public:
  virtual ~TraceReader() = default;

  /// Reads the next request into `record`, reusing its memory, or returns false at the end.
  bool next(TraceRecord& record);

  /// Whether simulated time begins with the first request, as the clock of a data set means
  /// nothing to a simulation, or is what the trace says.
  [[nodiscard]] virtual bool starts_at_first() const { return true; }

  /// Whether records name clients, and those that the trace declares at its beginning. Without a
  /// declaration the clients are known only once the whole trace has been read.
  [[nodiscard]] virtual bool names_clients() const { return false; }
  [[nodiscard]] virtual const std::vector<Client>* declared_clients() const { return nullptr; }

  /// Tokens that each hash id of a prompt stands for, if it is made of such.
  [[nodiscard]] virtual std::optional<Tokens> hash_block() const { return std::nullopt; }

  [[nodiscard]] const TraceLines& lines() const { return lines_; }

  /// Requests read, and failed ones that were left out.
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

 protected:
  TraceReader(TraceLines lines, TraceContent content)
      : lines_(std::move(lines)), content_(content) {}

  virtual bool read(TraceRecord& record) = 0;

  /// The time that `text`, a piece of the line, was parsed to; throws ConfigError if it was not.
  [[nodiscard]] TraceTime time(const config::Parsed<TraceTime>& parsed,
                               std::string_view text) const {
    if (!parsed.value) lines_.fail(text, "the time of arrival " + parsed.why);
    return *parsed.value;
  }

  TraceLines lines_;
  TraceContent content_;
  std::uint64_t skipped_ = 0;

 private:
  TraceTime last_;
  std::string last_text_;
  std::uint64_t requests_ = 0;
};

struct TraceReaderOptions {
  TraceFormat format = TraceFormat::automatic;
  std::optional<Tokens> hash_block;
  std::uint64_t seed = 0;
};

/// A reader at the beginning of the trace. Throws ConfigError if the format is not recognised, or
/// is not the one that the options name.
std::unique_ptr<TraceReader> read_trace(const TraceInput& input, const TraceReaderOptions& options);

/// The readers behind it. `lines` stands before the first line; `format` is one of their own.
std::unique_ptr<TraceReader> read_mooncake_trace(TraceLines lines, TraceContent content,
                                                 TraceFormat format,
                                                 std::optional<Tokens> hash_block);
std::unique_ptr<TraceReader> read_csv_trace(TraceLines lines, TraceContent content,
                                            TraceFormat format);
std::unique_ptr<TraceReader> read_terrace_trace(TraceLines lines, TraceContent content);

/// The format of a CSV trace with the current line for its header. Throws ConfigError if none is.
TraceFormat recognise_csv(const TraceLines& lines);

}  // namespace terrace
