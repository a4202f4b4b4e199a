/// Traces of hashed prompts, one JSON object per line:
///
///   timestamp      time of arrival
///   input_length   tokens of the prompt
///   output_length  tokens of the answer
///   hash_ids       identities of the prompt's blocks in order, the last one of what is left over
///
/// mooncake (Qin et al., "Mooncake", FAST 2025): ms, 512-token blocks.
/// bailian (Wang et al., "KVCache Cache in the Wild", ATC 2025): seconds, 16-token blocks; what is
/// left over may lack an id, and is then taken for text of its own. Where there is a chat_id, a
/// request is of its parent_chat_id's session, of a new one if the trace has no such parent, and
/// `turn` counts from one.
///
/// Other keys are ignored.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>

#include <fmt/format.h>

#include "sim/workload/trace_json.hpp"
#include "sim/workload/trace_reader.hpp"

namespace terrace {
namespace {

struct Dialect {
  int time_power;  // timestamps count 10^time_power seconds
  std::uint64_t block;
  bool rest_may_lack_id;
  bool has_chats;
};

constexpr Dialect kMooncake{-3, 512, false, false};
constexpr Dialect kBailian{0, 16, true, true};

constexpr std::uint64_t kMostTurn = 1'000'000'000;

Tokens tokens(std::uint64_t count) { return Tokens{static_cast<std::int64_t>(count)}; }

class MooncakeReader final : public TraceReader {
 public:
  MooncakeReader(TraceLines lines, TraceContent content, Dialect dialect)
      : TraceReader(std::move(lines), content), dialect_(dialect) {}

  [[nodiscard]] std::optional<Tokens> hash_block() const override { return tokens(dialect_.block); }

 private:
  enum Key : std::size_t {
    timestamp,
    input_length,
    output_length,
    hash_ids,
    required,
    chat_id = required,
    parent_chat_id,
    turn,
    others
  };
  static constexpr std::array<std::string_view, others> kKeys = {
      "timestamp", "input_length",   "output_length", "hash_ids",
      "chat_id",   "parent_chat_id", "turn"};

  bool read(TraceRecord& record) override {
    if (!lines_.advance()) return false;
    TraceJson json(lines_);
    TraceKeys keys(lines_, std::span(kKeys).first(dialect_.has_chats ? others : required));
    std::uint64_t input = 0;
    std::int64_t chat = 0;
    std::int64_t parent = -1;
    record.turn = 0;
    std::string_view ids_at;
    json.object("a request", [&](std::string_view name) {
      const std::string_view value = json.ahead();
      switch (keys.see(name, value)) {
        case timestamp:
          record.at_text = json.number("'timestamp'");
          record.at = time(parse_decimal_time(record.at_text, dialect_.time_power), record.at_text);
          break;
        case input_length:
          input = json.whole("'input_length'", 1, kMostTraceTokens);
          break;
        case output_length:
          record.output = tokens(json.whole("'output_length'", 1, kMostTraceTokens));
          break;
        case hash_ids:
          ids_at = value.substr(0, 1);
          read_ids(json, record.prompt);
          break;
        case chat_id:
          if (!dialect_.has_chats) return json.skip();
          chat = whole(json, "'chat_id'");
          break;
        case parent_chat_id:
          parent = whole(json, "'parent_chat_id'");
          break;
        case turn:
          record.turn = static_cast<std::uint32_t>(json.whole("'turn'", 1, kMostTurn) - 1);
          break;
        default:
          json.skip();
      }
    });
    json.end();
    for (std::size_t i = 0; i < required; ++i) keys.require(i);
    const bool chats = dialect_.has_chats && keys.has(chat_id);
    record.session = chats ? session_of(chat, parent) : Arrival::kNoSession;
    fit(record.prompt, input, ids_at);
    record.client = {};
    record.output_content = content_.output(requests());
    return true;
  }

  /// A number that may be negative.
  std::int64_t whole(TraceJson& json, std::string_view what) const {
    const std::string_view text = json.number(what);
    const auto parsed = config::Scalar<std::int64_t>::parse(text);
    if (!parsed.value) lines_.fail(text, fmt::format("{}: {}", what, parsed.why));
    return *parsed.value;
  }

  std::uint32_t session_of(std::int64_t chat, std::int64_t parent) {
    const auto before = sessions_.find(parent);
    const std::uint32_t session = before == sessions_.end() ? next_session_++ : before->second;
    sessions_[chat] = session;
    return session;
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
  std::unordered_map<std::int64_t, std::uint32_t> sessions_;  // by chat
  std::uint32_t next_session_ = 0;
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
