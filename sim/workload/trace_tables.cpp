/// The formats of CSV traces.
///
/// azure (Patel et al., "Splitwise", ISCA 2024): TIMESTAMP as date and time, ContextTokens,
/// GeneratedTokens.
/// burstgpt (Wang et al., arXiv:2401.17644): Timestamp in s, Request tokens, Response tokens; a
/// request without response tokens has failed and is skipped.
/// Neither says what was asked, so no two prompts have anything in common; other columns are
/// ignored.
///
/// csv, the plain form to bring a log into:
///   arrival_s      when it arrives in the simulation
///   prompt_tokens  length of the prompt
///   output_tokens  length of the answer
/// and optionally, also row by row,
///   client         name
///   prefix_id      name of a text that the prompt begins with, such as a system prompt
///   prefix_tokens  its length
///   session        name of a conversation: the prompt begins with what was said in it before, as
///                  many of its prompts and answers as fit whole
/// As any conversation may go on at any time, a session column costs memory for all its turns.

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/workload/trace_csv.hpp"

namespace terrace {
namespace {

constexpr std::array<std::string_view, 3> kAzureColumns = {"TIMESTAMP", "ContextTokens",
                                                           "GeneratedTokens"};
constexpr std::array<std::string_view, 3> kBurstColumns = {"Timestamp", "Request tokens",
                                                           "Response tokens"};
constexpr std::array<std::string_view, 7> kPlainColumns = {
    "arrival_s", "prompt_tokens", "output_tokens", "client",
    "prefix_id", "prefix_tokens", "session"};

constexpr CsvTable kAzure{"azure", kAzureColumns, 3, false};
constexpr CsvTable kBurst{"burstgpt", kBurstColumns, 3, false};
constexpr CsvTable kPlain{"csv", kPlainColumns, 3, true};

/// The columns that all three begin with.
enum Column : std::size_t { arrival, prompt, output };

class AzureReader final : public CsvReader {
 public:
  AzureReader(TraceLines lines, TraceContent content)
      : CsvReader(std::move(lines), content, kAzure) {}

 private:
  bool read(TraceRecord& record) override {
    if (!next_row()) return false;
    record.at_text = field(arrival);
    record.at = time(parse_calendar_time(record.at_text), record.at_text);
    record.prompt.assign(1, {content_.prompt(requests()), tokens(prompt, 1)});
    record.output = tokens(output, 1);
    record.output_content = content_.output(requests());
    return true;
  }
};

class BurstGptReader final : public CsvReader {
 public:
  BurstGptReader(TraceLines lines, TraceContent content)
      : CsvReader(std::move(lines), content, kBurst) {}

 private:
  bool read(TraceRecord& record) override {
    for (; next_row(); ++skipped_) {
      record.at_text = field(arrival);
      record.at = time(parse_decimal_time(record.at_text, 0), record.at_text);
      record.output = tokens(output, 0);
      if (record.output == Tokens{}) continue;
      record.prompt.assign(1, {content_.prompt(requests()), tokens(prompt, 1)});
      record.output_content = content_.output(requests());
      return true;
    }
    return false;
  }
};

class PlainReader final : public CsvReader {
 public:
  PlainReader(TraceLines lines, TraceContent content)
      : CsvReader(std::move(lines), content, kPlain) {}

  [[nodiscard]] bool starts_at_first() const override { return false; }
  [[nodiscard]] bool names_clients() const override { return has(client); }

 private:
  enum OptionalColumn : std::size_t { client = 3, prefix_id, prefix_tokens, session };

  bool read(TraceRecord& record) override {
    if (!next_row()) return false;
    record.at_text = field(arrival);
    record.at = time(parse_decimal_time(record.at_text, 0), record.at_text);
    record.client = field(client);
    record.output = tokens(output, 1);
    record.output_content = content_.output(requests());
    record.prompt.clear();

    Tokens left = tokens(prompt, 1);
    if (!field(prefix_id).empty()) {
      const Tokens length = tokens(prefix_tokens, 1);
      if (length > left) {
        lines_.fail(field(prefix_tokens), "the prefix is longer than the prompt");
      }
      record.prompt.push_back({TraceContent::prefix(field(prefix_id)), length});
      left -= length;
    } else if (!field(prefix_tokens).empty() && tokens(prefix_tokens, 0) != Tokens{}) {
      lines_.fail(field(prefix_tokens), "a prefix without 'prefix_id'");
    }
    if (field(session).empty()) {
      record.session = Arrival::kNoSession;
      record.turn = 0;
      add_own_text(record, left);
    } else {
      converse(record, left);
    }
    return true;
  }

  /// Continues the conversation, and adds this turn to it. What it began with stays its beginning:
  /// a turn with another prefix starts it anew.
  void converse(TraceRecord& record, Tokens left) {
    const auto next = static_cast<std::uint32_t>(sessions_.size());
    Session& mine =
        sessions_.try_emplace(std::string(field(session)), Session{next, 0, {}}).first->second;
    std::vector<Span>& said = mine.said;
    record.session = mine.number;
    record.turn = mine.turns++;
    const std::size_t prefix = record.prompt.size();
    if (!std::equal(record.prompt.begin(), record.prompt.end(), said.begin(),
                    said.begin() + static_cast<std::ptrdiff_t>(std::min(prefix, said.size())))) {
      said.clear();
    }
    for (std::size_t i = prefix; i < said.size() && said[i].tokens <= left; ++i) {
      record.prompt.push_back(said[i]);
      left -= said[i].tokens;
    }
    add_own_text(record, left);
    said = record.prompt;
    said.push_back({record.output_content, record.output});
  }

  void add_own_text(TraceRecord& record, Tokens length) const {
    if (length != Tokens{}) record.prompt.push_back({content_.prompt(requests()), length});
  }

  struct Session {
    std::uint32_t number = 0;
    std::uint32_t turns = 0;
    std::vector<Span> said;
  };
  std::unordered_map<std::string, Session> sessions_;
};

}  // namespace

std::unique_ptr<TraceReader> read_csv_trace(TraceLines lines, TraceContent content,
                                            TraceFormat format) {
  if (format == TraceFormat::azure) {
    return std::make_unique<AzureReader>(std::move(lines), content);
  }
  if (format == TraceFormat::burstgpt) {
    return std::make_unique<BurstGptReader>(std::move(lines), content);
  }
  return std::make_unique<PlainReader>(std::move(lines), content);
}

TraceFormat recognise_csv(const TraceLines& lines) {
  CsvRow row;
  row.split(lines);
  const auto& header = row.fields();
  const auto matching = [&](const CsvTable& table, auto matches) {
    const auto needed = table.columns.first(table.required);
    return static_cast<std::size_t>(std::count_if(needed.begin(), needed.end(), matches));
  };
  const auto exact = [&](std::string_view name) {
    return std::find(header.begin(), header.end(), name) != header.end();
  };
  const auto close = [&](std::string_view name) { return nearest_name(name, header).has_value(); };

  const CsvTable* nearest = &kPlain;
  for (const auto& [table, format] :
       {std::pair{&kPlain, TraceFormat::csv}, std::pair{&kAzure, TraceFormat::azure},
        std::pair{&kBurst, TraceFormat::burstgpt}}) {
    if (matching(*table, exact) == table->required) return format;
    if (matching(*table, close) > matching(*nearest, close)) nearest = table;
  }
  const auto needed = nearest->columns.first(nearest->required);
  lines.fail(lines.line(), "no trace format has this header",
             fmt::format("nearest is {}: {}", nearest->name, fmt::join(needed, ",")));
}

}  // namespace terrace
