/// Our own traces, one JSON object per line, which say everything that an Arrival does:
///
///   arrival_ps | arrival_s  when it arrives in the simulation: whole ps, or s
///   client                  name; optional
///   prompt                  [[content id, tokens], ...]
///   output_tokens           tokens
///   output_content          content id; by default text of its own
///   session                 number of the session it is a turn of, used again after the last turn;
///                           by default of none
///   turn                    of its session, from zero; 0 by default
///   tool_call               whether the answer calls a tool; false by default
///
/// The first line may be, instead, the table of all clients:
///
///   {"terrace_trace": 1,
///    "clients": [{"name": ..., "priority": ..., "ttft_slo_ps": ..., "tpot_slo_ps": ...,
///                 "retention": [{"from": ..., "to": ..., "priority": ..., "duration_ps": ...},
///                               ...]}, ...]}

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <unordered_set>

#include <fmt/format.h>

#include "sim/workload/trace_json.hpp"
#include "sim/workload/trace_reader.hpp"

namespace terrace {
namespace {

constexpr std::uint64_t kAnyId = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMostSession = (1U << 24U) - 1;  // they are dense: tables go by them
constexpr std::uint64_t kMostTurn = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kMostTime = std::numeric_limits<std::int64_t>::max();

Tokens tokens(std::uint64_t count) { return Tokens{static_cast<std::int64_t>(count)}; }

/// The table of clients in the first line.
class Header {
 public:
  explicit Header(const TraceLines& lines) : lines_(lines), json_(lines) {}

  std::vector<Client> read() {
    enum Key : std::size_t { terrace_trace, clients, others };
    static constexpr std::array<std::string_view, others> kKeys = {"terrace_trace", "clients"};
    TraceKeys keys(lines_, kKeys);
    json_.object("the header", [&](std::string_view name) {
      switch (keys.see(name, json_.ahead())) {
        case terrace_trace:
          json_.whole("the version, 'terrace_trace',", 1, 1);
          break;
        case clients:
          json_.list("'clients'", [&] { read_client(); });
          break;
        default:
          keys.fail_unknown(name, json_.ahead());
      }
    });
    json_.end();
    keys.require(clients);
    return std::move(clients_);
  }

 private:
  void read_client() {
    enum Key : std::size_t { name, priority, ttft_slo_ps, tpot_slo_ps, retention, others };
    static constexpr std::array<std::string_view, others> kKeys = {
        "name", "priority", "ttft_slo_ps", "tpot_slo_ps", "retention"};
    const std::string_view at = json_.ahead().substr(0, 1);
    const auto duration = [&](std::size_t key) {
      const std::string what = fmt::format("'{}'", kKeys[key]);
      return Duration{static_cast<std::int64_t>(json_.whole(what, 1, kMostTime))};
    };
    TraceKeys keys(lines_, kKeys);
    Client client;
    json_.object("a client", [&](std::string_view key) {
      switch (keys.see(key, json_.ahead())) {
        case name:
          client.name = json_.text("'name'");
          break;
        case priority:
          client.priority = read_priority();
          break;
        case ttft_slo_ps:
          client.ttft_slo = duration(ttft_slo_ps);
          break;
        case tpot_slo_ps:
          client.tpot_slo = duration(tpot_slo_ps);
          break;
        case retention:
          json_.list("'retention'", [&] { client.retention.push_back(read_retention()); });
          break;
        default:
          keys.fail_unknown(key, json_.ahead());
      }
    });
    if (!keys.has(name)) lines_.fail(at, "this client has no 'name'");
    if (!names_.insert(client.name).second) lines_.fail(at, "this client stands here twice");
    clients_.push_back(std::move(client));
  }

  RetentionSpec read_retention() {
    enum Key : std::size_t { from, to, priority, duration_ps, others };
    static constexpr std::array<std::string_view, others> kKeys = {"from", "to", "priority",
                                                                   "duration_ps"};
    const std::string_view at = json_.ahead().substr(0, 1);
    TraceKeys keys(lines_, kKeys);
    RetentionSpec rule;
    json_.object("a retention rule", [&](std::string_view key) {
      switch (keys.see(key, json_.ahead())) {
        case from:
          rule.from = tokens(json_.whole("'from'", 0, kMostTime));
          break;
        case to:
          rule.to = tokens(json_.whole("'to'", 1, kMostTime));
          break;
        case priority:
          rule.priority = static_cast<std::int64_t>(json_.whole("'priority'", 0, 100));
          break;
        case duration_ps:
          rule.duration =
              Duration{static_cast<std::int64_t>(json_.whole("'duration_ps'", 0, kMostTime))};
          break;
        default:
          keys.fail_unknown(key, json_.ahead());
      }
    });
    if (!keys.has(priority)) lines_.fail(at, "this retention rule has no 'priority'");
    if (rule.from >= rule.to) lines_.fail(at, "the range of this retention rule is empty");
    return rule;
  }

  /// The one number that may be negative.
  std::int64_t read_priority() {
    const std::string_view text = json_.number("'priority'");
    const auto parsed = config::Scalar<std::int64_t>::parse(text);
    if (!parsed.value) lines_.fail(text, "'priority': " + parsed.why);
    return *parsed.value;
  }

  const TraceLines& lines_;
  TraceJson json_;
  std::vector<Client> clients_;
  std::unordered_set<std::string> names_;
};

class TerraceReader final : public TraceReader {
 public:
  TerraceReader(TraceLines lines, TraceContent content) : TraceReader(std::move(lines), content) {
    if (!lines_.advance()) return;
    const std::vector<std::string> keys = json_keys(lines_);
    if (std::find(keys.begin(), keys.end(), "terrace_trace") != keys.end()) {
      clients_ = Header(lines_).read();
    } else {
      lines_.again();
    }
  }

  [[nodiscard]] bool starts_at_first() const override { return false; }
  [[nodiscard]] bool names_clients() const override { return true; }
  [[nodiscard]] const std::vector<Client>* declared_clients() const override {
    return clients_ ? &*clients_ : nullptr;
  }

 private:
  enum Key : std::size_t {
    arrival_ps,
    arrival_s,
    client,
    prompt,
    output_tokens,
    output_content,
    session,
    turn,
    tool_call,
    others
  };
  static constexpr std::array<std::string_view, others> kKeys = {
      "arrival_ps",     "arrival_s", "client", "prompt",   "output_tokens",
      "output_content", "session",   "turn",   "tool_call"};

  bool read(TraceRecord& record) override {
    if (!lines_.advance()) return false;
    TraceJson json(lines_);
    TraceKeys keys(lines_, kKeys);
    record.client = {};
    record.output_content = content_.output(requests());
    record.session = Arrival::kNoSession;
    record.turn = 0;
    record.tool_call = false;
    json.object("a request", [&](std::string_view name) {
      const std::string_view value = json.ahead();
      switch (keys.see(name, value)) {
        case arrival_ps:
          json.whole("'arrival_ps'", 0, kMostTime);
          record.at_text = value.substr(0, value.find_first_not_of("0123456789"));
          record.at = time(parse_decimal_time(record.at_text, -12), record.at_text);
          break;
        case arrival_s:
          record.at_text = json.number("'arrival_s'");
          record.at = time(parse_decimal_time(record.at_text, 0), record.at_text);
          break;
        case client:
          client_ = json.text("'client'");
          record.client = client_;
          break;
        case prompt:
          read_prompt(json, record.prompt);
          break;
        case output_tokens:
          record.output = tokens(json.whole("'output_tokens'", 1, kMostTraceTokens));
          break;
        case output_content:
          record.output_content = json.whole("'output_content'", 0, kAnyId);
          break;
        case session:
          record.session = static_cast<std::uint32_t>(json.whole("'session'", 0, kMostSession));
          break;
        case turn:
          record.turn = static_cast<std::uint32_t>(json.whole("'turn'", 0, kMostTurn));
          break;
        case tool_call:
          record.tool_call = json.truth("'tool_call'");
          break;
        default:
          keys.fail_unknown(name, value);
      }
    });
    json.end();
    if (keys.has(arrival_ps) && keys.has(arrival_s)) {
      lines_.fail(record.at_text, "'arrival_ps' and 'arrival_s' are both given");
    }
    if (!keys.has(arrival_s)) keys.require(arrival_ps);
    keys.require(prompt);
    keys.require(output_tokens);
    return true;
  }

  void read_prompt(TraceJson& json, std::vector<Span>& spans) const {
    const std::string_view at = json.ahead().substr(0, 1);
    std::uint64_t total = 0;
    spans.clear();
    json.list("'prompt'", [&] {
      const std::string_view span_at = json.ahead().substr(0, 1);
      std::array<std::uint64_t, 2> span{};
      std::size_t n = 0;
      json.list("a span", [&] {
        if (n == span.size()) lines_.fail(span_at, "a span is [content id, tokens]");
        span[n] = n == 0 ? json.whole("a content id", 0, kAnyId)
                         : json.whole("the length of a span", 1, kMostTraceTokens);
        ++n;
      });
      if (n < span.size()) lines_.fail(span_at, "a span is [content id, tokens]");
      total += span[1];
      if (total > kMostTraceTokens) {
        lines_.fail(span_at, fmt::format("this prompt is too long: at most {}", kMostTraceTokens));
      }
      spans.push_back({span[0], tokens(span[1])});
    });
    if (spans.empty()) lines_.fail(at, "this prompt is empty");
  }

  std::optional<std::vector<Client>> clients_;
  std::string client_;  // that of the current record
};

}  // namespace

std::unique_ptr<TraceReader> read_terrace_trace(TraceLines lines, TraceContent content) {
  return std::make_unique<TerraceReader>(std::move(lines), content);
}

}  // namespace terrace
