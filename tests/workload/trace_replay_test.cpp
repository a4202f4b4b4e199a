#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <istream>
#include <map>
#include <streambuf>

#include <gtest/gtest.h>

#include "sim/workload/trace.hpp"
#include "tests/workload/traces.hpp"

namespace terrace {
namespace {

using tests::all_of;
using tests::fixture;
using tests::in_memory;
using tests::prompt_tokens;
using tests::replay;
using tests::replay_file;
using tests::times;
using Times = std::vector<std::int64_t>;

constexpr std::int64_t kSecond = 1'000'000'000'000;

TEST(TraceReplay, SpeedupAndRateSetThePace) {
  const std::string plain = "arrival_s,prompt_tokens,output_tokens\n2,1,1\n4,1,1\n10,1,1\n";
  TraceSpec faster;
  faster.speedup = 4;
  EXPECT_EQ(times(replay(plain, faster)), (Times{kSecond / 2, kSecond, 5 * kSecond / 2}));
  TraceSpec slower;
  slower.speedup = 0.5;
  EXPECT_EQ(times(replay(plain, slower)), (Times{4 * kSecond, 8 * kSecond, 20 * kSecond}));
  TraceSpec rated;
  rated.rate = Frequency{1};  // 2 gaps in 8 s before, in 2 s now
  EXPECT_EQ(times(replay(plain, rated)), (Times{kSecond / 2, kSecond, 5 * kSecond / 2}));
  rated.max_requests = 2;  // 1 gap in 2 s before, in 1 s now
  EXPECT_EQ(times(replay(plain, rated)), (Times{kSecond, 2 * kSecond}));
}

TEST(TraceReplay, EndsAtMaxRequestsOrBeforeDuration) {
  TraceSpec spec;
  spec.max_requests = 2;
  EXPECT_EQ(replay_file("mooncake.jsonl", spec).size(), 2U);
  spec = {};
  spec.duration = Duration{3 * kSecond};
  EXPECT_EQ(replay_file("mooncake.jsonl", spec).size(), 2U);
  spec.speedup = 2;
  EXPECT_EQ(replay_file("mooncake.jsonl", spec).size(), 3U);
}

TEST(TraceReplay, SpreadMovesOnlyWhatStandsTogether) {
  const std::string plain =
      "arrival_s,prompt_tokens,output_tokens\n1,1,1\n1,2,1\n1,3,1\n4,4,1\n6,5,1\n6,6,1\n";
  TraceSpec spec;
  spec.spread = TraceSpread::uniform;
  EXPECT_EQ(times(replay(plain, spec)),
            (Times{kSecond, 2 * kSecond, 3 * kSecond, 4 * kSecond, 6 * kSecond, 7 * kSecond}));
  spec.spread = TraceSpread::random;
  const auto random = replay(plain, spec);
  const Times at = times(random);
  EXPECT_TRUE(std::is_sorted(at.begin(), at.end()));
  EXPECT_GE(at[0], kSecond);
  EXPECT_LT(at[2], 4 * kSecond);
  EXPECT_GE(at[3], 4 * kSecond);
  EXPECT_LT(at[3], 6 * kSecond);
  EXPECT_NE(at[1], 2 * kSecond);
  EXPECT_EQ(prompt_tokens(random[4]), 5);
  EXPECT_EQ(times(replay(plain, spec)), at);
}

TEST(TraceReplay, RandomSpreadIsUniformInTheGap) {
  std::string plain = "arrival_s,prompt_tokens,output_tokens\n";
  constexpr int kRequests = 2000;
  for (int i = 0; i < kRequests; ++i) plain += "0,1,1\n";
  plain += "1,1,1\n";
  TraceSpec spec;
  spec.spread = TraceSpread::random;
  const auto at = times(replay(plain, spec));
  double furthest = 0;  // Kolmogorov and Smirnov's distance; above 1.95/sqrt(n) once in 1000 seeds
  for (int i = 0; i < kRequests; ++i) {
    const double there = static_cast<double>(at[static_cast<std::size_t>(i)]) * 1e-12;
    furthest = std::max(furthest, std::abs(there - (i + 0.5) / kRequests));
  }
  EXPECT_LT(furthest, 1.95 / std::sqrt(kRequests));
}

TEST(TraceReplay, SpecOverridesWhatClientsHaveInCommon) {
  TraceSpec spec;
  spec.path = fixture("terrace.jsonl");
  spec.priority = 5;
  spec.slo.tpot = Duration{9};
  const auto workload = open_trace(spec, 1);
  EXPECT_EQ(workload->clients()[0].priority, 5);
  EXPECT_EQ(workload->clients()[0].ttft_slo, Duration{kSecond / 2});
  EXPECT_EQ(workload->clients()[1].tpot_slo, Duration{9});
  spec.path = fixture("mooncake.jsonl");
  EXPECT_EQ(open_trace(spec, 1)->clients()[0].name, "mooncake");
}

TEST(TraceReplay, AcceptsWhatEditorsAndSpreadsheetsDoToFiles) {
  const Times expected{0, kSecond};
  const std::string header = "arrival_s,prompt_tokens,output_tokens";
  EXPECT_EQ(times(replay("\xEF\xBB\xBF" + header + "\r\n0,1,1\r\n1,1,1")), expected);
  EXPECT_EQ(times(replay("\n" + header + "\n\n0,1,1\n 1 , 1 ,\t1\n\n \n\r\n")), expected);
  EXPECT_EQ(times(replay("output_tokens,\"arrival_s\",prompt_tokens\n1,\"0\",1\n1,1e0,1\n")),
            expected);
  EXPECT_EQ(times(replay("\xEF\xBB\xBF{\"arrival_s\":0,\"prompt\":[[1,1]],\"output_tokens\":1}\n"
                         " { \"output_tokens\" : 1 , \"prompt\" : [ [ 1 , 1 ] ] ,"
                         " \"arrival_s\" : 1.000 } ")),
            expected);
}

/// Makes a trace up as it is read, and counts how far reading has got.
class EndlessLog final : public std::streambuf {
 public:
  EndlessLog(std::size_t lines, std::size_t& given) : lines_(lines), given_(given) {}

 private:
  int_type underflow() override {
    if (line_ > lines_) return traits_type::eof();
    text_ = line_ == 0 ? "arrival_s,prompt_tokens,output_tokens\n"
                       : std::to_string(line_) + ",1000,100\n";
    ++line_;
    given_ += text_.size();
    setg(text_.data(), text_.data(), text_.data() + text_.size());
    return traits_type::to_int_type(text_.front());
  }

  std::size_t lines_;
  std::size_t& given_;
  std::size_t line_ = 0;
  std::string text_;
};

class EndlessStream final : public std::istream {
 public:
  EndlessStream(std::size_t lines, std::size_t& given) : std::istream(&log_), log_(lines, given) {}

 private:
  EndlessLog log_;
};

TEST(TraceReplay, ReadsNoFurtherAheadThanItsBuffer) {
  constexpr std::size_t kLines = 50'000;
  std::size_t given = 0;
  const TraceInput input{"t", [&] { return std::make_unique<EndlessStream>(kLines, given); }, true};
  const auto workload = open_trace(input, {}, 1);
  Arrival arrival;
  std::size_t used = 0;
  std::size_t count = 0;
  for (; workload->next_time(); ++count) {
    workload->next(arrival);
    used += std::to_string(count + 1).size() + 10;
    ASSERT_LE(given, used + (65U << 10U));
  }
  EXPECT_EQ(count, kLines);
  EXPECT_GT(given, 10 * (64U << 10U));
}

TEST(TraceReplay, BufferGrowsWithTheLongestLineOnly) {
  const std::string line = "{\"arrival_s\":0,\"prompt\":[[1,1]],\"output_tokens\":1}\n";
  const auto memory = [](const std::string& text) {
    TraceLines lines(in_memory(text));
    while (lines.advance()) {
    }
    return lines.buffered();
  };
  std::string many;
  for (int i = 0; i < 5000; ++i) many += line;
  EXPECT_EQ(memory(many), memory(line));
  EXPECT_LT(memory(std::string(300'000, ' ') + many), 1'000'000U);
}

/// A file of the data sets that are not shipped with the sources.
std::optional<std::string> data_set(const std::string& name) {
  const char* folder = std::getenv("TERRACE_DATA");
  if (folder == nullptr) return std::nullopt;
  const auto path = std::filesystem::path(folder) / "traces" / name;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path.string();
}

constexpr const char* kNoData = "set TERRACE_DATA to a folder with traces/ to run this";

// The numbers expected of the data sets were counted by scripts in awk and Python.

TEST(TraceReplay, MooncakeConversations) {
  const auto path = data_set("mooncake_conversation.jsonl");
  if (!path) GTEST_SKIP() << kNoData;
  const TraceSummary summary = summarise_trace(trace_file(*path), {});
  EXPECT_EQ(summary.requests, 12'031U);
  EXPECT_EQ(summary.spans, 288'500U);
  EXPECT_EQ(summary.prompt, Tokens{144'793'823});
  EXPECT_EQ(summary.output, Tokens{4'122'048});
  EXPECT_EQ(summary.longest_prompt, Tokens{126'195});
  EXPECT_EQ(summary.longest_output, Tokens{2'000});
  EXPECT_DOUBLE_EQ(summary.seconds, 3536.999);

  TraceSpec spec;
  spec.path = *path;
  spec.spread = TraceSpread::uniform;
  const auto all = all_of(*open_trace(spec, 1));
  std::map<std::uint64_t, int> uses;
  for (const Arrival& a : all) {
    for (const Span& span : a.prompt) ++uses[span.content];
  }
  EXPECT_EQ(uses.size(), 182'790U);
  EXPECT_EQ(uses[0], 12'031);
  const auto at = times(all);
  EXPECT_TRUE(std::is_sorted(at.begin(), at.end()));
  EXPECT_EQ(std::adjacent_find(at.begin(), at.end()), at.end()) << "all moved apart";
}

TEST(TraceReplay, AzureConversations) {
  const auto path = data_set("azure_2023_conv.csv");
  if (!path) GTEST_SKIP() << kNoData;
  TraceSpec spec;
  spec.path = *path;
  const auto all = all_of(*open_trace(spec, 1));
  ASSERT_EQ(all.size(), 19'366U);
  std::int64_t prompts = 0;
  Tokens outputs;
  for (const Arrival& a : all) {
    prompts += prompt_tokens(a);
    outputs += a.output;
  }
  EXPECT_EQ(prompts, 22'361'870);
  EXPECT_EQ(outputs, Tokens{4'088'665});
  // From 18:15:46.6805900 to 19:14:08.4025270.
  EXPECT_EQ(times(all).back(), 3'501'721'937'000'000);
}

}  // namespace
}  // namespace terrace
