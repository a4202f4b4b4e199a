/// Traces of hashed prompts, one JSON object per line:
///
///   timestamp      time of arrival
///   input_length   tokens of the prompt
///   output_length  tokens of the answer
///   hash_ids       identities of the prompt's blocks in order, the last one of what is left over
///
/// mooncake (Qin et al., "Mooncake", FAST 2025): ms, 512-token blocks.
/// bailian (Wang et al., "KVCache Cache in the Wild", ATC 2025): seconds, 16-token blocks; what is
/// left over may lack an id, and is then taken for text of its own.
///
/// Other keys are ignored.

#include <array>
#include <cstddef>

#include <fmt/format.h>

#include "sim/workload/trace_json.hpp"
#include "sim/workload/trace_reader.hpp"

namespace terrace {
namespace {

struct Dialect {
  int time_power;  // timestamps count 10^time_power seconds
  std::uint64_t block;
  bool rest_may_lack_id;
};

constexpr Dialect kMooncake{-3, 512, false};
constexpr Dialect kBailian{0, 16, true};

Tokens tokens(std::uint64_t count) { return Tokens{static_cast<std::int64_t>(count)}; }

class MooncakeReader final : public TraceReader {
 public:
  MooncakeReader(TraceLines lines, TraceContent content, Dialect dialect)
      : TraceReader(std::move(lines), content), dialect_(dialect) {}

  [[nodiscard]] std::optional<Tokens> hash_block() const override { return tokens(dialect_.block); }

 private:
  enum Key : std::size_t { timestamp, input_length, output_length, hash_ids, others };
  static constexpr std::array<std::string_view, others> kKeys = {"timestamp", "input_length",
                                                                 "output_length", "hash_ids"};

  bool read(TraceRecord& record) override {
    if (!lines_.advance()) return false;
    TraceJson json(lines_);
    TraceKeys keys(lines_, kKeys);
    std::uint64_t input = 0;
    std::string_view ids_at;
    json.object("a request", [&](std::string_view name) {
      const std::string_view value = json.ahead();
      switch (keys.see(name, value)) {
        case timestamp:
          record.at_text = json.number("'timestamp'");
          record.at = time(parse_decimal_time(record.at_text, dialect_.time_power), record.at_text);
          break;
        case input_length:
          input = json.whole("'input_length'", 1, kMostTokens);
          break;
        case output_length:
          record.output = tokens(json.whole("'output_length'", 1, kMostTokens));
          break;
        case hash_ids:
          ids_at = value.substr(0, 1);
          read_ids(json, record.prompt);
          break;
        default:
          json.skip();
      }
    });
    json.end();
    for (std::size_t i = 0; i < others; ++i) keys.require(i);
    fit(record.prompt, input, ids_at);
    record.client = {};
    record.output_content = content_.output(requests());
    return true;
  }

  void read_ids(TraceJson& json, std::vector<Span>& prompt) const {
    prompt.clear();
    json.list("'hash_ids'", [&] {
      const std::uint64_t id = json.whole("a hash id", 0, TraceContent::kLastOfTrace);
      prompt.push_back({id, tokens(dialect_.block)});
    });
  }

  /// Makes the spans as long as the prompt is.
  void fit(std::vector<Span>& prompt, std::uint64_t input, std::string_view ids_at) const {
    const std::uint64_t full = input / dialect_.block;
    const std::uint64_t rest = input % dialect_.block;
    const std::uint64_t wanted = full + (rest == 0 ? 0 : 1);
    if (prompt.size() == wanted) {
      if (rest != 0) prompt.back().tokens = tokens(rest);
    } else if (prompt.size() == full && dialect_.rest_may_lack_id) {
      prompt.push_back({content_.prompt(requests()), tokens(rest)});
    } else {
      lines_.fail(ids_at,
                  fmt::format("{} hash ids for {} tokens: in blocks of {} they should be {}",
                              prompt.size(), input, dialect_.block, wanted),
                  "is 'hash_block' right?");
    }
  }

  Dialect dialect_;
};

}  // namespace

std::unique_ptr<TraceReader> read_mooncake_trace(TraceLines lines, TraceContent content,
                                                 TraceFormat format,
                                                 std::optional<Tokens> hash_block) {
  Dialect dialect = format == TraceFormat::bailian ? kBailian : kMooncake;
  if (hash_block) dialect.block = static_cast<std::uint64_t>(hash_block->count());
  return std::make_unique<MooncakeReader>(std::move(lines), content, dialect);
}

}  // namespace terrace
