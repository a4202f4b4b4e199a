// Readers of measured runs: every format, every mistake, and what prompts share.

#include "sim/study/validation/measured_run.hpp"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/config/diagnostics.hpp"

namespace terrace {
namespace {

using namespace literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

MeasuredRun read(const std::string& text, MeasuredFormat format = MeasuredFormat::automatic) {
  const TraceInput input{"run", [text] { return std::make_unique<std::istringstream>(text); },
                         false};
  return read_measured_run(input, format);
}

std::string mistake(const std::string& text, MeasuredFormat format = MeasuredFormat::automatic) {
  try {
    read(text, format);
  } catch (const config::ConfigError& e) {
    return e.what();
  }
  return "none";
}

Duration us(std::int64_t n) { return std::chrono::microseconds(n); }

TEST(MeasuredCsv, HasArrivalsFromTheFirstAndLatenciesFromArrival) {
  const MeasuredRun run = read(
      "arrival_s,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms,shared_prefix_tokens\n"
      "5.5,100,3,10.25,2,14.25,0\n"
      "5.75,200,1,8,,8,64\n");
  EXPECT_EQ(run.format, MeasuredFormat::csv);
  ASSERT_EQ(run.requests.size(), 2U);
  const MeasuredRequest& a = run.requests[0];
  EXPECT_EQ(a.name, "0");
  EXPECT_EQ(a.arrival, Duration{});
  EXPECT_EQ(a.input, 100_tok);
  EXPECT_EQ(a.output, 3_tok);
  EXPECT_EQ(a.ttft, us(10'250));
  EXPECT_EQ(a.tpot, us(2'000));
  EXPECT_EQ(a.e2e, us(14'250));
  const MeasuredRequest& b = run.requests[1];
  EXPECT_EQ(b.arrival, us(250'000));
  EXPECT_EQ(b.shared_prefix, 64_tok);
  EXPECT_EQ(b.tpot, std::nullopt) << "a single token has no pace";
}

TEST(MeasuredCsv, FillsInWhatFollows) {
  const std::string head = "arrival_s,input_tokens,output_tokens,";
  EXPECT_EQ(read(head + "ttft_ms,tpot_ms\n0,1,5,10,2\n").requests[0].e2e, us(18'000));
  EXPECT_EQ(read(head + "ttft_ms\n0,1,1,10\n").requests[0].e2e, us(10'000));
  EXPECT_EQ(read(head + "ttft_ms,e2e_ms\n0,1,5,10,18\n").requests[0].tpot, us(2'000));
  EXPECT_EQ(read(head + "ttft_ms\n0,1,5,10\n").requests[0].e2e, std::nullopt);
  EXPECT_EQ(read(head + "tpot_ms,e2e_ms\n0,1,5,2,\n").requests[0].e2e, std::nullopt);
}

TEST(MeasuredCsv, SaysWhereEachMistakeStands) {
  const std::string head = "arrival_s,input_tokens,output_tokens,ttft_ms,e2e_ms\n";
  EXPECT_THAT(mistake(head + "1,10,5,3,9\n0.5,10,5,3,9\n"),
              StartsWith("run:3:1: error: the run goes back in time"));
  EXPECT_THAT(mistake(head + "1,0,5,3,9\n"), StartsWith("run:2:3: error: '0' tokens are too few"));
  EXPECT_THAT(mistake(head + "1,10,x,3,9\n"), HasSubstr("run:2:6: error: 'x' is not a whole"));
  EXPECT_THAT(mistake(head + "1,10,5,-3,9\n"),
              HasSubstr("run:2:8: error: the latency '-3' is neg"));
  EXPECT_THAT(mistake(head + "1,10,5,0,9\n"),
              HasSubstr("run:2:8: error: nothing can be compared with a latency of 0"));
  EXPECT_THAT(mistake(head + "1,10,5,9,3\n"),
              HasSubstr("run:2:10: error: the request ends before its first token"));
  EXPECT_THAT(mistake(head + "1,10,5,9e9,\n"), HasSubstr("the latency is too long"));
  EXPECT_THAT(mistake(head + "1,10,5,3\n"), HasSubstr("run:2:1: error: this row has 4 columns"));
  EXPECT_THAT(mistake(head), StartsWith("run: error: there is no request"));
  EXPECT_THAT(mistake(""), StartsWith("run: error: this run is empty"));
  EXPECT_THAT(mistake("arrival_s,input_tokens,output_tokens\n1,1,1\n"),
              HasSubstr("add a column ttft_ms, tpot_ms or e2e_ms"));
  EXPECT_THAT(mistake("arrival_s,input_token,output_tokens,ttft_ms\n1,1,1,1\n"),
              HasSubstr("did you mean 'input_tokens'?"));
  EXPECT_THAT(mistake("arrival_s,output_tokens,ttft_ms\n1,1,1\n"),
              HasSubstr("have a column 'input_tokens', but this header does not"));
  EXPECT_THAT(
      mistake("arrival_s,input_tokens,output_tokens,ttft_ms,tpot_ms\n0,1,900000000,1,1e6\n"),
      HasSubstr("run:2:17: error: the answer is too long"));
}

TEST(MeasuredCsv, APrefixHasToBeSharedWithSomebody) {
  const std::string head = "arrival_s,input_tokens,output_tokens,ttft_ms,shared_prefix_tokens\n";
  EXPECT_THAT(mistake(head + "0,10,5,3,11\n"),
              HasSubstr("run:2:10: error: the shared prefix is longer than the prompt"));
  EXPECT_THAT(mistake(head + "0,10,5,3,0\n1,20,5,3,12\n"),
              HasSubstr("run:3:10: error: no earlier prompt is as long as this shared prefix"));
  EXPECT_THAT(mistake(head + "0,10,5,3,4\n"), HasSubstr("run:2:10: error: no earlier prompt"));
}

constexpr const char* kServingSim =
    "id,arrival_s,dataset_arrival_s,input_tokens,output_tokens,shared_prefix_tokens_16,queued_s,"
    "queue_wait_ms,ttft_ms,ttft_from_arrival_ms,tpot_ms,e2e_ms\n"
    "7,0.0,0.046927,2358,531,0,0.001198,0.046,169.525,170.723,29.3281,15713.402\n"
    "9,0.285059,0.347939,1034,769,16,0.286127,0.005,62.589,63.656,30.5142,23497.496\n";

TEST(MeasuredServingSim, IsAnchoredOnArrival) {
  const MeasuredRun run = read(kServingSim);
  EXPECT_EQ(run.format, MeasuredFormat::llmservingsim);
  ASSERT_EQ(run.requests.size(), 2U);
  const MeasuredRequest& r = run.requests[1];
  EXPECT_EQ(r.name, "9");
  EXPECT_EQ(r.arrival, us(285'059)) << "not that of the data set";
  EXPECT_EQ(r.shared_prefix, 16_tok);
  EXPECT_EQ(r.ttft, us(63'656)) << "not from when it was queued";
  EXPECT_EQ(r.e2e, us(23'497'496 + 286'127 - 285'059)) << "the file has it from when it was queued";
}

TEST(MeasuredServingSim, SaysWhereEachMistakeStands) {
  const auto changed = [](const std::string& from, const std::string& to) {
    std::string text = kServingSim;
    return mistake(text.replace(text.find(from), from.size(), to));
  };
  EXPECT_THAT(changed("0.286127", "0.2"),
              HasSubstr("run:3:33: error: the request was queued before it arrived"));
  EXPECT_THAT(changed("queue_wait_ms", "queue_wait"), HasSubstr("did you mean 'queue_wait_ms'?"));
  EXPECT_THAT(changed(",e2e_ms", ",e2e"), HasSubstr("unknown column 'e2e'"));
}

const std::string kBench =
    R"({"date": "x", "input_lens": [10, 20, 30], "output_lens": [3, 0, 1], "ttfts": [0.5, 0, 0.25],
        "itls": [[0.1, 0.3], [], []], "start_times": [100.5, 101, 100.25],
        "errors": ["", "refused", ""]})";

TEST(MeasuredVllmBench, IsInOrderOfItsStarts) {
  const MeasuredRun run = read(kBench);
  EXPECT_EQ(run.format, MeasuredFormat::vllm_bench);
  EXPECT_EQ(run.failed, 1);
  ASSERT_EQ(run.requests.size(), 2U);
  EXPECT_EQ(run.requests[0].name, "2");
  EXPECT_EQ(run.requests[0].arrival, Duration{});
  EXPECT_EQ(run.requests[0].e2e, us(250'000));
  EXPECT_EQ(run.requests[0].tpot, std::nullopt);
  EXPECT_EQ(run.requests[1].arrival, us(250'000));
  EXPECT_EQ(run.requests[1].input, 10_tok);
  EXPECT_EQ(run.requests[1].ttft, us(500'000));
  EXPECT_EQ(run.requests[1].e2e, us(900'000));
  EXPECT_EQ(run.requests[1].tpot, us(200'000));
}

TEST(MeasuredVllmBench, BelievesTheLatencyRatherThanTheGaps) {
  std::string text = kBench;
  text.insert(1, R"("latencies": [1.5, 0, 0.25], )");
  EXPECT_EQ(read(text).requests[1].e2e, us(1'500'000));
}

TEST(MeasuredVllmBench, SaysWhatIsWrong) {
  const auto changed = [](const std::string& from, const std::string& to) {
    std::string text = kBench;
    return mistake(text.replace(text.find(from), from.size(), to));
  };
  EXPECT_THAT(changed("start_times", "starts"),
              AllOf(HasSubstr("there are no 'start_times'"), HasSubstr("write a CSV")));
  EXPECT_THAT(changed("ttfts", "ttft"), HasSubstr("--save-detailed"));
  EXPECT_THAT(changed("itls", "itl"), HasSubstr("neither 'latencies' nor 'itls'"));
  EXPECT_THAT(changed("[0.5, 0, 0.25]", "[0.5, 0]"),
              HasSubstr("run: error: 'ttfts' has 2 entries, but 'input_lens' has 3"));
  EXPECT_THAT(changed("0.5,", "0,"), HasSubstr("ttfts[0]: 0 s is no latency"));
  EXPECT_THAT(changed("0.5,", "\"a\","), HasSubstr("ttfts[0]: a number is wanted"));
  EXPECT_THAT(changed("[10,", "[-10,"), HasSubstr("input_lens[0]: -10 is no number of tokens"));
  EXPECT_THAT(changed("[0.1, 0.3]", "[-0.1, 0.3]"), HasSubstr("itls[0]: a time is negative"));
  EXPECT_THAT(changed("[0.1, 0.3]", "7"), HasSubstr("itls[0]: a list of times"));
  EXPECT_THAT(changed("100.5,", "\"\","), HasSubstr("start_times[0]: a number is wanted"));
  EXPECT_THAT(changed("[3, 0, 1]", "[0, 0, 0]"), HasSubstr("no request in this result has"));
  EXPECT_THAT(changed("[3, 0, 1]", "[3, 0, 1"), StartsWith("run:1:"));
  EXPECT_THAT(mistake("[1]", MeasuredFormat::vllm_bench), HasSubstr("must be an object"));
}

/// The content of a prompt, token by token.
std::vector<std::pair<std::uint64_t, std::int64_t>> tokens_of(const Arrival& arrival) {
  std::vector<std::pair<std::uint64_t, std::int64_t>> tokens;
  for (const Span& span : arrival.prompt) {
    for (std::int64_t k = 0; k < span.tokens.count(); ++k) tokens.emplace_back(span.content, k);
  }
  return tokens;
}

MeasuredRequest request(std::int64_t input, std::int64_t shared) {
  MeasuredRequest r;
  r.input = Tokens{input};
  r.output = 1_tok;
  r.shared_prefix = Tokens{shared};
  return r;
}

TEST(MeasuredReplay, APrefixIsThatOfTheLatestPromptLongEnough) {
  MeasuredRun run;
  run.requests = {request(100, 0), request(60, 0),  request(20, 0),
                  request(80, 50), request(90, 80), request(90, 70)};
  const std::vector<Arrival> arrivals = arrivals_of(run);
  const auto shared = [&](std::size_t a, std::size_t b) {
    const auto x = tokens_of(arrivals[a]);
    const auto y = tokens_of(arrivals[b]);
    return std::mismatch(x.begin(), x.end(), y.begin(), y.end()).first - x.begin();
  };
  EXPECT_EQ(shared(3, 1), 50) << "the one of 20 is later, but too short";
  EXPECT_EQ(shared(3, 0), 0);
  EXPECT_EQ(shared(4, 3), 80);
  EXPECT_EQ(shared(4, 1), 50) << "by way of the other";
  EXPECT_EQ(shared(5, 4), 70);
  EXPECT_EQ(shared(5, 3), 70);
  for (const Arrival& a : arrivals) {
    EXPECT_EQ(tokens_of(a).size(),
              static_cast<std::size_t>(
                  run.requests[static_cast<std::size_t>(&a - &arrivals[0])].input.count()));
  }
}

TEST(MeasuredReplay, SharesAsASlowModelDoes) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Random random(seed, "prefixes");
    MeasuredRun run;
    std::vector<std::vector<int>> model;  // every token by name
    std::int64_t longest = 0;
    int fresh = 0;
    for (int i = 0; i < 40; ++i) {
      const auto input = static_cast<std::int64_t>(1 + random.below(30));
      const auto most = static_cast<std::uint64_t>(std::min(input, longest));
      const auto shared = static_cast<std::int64_t>(random.below(most + 1));
      std::vector<int> text;
      for (std::size_t j = model.size(); shared > 0 && text.empty(); --j) {
        const auto& other = model[j - 1];
        if (std::ssize(other) >= shared) text.assign(other.begin(), other.begin() + shared);
      }
      while (std::ssize(text) < input) text.push_back(fresh++);
      model.push_back(text);
      run.requests.push_back(request(input, shared));
      longest = std::max(longest, input);
    }
    const std::vector<Arrival> arrivals = arrivals_of(run);
    for (std::size_t a = 0; a < model.size(); ++a) {
      const auto x = tokens_of(arrivals[a]);
      ASSERT_EQ(x.size(), model[a].size());
      for (std::size_t b = 0; b < a; ++b) {
        const auto y = tokens_of(arrivals[b]);
        const auto ours = std::mismatch(x.begin(), x.end(), y.begin(), y.end()).first - x.begin();
        const auto obvious =
            std::mismatch(model[a].begin(), model[a].end(), model[b].begin(), model[b].end())
                .first -
            model[a].begin();
        ASSERT_EQ(ours, obvious) << "seed " << seed << ": " << a << " and " << b;
      }
    }
  }
}

TEST(MeasuredReplay, AThousandCopiesOfOnePrefixAreQuick) {
  MeasuredRun run;
  for (int i = 0; i < 20'000; ++i) run.requests.push_back(request(600, i == 0 ? 0 : 512));
  for (const Arrival& arrival : arrivals_of(run)) {
    ASSERT_EQ(arrival.prompt.size(), 2U);
    ASSERT_EQ(arrival.prompt[0], (Span{0, 512_tok}));
  }
}

double mean_ms(const MeasuredRun& run, std::optional<Duration> MeasuredRequest::*latency) {
  double sum = 0;
  for (const MeasuredRequest& r : run.requests) sum += seconds(*(r.*latency)) * 1e3;
  return sum / static_cast<double>(run.requests.size());
}

struct Published {
  const char* file;
  double ttft;  // ms, mean from queueing
  double tpot;
  double e2e;
  double intake;  // ms, mean from arrival to queueing
  std::int64_t input;
  std::int64_t output;
  double makespan;  // s
};

/// The figures that were published with the runs.
TEST(MeasuredData, RunsAreAsPublished) {
  const char* data = std::getenv("TERRACE_DATA");
  if (data == nullptr) GTEST_SKIP() << "TERRACE_DATA names no folder of measured data";
  for (const Published& p :
       {Published{"Llama-3.1-8B", 7097.157, 32.458, 28200.747, 22.818, 257'239, 195'753, 65.93},
        Published{"Qwen3-30B-A3B-Instruct-2507", 1085.981, 47.286, 32344.621, 27.358, 258'691,
                  199'486, 64.02}}) {
    SCOPED_TRACE(p.file);
    const MeasuredRun run = read_measured_run(
        trace_file(std::string(data) + "/vllm_runs/RTXPRO6000_" + p.file + ".csv"));
    EXPECT_EQ(run.format, MeasuredFormat::llmservingsim);
    ASSERT_EQ(run.requests.size(), 300U);
    Tokens input;
    Tokens output;
    Duration end{};
    std::int64_t sharing = 0;
    for (const MeasuredRequest& r : run.requests) {
      input += r.input;
      output += r.output;
      end = std::max(end, r.arrival + *r.e2e);
      sharing += r.shared_prefix > Tokens{} ? 1 : 0;
    }
    EXPECT_EQ(input.count(), p.input);
    EXPECT_EQ(output.count(), p.output);
    EXPECT_EQ(sharing, 32);
    EXPECT_NEAR(seconds(end), p.makespan, 0.005);
    EXPECT_NEAR(mean_ms(run, &MeasuredRequest::ttft), p.ttft + p.intake, 0.001);
    EXPECT_NEAR(mean_ms(run, &MeasuredRequest::tpot), p.tpot, 0.001);
    EXPECT_NEAR(mean_ms(run, &MeasuredRequest::e2e), p.e2e + p.intake, 0.001);
  }
}

}  // namespace
}  // namespace terrace
