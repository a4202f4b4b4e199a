// Feeds any bytes to the trace readers. The first byte chooses the format, the second what is
// asked of the trace. Nothing but ConfigError may come out, and what is accepted has to be sound:
// its times in order, its texts not empty, its lines JSON also by the standards of another parser,
// and its export has to read back to the same arrivals.
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -I. tests/fuzz/fuzz_trace.cpp
//     sim/workload/{trace*,spec}.cpp sim/base/*.cpp sim/config/*.cpp -lyaml-cpp -lfmt

#include <cstddef>
#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "sim/base/check.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/workload/trace.hpp"

namespace {

using terrace::Arrival;
using terrace::TraceFormat;
using terrace::TraceInput;
using terrace::TraceSpec;

TraceInput in_memory(std::string text) {
  return {"t", [text = std::move(text)] { return std::make_unique<std::istringstream>(text); }};
}

TraceSpec spec_of(unsigned format, unsigned wish) {
  const auto& formats = terrace::config::Names<TraceFormat>::kList;
  const auto& spreads = terrace::config::Names<terrace::TraceSpread>::kList;
  TraceSpec spec;
  spec.format = formats[format % formats.size()].second;
  spec.spread = spreads[wish % spreads.size()].second;
  if ((wish & 16U) != 0) spec.rate = terrace::Frequency{3};
  if ((wish & 32U) != 0) spec.speedup = 0.001;
  if ((wish & 64U) != 0) spec.hash_block = terrace::Tokens{16};
  if ((wish & 128U) != 0) spec.max_requests = 3;
  return spec;
}

void check_json(const std::string& text) {
  std::istringstream lines(text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text);
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    TERRACE_CHECK(nlohmann::json::accept(line));
  }
}

std::vector<Arrival> checked_arrivals(terrace::Workload& workload) {
  std::vector<Arrival> all;
  while (const auto time = workload.next_time()) {
    TERRACE_CHECK(all.empty() || all.back().at <= *time);
    Arrival& arrival = all.emplace_back();
    workload.next(arrival);
    TERRACE_CHECK(arrival.at == *time);
    TERRACE_CHECK(arrival.client < workload.clients().size());
    TERRACE_CHECK(arrival.output.count() >= 1);
    TERRACE_CHECK(!arrival.prompt.empty());
    for (const terrace::Span& span : arrival.prompt) TERRACE_CHECK(span.tokens.count() >= 1);
  }
  return all;
}

void check_export(const terrace::Workload& workload, const std::vector<Arrival>& all) {
  std::ostringstream out;
  terrace::write_terrace_header(out, workload.clients());
  for (const Arrival& arrival : all) write_terrace_jsonl(out, arrival, workload.clients());
  const auto again = open_trace(in_memory(out.str()), {}, 2);
  const std::vector<Arrival> copy = checked_arrivals(*again);
  TERRACE_CHECK(copy.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    TERRACE_CHECK(copy[i].at == all[i].at && copy[i].client == all[i].client);
    TERRACE_CHECK(copy[i].prompt == all[i].prompt && copy[i].output == all[i].output);
    TERRACE_CHECK(copy[i].output_content == all[i].output_content);
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string text(data + 2, data + size);
  const TraceSpec spec = spec_of(data[0], data[1]);
  std::unique_ptr<terrace::Workload> workload;
  std::vector<Arrival> all;
  try {
    workload = open_trace(in_memory(text), spec, 1);
    all = checked_arrivals(*workload);
    const bool json = spec.format == TraceFormat::mooncake || spec.format == TraceFormat::bailian ||
                      spec.format == TraceFormat::terrace;
    if (json && !spec.max_requests) check_json(text);
  } catch (const terrace::config::ConfigError& error) {
    const std::string what = error.what();
    TERRACE_CHECK(what.ends_with('\n') && what.find("error: ") != std::string::npos);
    return 0;
  }
  check_export(*workload, all);
  return 0;
}
