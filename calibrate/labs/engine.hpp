#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <stdexcept>
#include <vector>

#include "calibrate/labs/block_cache.hpp"
#include "calibrate/labs/conversations.hpp"
#include "calibrate/labs/machine.hpp"
#include "calibrate/labs/tiered_blocks.hpp"
#include "sim/cost/cost_model.hpp"

namespace terrace::labs {

struct EngineRules {
  std::int64_t page = 16;    // tokens of a block
  std::int64_t blocks = 64;  // of the pool
  std::int64_t max_num_seqs = 8;
  std::int64_t max_num_batched_tokens = 256;
  std::vector<std::int64_t> tiers;  // blocks of each memory below, the nearest first
  std::int64_t vocabulary = 2048;
  bool keeps = true;         // what was computed can be found later, and by others
  std::int64_t reserve = 0;  // tokens that a request takes blocks for at once, if it is shorter
  bool lists = false;        // nobody joins those of whom one has its first token
};

struct ServedStep {
  SimTime start{};
  SimTime loaded{};  // what it had to wait for
  SimTime end{};
  std::int64_t decodes = 0;
  Tokens decode_context;
  std::vector<PrefillChunk> chunks;
  std::int64_t samples = 0;
  std::int64_t blocks = 0;  // of the pool, that requests hold while it is computed
  std::int64_t tokens = 0;  // computed, of those requests; what several share counts for each
};

struct ServedTurn {
  std::size_t conversation = 0;
  std::size_t turn = 0;
  std::int64_t prompt = 0;           // tokens
  std::int64_t tokens = 0;           // of the answer
  std::vector<std::int32_t> answer;  // what the model said
  std::int64_t pool_hits = 0;        // tokens found in the pool ...
  std::int64_t tier_hits = 0;        // ... or loaded, when it was first admitted
  std::int64_t preemptions = 0;
  SimTime arrived{};
  SimTime first_token{};
  SimTime finished{};
};

/// What happened, in order; turns in the order in which they finished.
struct Served {
  std::vector<ServedStep> steps;
  std::vector<ServedTurn> turns;
  std::vector<TierCounts> tiers;
  std::int64_t peak_blocks = 0;  // of the pool, that requests held at once
};

/// A request that could never run.
class DoesNotFit : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A serving engine: vLLM V1's scheduler with prefix caching, in the obvious way, all tokens
/// spelled out, over a machine that may be real. A step serves those who run first, then admits who
/// waits, all against one budget of tokens; a prompt that is longer is computed in chunks; who
/// finds blocks in a tier has them loaded, and the step waits for that; when blocks run out, the
/// last to have been admitted loses all of its, and computes them again.
///
/// Throws DoesNotFit.
class Engine {
 public:
  Engine(const EngineRules& rules, const std::vector<Conversation>& conversations,
         Machine& machine);

  /// Serves all. Once.
  Served run();

 private:
  struct Sequence {
    ServedTurn record;
    std::vector<std::int32_t> tokens;  // known
    std::vector<BlockName> names;      // of its full blocks, as far as asked for
    std::int64_t computed = 0;
    std::int64_t published = 0;  // blocks that others can find
    std::vector<std::int32_t> blocks;
    bool decodes = false;

    [[nodiscard]] std::int64_t known() const { return static_cast<std::int64_t>(tokens.size()); }
  };
  struct Scheduled {
    std::size_t sequence = 0;
    std::int64_t fresh = 0;
  };

  void take_in();
  void check_fits(const ServedTurn& turn) const;
  void decide();
  bool schedule_running();
  void schedule_waiting();
  bool admit(std::size_t id);
  void schedule(std::size_t id, std::int64_t fresh);
  void extend(Sequence& s, std::int64_t total);
  void publish(Sequence& s);
  void preempt(std::size_t id);
  void release(Sequence& s);
  [[nodiscard]] ServedStep describe() const;
  void execute(SimTime start);
  void sample(const std::vector<std::int32_t>& next, SimTime now);
  void finish(std::size_t id, SimTime now);
  void name_blocks(Sequence& s, std::int64_t count);
  [[nodiscard]] std::int64_t blocks_of(std::int64_t tokens) const;
  [[nodiscard]] std::int64_t blocks_held(std::int64_t tokens) const;

  EngineRules rules_;
  const std::vector<Conversation>& conversations_;
  Machine& machine_;
  TieredBlocks blocks_;
  BlockNames names_;
  ConversationQueue queue_;
  std::vector<std::vector<std::int32_t>> said_;  // of each conversation, answers included
  std::vector<Sequence> sequences_;
  std::deque<std::size_t> waiting_;
  std::vector<std::size_t> running_;  // in order of admission
  std::vector<Scheduled> plan_;
  std::int64_t budget_ = 0;
  Served served_;
};

}  // namespace terrace::labs
