#include "sim/report/terminal.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/report/table.hpp"
#include "tests/report/reported_run.hpp"
#include "tests/report/scratch.hpp"

namespace terrace {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Terminal, NamesTheRunAndEndsWithTheVerdict) {
  const Reported run = report_on(kTwoTiers);
  const std::string text = render(run.summary, run.header);
  const std::vector<std::string> lines = lines_of(text);
  EXPECT_EQ(lines.front(), "two tiers");
  EXPECT_THAT(text, testing::EndsWith(paragraph("", run.summary.verdict.sentence)));
  for (const char* part : {"  model     llama-3.1-8b",
                           "2 replicas of 1 GPU, H200 SXM",
                           "Samsung",
                           "dram 1.00 GiB shared, lru, write through",
                           "\n  seed      7\n",
                           "\nLatency ",
                           "\nTTFT ",
                           "\nTPOT ",
                           "\nITL ",
                           "\nE2E ",
                           "\nrequests completed ",
                           "\n  within their SLO ",
                           "SLO met by ",
                           "\nClient ",
                           "\ntalk ",
                           "\nhuge ",
                           "ttft 60 ms, tpot 7 ms",
                           "\nMean TTFT ",
                           "\nKV load ",
                           "\nhbm ",
                           "\ndram ",
                           "\nflash ",
                           "\nKV traffic ",
                           "\nLink ",
                           "\nhost0.nvme.read "}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
}

TEST(Terminal, IsNoWiderThanATerminalHasNoTrailingSpaceAndNoColour) {
  const Reported run = report_on(kTwoTiers);
  for (const std::string& line : lines_of(render(run.summary, run.header))) {
    EXPECT_LE(columns_of(line), kReportWidth) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
    EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
  }
}

TEST(Terminal, LeavesOutWhatThereIsNoneOf) {
  const Reported run = report_on(R"(
name: plain
model: llama-3.1-8b
hardware: {gpu: h200-sxm, host: dual-xeon-ddr5-2tib}
workload:
  clients:
    - name: only
      arrivals: {process: deterministic, rate: 5 req/s}
      prompt: {distribution: constant, value: 100}
      output: {distribution: constant, value: 1}
  max_requests: 10
)");
  const std::string text = render(run.summary, run.header);
  EXPECT_THAT(text, Not(HasSubstr("SLO")));
  EXPECT_THAT(text, Not(HasSubstr("Client")));
  EXPECT_THAT(text, Not(HasSubstr("Link")));
  EXPECT_THAT(text, Not(HasSubstr("KV traffic")));
  EXPECT_THAT(text, HasSubstr("\nTPOT            -         -         -         -\n"));
}

TEST(Terminal, SaysWhatBecameOfWritesThatWereNotMade) {
  Reported run = report_on(kTwoTiers);
  const std::string before = render(run.summary, run.header);
  EXPECT_THAT(before, Not(HasSubstr("declined")));
  EXPECT_THAT(before, Not(HasSubstr("dropped")));
  run.summary.tiers[1].counters.writes_declined = 4321;
  run.summary.tiers[2].counters.writes_dropped = 8765;
  const std::string text = render(run.summary, run.header);
  EXPECT_THAT(text, HasSubstr("writes skipped  declined  dropped\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\ndram .* 4,321 +0\n"));
  EXPECT_THAT(text, testing::ContainsRegex("\nflash .* 0 +8,765\n"));
}

TEST(Terminal, TheHeaderSaysHowTiersAreWrittenIfNotAsUsual) {
  const std::string odd = R"(
name: odd
model: llama-3.1-8b
hardware: {gpu: h200-sxm, host: dual-xeon-ddr5-2tib, ssd: samsung-pm9a3}
tiers:
  - {name: dram, capacity: 1 GiB, admission: second_touch, write: selective, write_uses: 3}
  - {name: flash, medium: nvme, capacity: 8 GiB, promotion: in_place,
     write_queue: {limit: 1000, when_full: drop_oldest}}
workload:
  max_requests: 1
  clients:
    - name: c
      arrivals: {process: poisson, rate: 1 /s}
      prompt: {distribution: constant, value: 10}
      output: {distribution: constant, value: 2}
)";
  std::string text = render(nothing(), report_on(odd).header);
  for (std::size_t at = 0; (at = text.find_first_of(" \n", at)) != std::string::npos; ++at) {
    text.replace(at, text.find_first_not_of(" \n", at) - at, " ");
    if (text.find_first_not_of(" \n", at) == std::string::npos) break;
  }
  EXPECT_THAT(text, HasSubstr("lru, admits second_touch, write selective at use 3, inclusive"));
  EXPECT_THAT(text, HasSubstr("lru, write through, queue of 1,000 then drop_oldest, read in_place, "
                              "inclusive"));
}

TEST(Terminal, TellsOfPrefetchesWhereThereAreAny) {
  std::string text(kTwoTiers);
  EXPECT_THAT(render(report_on(text).summary, {}), Not(HasSubstr("KV prefetch")));
  text.replace(text.find("block_size: 64"), 0, "prefetch: queue, ");
  const Reported run = report_on(text);
  const std::string report = render(run.summary, run.header);
  EXPECT_THAT(report, HasSubstr("\nKV prefetch "));
  for (const std::string& line : lines_of(report)) EXPECT_LE(columns_of(line), kReportWidth);
}

TEST(Terminal, OfNothingIsShort) {
  const std::string text = render(nothing(), {"empty", "", 0, {}});
  EXPECT_THAT(text, HasSubstr("IDLE: no requests came\n"));
  EXPECT_THAT(text, Not(HasSubstr("Latency")));
  EXPECT_THAT(text, Not(HasSubstr("nan")));
}

TEST(Terminal, SaysThatARunWasStopped) {
  Summary s = nothing();
  s.complete = false;
  s.unfinished = 1234;
  const std::string text = render(s, {});
  EXPECT_THAT(text, HasSubstr("1,234 unfinished"));
  EXPECT_THAT(text, HasSubstr("Stopped early"));
}

}  // namespace
}  // namespace terrace
