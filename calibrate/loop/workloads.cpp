#include "calibrate/loop/workloads.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::int64_t kPage = 16;

/// People who talk to the engine, all in the same way.
struct Crowd {
  const char* name;
  const char* what;
  std::int64_t people = 1;
  std::int64_t turns = 1;
  std::int64_t system_prompts = 0;  // of which everybody has one
  std::int64_t system = 0;          // tokens of each
  std::int64_t text = 64;           // about so many tokens are said in a turn
  std::int64_t answer = 16;
  double pause = 0;  // mean, in paces; 0: all are there at once
  std::int64_t seats = 4;
  std::int64_t blocks = kLoopBounds.most_blocks;
  std::int64_t memory = 64;  // blocks
  std::int64_t file = 0;     // blocks; 0: nothing leaves memory
  const char* as = nullptr;  // the crowd that says and pauses the same, if another one does
};

constexpr Crowd kCrowds[] = {
    {"short", "short prompts, one at a time", 6, 1, 0, 0, 48, 24, 0, 1},
    {"long", "long prompts, two at a time", 4, 1, 0, 0, 640, 16, 0, 2},
    {"batch4", "four at a time", 8, 1, 0, 0, 128, 32, 0, 4},
    {"batch8", "eight at a time, many answers", 16, 1, 0, 0, 64, 40, 0, 8},
    {"system", "a system prompt for all, found in the pool", 8, 1, 1, 384, 48, 16, 0, 4},
    {"chat", "three turns each, found in the pool", 4, 3, 0, 0, 96, 24, 0, 4},
    {"paced", "people come one by one", 10, 1, 0, 0, 128, 16, 1.2, 8},
    {"evict-chat", "six people, three turns, a pool for two", 6, 3, 0, 0, 144, 16, 0, 2, 48, 48,
     400},
    {"evict-little-memory", "the same with a third of the memory", 6, 3, 0, 0, 144, 16, 0, 2, 48,
     16, 400, "evict-chat"},
    {"evict-batch4", "eight people, four at a time", 8, 3, 0, 0, 176, 12, 0, 4, 96, 32, 512},
    {"evict-documents", "nine ask about three documents in turn", 9, 2, 3, 512, 40, 16, 0, 1, 48,
     32, 400},
    {"evict-long", "four long conversations", 4, 4, 0, 0, 192, 16, 0, 2, 96, 24, 512},
    {"evict-batch8", "sixteen people, eight at a time", 16, 2, 0, 0, 96, 24, 0, 8, 96, 48, 512},
    {"evict-paced", "eight people who take their time", 8, 3, 0, 0, 144, 12, 2.5, 4, 48, 16, 400},
};

Tokens about(Random& random, std::int64_t tokens) {
  return Tokens{tokens * 3 / 4 +
                static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(tokens / 2)))};
}

std::vector<labs::Conversation> converse(const Crowd& crowd, Random random, Duration pace) {
  const auto pause = [&] {
    const double mean = crowd.pause * seconds(pace);
    return mean > 0 ? duration_from_seconds(exponential(random, mean)) : Duration{};
  };
  std::vector<labs::Conversation> all;
  std::uint64_t content = 1000;
  Duration start{};
  for (std::int64_t i = 0; i < crowd.people; ++i) {
    labs::Conversation& conversation = all.emplace_back();
    for (std::int64_t t = 0; t < crowd.turns; ++t) {
      labs::Turn& turn = conversation.emplace_back();
      if (t == 0 && crowd.system_prompts > 0) {
        turn.says.push_back(
            {static_cast<std::uint64_t>(1 + i % crowd.system_prompts), Tokens{crowd.system}});
      }
      turn.says.push_back({content++, about(random, crowd.text)});
      turn.answer = crowd.answer;
      turn.pause = pause();
      if (t == 0) turn.pause = start += turn.pause;
    }
  }
  return all;
}

LoopWorkload furnish(const Crowd& crowd, std::uint64_t seed, Duration pace,
                     std::int64_t vocabulary) {
  LoopWorkload w;
  w.name = crowd.name;
  w.what = crowd.what;
  w.evicts = crowd.file > 0;
  w.rules.page = kPage;
  w.rules.blocks = crowd.blocks;
  w.rules.max_num_seqs = crowd.seats;
  w.rules.max_num_batched_tokens = kLoopBounds.most_tokens;
  w.rules.tiers = {crowd.memory};
  if (w.evicts) w.rules.tiers.push_back(crowd.file);
  w.rules.vocabulary = vocabulary;
  w.conversations =
      converse(crowd, Random(seed, crowd.as != nullptr ? crowd.as : crowd.name), pace);
  return w;
}

}  // namespace

std::vector<LoopWorkload> loop_workloads(std::uint64_t seed, bool quick, Duration pace,
                                         std::int64_t vocabulary) {
  std::vector<LoopWorkload> all;
  std::size_t number = 0;
  for (const Crowd& crowd : kCrowds) {
    if (!quick || number % 2 == 1) all.push_back(furnish(crowd, seed, pace, vocabulary));
    ++number;
  }
  return all;
}

}  // namespace terrace::calibrate
