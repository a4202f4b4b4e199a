// The fast scheduler against the obvious one, step by step, on thousands of random scenarios.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "sim/cost/constant.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/serving/scheduler.hpp"
#include "tests/oracles/reference_engine.hpp"

namespace terrace {
namespace {

constexpr std::int64_t kStep = 1'000'000;

/// One step, as far as both can tell it.
struct Seen {
  std::int64_t start = 0;
  std::set<std::size_t> decodes;
  std::vector<std::pair<std::size_t, std::int64_t>> prefills;  // request, tokens
  std::vector<std::size_t> preempted;
  std::vector<std::size_t> finished;
  std::int64_t context = 0;  // of the decodes
  std::int64_t longest = 0;  // of them
  std::int64_t free_blocks = 0;

  friend bool operator==(const Seen&, const Seen&) = default;
};

std::ostream& operator<<(std::ostream& out, const Seen& s) {
  out << "t=" << s.start << " decodes:";
  for (const auto r : s.decodes) out << ' ' << r;
  out << " context " << s.context << " longest " << s.longest << " prefills:";
  for (const auto& [r, n] : s.prefills) out << ' ' << r << '+' << n;
  out << " preempted:";
  for (const auto r : s.preempted) out << ' ' << r;
  out << " finished:";
  for (const auto r : s.finished) out << ' ' << r;
  return out << " free " << s.free_blocks;
}

struct Case {
  oracle::Settings settings;
  std::vector<oracle::Request> requests;
};

std::vector<Seen> reference(const Case& c, std::vector<std::size_t>& rejected) {
  struct Life {
    std::int64_t computed = 0;
    bool decoding = false;
    std::int64_t generated = 0;
  };
  std::vector<Life> lives(c.requests.size());
  const oracle::Result result = oracle::run(c.settings, c.requests, kStep);
  rejected = result.rejected;
  std::vector<Seen> steps;
  for (const oracle::Step& step : result.steps) {
    Seen seen;
    seen.start = step.start;
    seen.preempted = step.preempted;
    seen.finished = step.finished;
    seen.free_blocks = step.free_blocks_after;
    for (const std::size_t r : step.preempted) lives[r].computed = 0;
    for (const std::size_t r : step.preempted) lives[r].decoding = false;
    for (const auto& [r, hit] : step.admitted) lives[r].computed = hit;
    for (const auto& [r, tokens] : step.scheduled) {
      Life& life = lives[r];
      life.computed += tokens;
      if (life.decoding) {
        seen.decodes.insert(r);
        seen.context += life.computed;
        seen.longest = std::max(seen.longest, life.computed);
      } else {
        seen.prefills.emplace_back(r, tokens);
      }
      std::int64_t prompt = 0;
      for (const oracle::Span& span : c.requests[r].prompt) prompt += span.tokens;
      if (life.computed == prompt + life.generated) {
        ++life.generated;
        life.decoding = true;
      }
    }
    steps.push_back(std::move(seen));
  }
  return steps;
}

EngineSpec engine(const oracle::Settings& s) {
  EngineSpec spec;
  spec.block_size = Tokens{s.block_size};
  spec.max_num_seqs = s.max_num_seqs;
  spec.max_num_batched_tokens = Tokens{s.max_num_batched_tokens};
  spec.long_prefill_token_threshold = Tokens{s.long_prefill_token_threshold};
  spec.enable_chunked_prefill = s.chunked_prefill;
  spec.enable_prefix_caching = s.prefix_caching;
  spec.admission = s.full_prompt_admission ? Admission::full_prompt : Admission::first_chunk;
  spec.policy = s.priority_policy ? QueuePolicy::priority : QueuePolicy::fcfs;
  return spec;
}

/// The scheduler without tiers, in a world where every step takes the same time.
class Bench {
 public:
  explicit Bench(const Case& c)
      : case_(c),
        spec_(engine(c.settings)),
        contents_(spec_.block_size),
        hierarchy_(loop_, fabric_, contents_, hbm(c.settings), {}, {Bytes{1}, 1}, ledger_),
        scheduler_(spec_, ReplicaId{0}, requests_, hierarchy_,
                   LoadRule(spec_, 1, *cost_, hierarchy_)) {}

  std::vector<Seen> run(std::vector<std::size_t>& rejected) {
    std::vector<Seen> steps;
    std::int64_t now = case_.requests.empty() ? 0 : case_.requests.front().arrival;
    std::size_t next = 0;
    while (true) {
      for (; next < case_.requests.size() && case_.requests[next].arrival <= now; ++next) {
        if (!arrive(next)) rejected.push_back(next);
      }
      const StepPlan& plan = scheduler_.plan(SimTime{Duration{now}});
      if (plan.empty()) {
        if (next == case_.requests.size()) break;
        now = case_.requests[next].arrival;
        continue;
      }
      Seen seen = describe(plan, now);
      now += kStep;
      const StepOutcome& outcome = scheduler_.complete(SimTime{Duration{now}});
      for (const RequestId id : outcome.finished) {
        seen.finished.push_back(index_[id.index()]);
        live_.erase(id);
        requests_.remove(id);
      }
      seen.free_blocks = hierarchy_.hbm(ReplicaId{0}).free_blocks();
      hierarchy_.check_invariants();
      steps.push_back(std::move(seen));
    }
    EXPECT_TRUE(live_.empty()) << "requests are stuck";
    return steps;
  }

 private:
  static std::vector<HbmPart> hbm(const oracle::Settings& s) {
    std::vector<HbmPart> parts;
    parts.push_back(
        {MemoryId{0}, BlockPool(s.num_blocks - 1, make_eviction_policy("lru"),
                                s.partial_blocks_first ? BlockPool::EmptyBlocks::reused_first
                                                       : BlockPool::EmptyBlocks::ranked)});
    return parts;
  }

  bool arrive(std::size_t number) {
    const oracle::Request& from = case_.requests[number];
    Tokens prompt;
    for (const oracle::Span& span : from.prompt) prompt += Tokens{span.tokens};
    if (!scheduler_.fits(prompt, Tokens{from.output_tokens})) return false;
    if (contents_.collection_due() || number % 5 == 4) collect();
    const RequestId id = requests_.add();
    if (index_.size() <= id.index()) index_.resize(id.index() + 1);
    index_[id.index()] = number;
    Request& r = requests_[id];
    r.number = number;
    r.priority = from.priority;
    r.prompt = prompt;
    r.output = Tokens{from.output_tokens};
    ContentTable::Tip tip;
    for (const oracle::Span& span : from.prompt) {
      tip = contents_.append(tip, span.content, Tokens{span.tokens}, r.contents);
    }
    contents_.append(tip, from.output_content, r.output, r.contents);
    live_.insert(id);
    scheduler_.enqueue(id);
    return true;
  }

  void collect() {
    contents_.collect([this](FunctionRef<void(ContentId)> mark) {
      hierarchy_.mark_contents(mark);
      for (const RequestId id : live_) {
        for (const ContentId content : requests_[id].contents) mark(content);
      }
    });
  }

  /// Decodes are not listed by the plan, only counted: they are those that decode and do not stall.
  Seen describe(const StepPlan& plan, std::int64_t now) {
    Seen seen;
    seen.start = now;
    for (const RequestId id : live_) {
      const Request& r = requests_[id];
      const bool skipped =
          r.stalled && std::find(plan.late.begin(), plan.late.end(), id) == plan.late.end();
      if (r.state == Request::State::decoding && !skipped) seen.decodes.insert(index_[id.index()]);
    }
    EXPECT_EQ(plan.decodes, static_cast<std::int64_t>(seen.decodes.size()));
    seen.context = plan.decode_context.count();
    seen.longest = plan.longest_decode.count();
    for (std::size_t i = 0; i < plan.prefills.size(); ++i) {
      seen.prefills.emplace_back(index_[plan.prefills[i].index()], plan.chunks[i].fresh.count());
    }
    for (const RequestId id : plan.preempted) seen.preempted.push_back(index_[id.index()]);
    return seen;
  }

  const Case& case_;
  EngineSpec spec_;
  EventLoop loop_;
  Fabric fabric_{loop_};
  ContentTable contents_;
  ContentLedger ledger_{loop_, contents_, FactNeeds::none, {}};
  Hierarchy hierarchy_;
  RequestTable requests_;
  std::unique_ptr<CostModel> cost_ = make_constant({});
  Scheduler scheduler_;
  std::vector<std::size_t> index_;
  std::set<RequestId> live_;
};

/// A small world in which everything happens: shared prefixes, full caches, preemption, long
/// prompts, bursts.
Case random_case(std::uint64_t seed) {
  Random random(seed, "scheduler differential");
  const auto between = [&](std::int64_t low, std::int64_t high) {
    return low +
           static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(high - low + 1)));
  };
  Case c;
  oracle::Settings& s = c.settings;
  const std::int64_t sizes[] = {1, 2, 4, 16};
  s.block_size = sizes[between(0, 3)];
  s.num_blocks = between(6, 60);
  s.max_num_seqs = between(1, 12);
  s.max_num_batched_tokens = between(4, 80);
  s.long_prefill_token_threshold = between(0, 2) == 0 ? between(1, 20) : 0;
  s.chunked_prefill = between(0, 4) > 0;
  if (!s.chunked_prefill) s.long_prefill_token_threshold = 0;
  s.prefix_caching = between(0, 4) > 0;
  s.full_prompt_admission = between(0, 3) == 0;
  s.priority_policy = between(0, 2) == 0;
  s.partial_blocks_first = between(0, 1) == 0;

  const std::int64_t longest = s.num_blocks * s.block_size;
  std::int64_t at = 0;
  const std::int64_t pace = between(0, 3);
  for (std::int64_t i = between(1, 40); i > 0; --i) {
    at += pace == 0 ? 0 : between(0, pace * 2) * kStep / 2;
    oracle::Request r;
    r.arrival = at;
    r.priority = static_cast<int>(between(0, 3));
    for (std::int64_t spans = between(1, 3); spans > 0; --spans) {
      const auto content = static_cast<std::uint64_t>(between(1, 4));
      // Of one length, or now and then another, which makes it another text.
      const std::int64_t tokens = between(0, 3) == 0
                                      ? between(1, longest / 3 + 1)
                                      : static_cast<std::int64_t>(content) * s.block_size;
      r.prompt.push_back({content * 100'000 + static_cast<std::uint64_t>(tokens), tokens});
    }
    r.output_tokens = between(1, longest / 3 + 1);
    r.output_content = 10'000'000 + static_cast<std::uint64_t>(i);
    if (between(0, 9) == 0 && !c.requests.empty()) {  // a next turn
      const oracle::Request& before = c.requests.back();
      r.prompt = before.prompt;
      r.prompt.push_back({before.output_content, before.output_tokens});
      r.prompt.push_back(
          {20'000'000 + static_cast<std::uint64_t>(i), between(1, 2 * s.block_size)});
    }
    c.requests.push_back(std::move(r));
  }
  return c;
}

TEST(SchedulerDifferential, AgreesWithTheReferenceStepByStep) {
  std::int64_t steps = 0;
  std::int64_t preemptions = 0;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const Case c = random_case(seed);
    std::vector<std::size_t> rejected_expected;
    std::vector<std::size_t> rejected;
    const std::vector<Seen> expected = reference(c, rejected_expected);
    const std::vector<Seen> actual = Bench(c).run(rejected);
    ASSERT_EQ(rejected, rejected_expected) << "seed " << seed;
    for (std::size_t i = 0; i < std::min(expected.size(), actual.size()); ++i) {
      ASSERT_EQ(actual[i], expected[i]) << "seed " << seed << " step " << i;
    }
    ASSERT_EQ(actual.size(), expected.size()) << "seed " << seed;
    steps += static_cast<std::int64_t>(actual.size());
    for (const Seen& seen : actual) preemptions += static_cast<std::int64_t>(seen.preempted.size());
  }
  EXPECT_GT(steps, 100'000) << "too little happened to prove anything";
  EXPECT_GT(preemptions, 10'000);
}

}  // namespace
}  // namespace terrace
