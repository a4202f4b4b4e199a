#include <iterator>

#include <fmt/format.h>

#include "sim/workload/trace.hpp"

namespace terrace {
namespace {

/// `text` as a JSON string.
std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

void write_retention(std::ostream& out, const std::vector<RetentionSpec>& rules) {
  out << R"(,"retention":[)";
  bool first = true;
  for (const RetentionSpec& rule : rules) {
    out << (first ? "" : ",")
        << fmt::format(R"({{"from":{},"priority":{})", rule.from.count(), rule.priority);
    if (rule.to != Tokens::max()) out << fmt::format(R"(,"to":{})", rule.to.count());
    if (rule.duration != Duration::zero()) {
      out << fmt::format(R"(,"duration_ps":{})", rule.duration.count());
    }
    out << '}';
    first = false;
  }
  out << ']';
}

}  // namespace

void write_terrace_header(std::ostream& out, const std::vector<Client>& clients) {
  out << R"({"terrace_trace":1,"clients":[)";
  bool first = true;
  for (const Client& client : clients) {
    out << (first ? "" : ",")
        << fmt::format(R"({{"name":{},"priority":{})", json_string(client.name), client.priority);
    if (client.ttft_slo) out << fmt::format(R"(,"ttft_slo_ps":{})", client.ttft_slo->count());
    if (client.tpot_slo) out << fmt::format(R"(,"tpot_slo_ps":{})", client.tpot_slo->count());
    if (!client.retention.empty()) write_retention(out, client.retention);
    out << '}';
    first = false;
  }
  out << "]}\n";
}

void write_terrace_jsonl(std::ostream& out, const Arrival& arrival,
                         const std::vector<Client>& clients) {
  fmt::memory_buffer line;
  auto to = std::back_inserter(line);
  fmt::format_to(to, R"({{"arrival_ps":{},"client":{},"prompt":[)",
                 arrival.at.time_since_epoch().count(),
                 json_string(clients.at(arrival.client).name));
  bool first = true;
  for (const Span& span : arrival.prompt) {
    fmt::format_to(to, "{}[{},{}]", first ? "" : ",", span.content, span.tokens.count());
    first = false;
  }
  fmt::format_to(to, R"(],"output_tokens":{},"output_content":{})", arrival.output.count(),
                 arrival.output_content);
  if (arrival.session != Arrival::kNoSession) {
    fmt::format_to(to, R"(,"session":{})", arrival.session);
  }
  if (arrival.turn > 0) fmt::format_to(to, R"(,"turn":{})", arrival.turn);
  if (arrival.tool_call) fmt::format_to(to, R"(,"tool_call":true)");
  fmt::format_to(to, "}}\n");
  out.write(line.data(), static_cast<std::streamsize>(line.size()));
}

}  // namespace terrace
