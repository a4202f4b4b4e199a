#pragma once

#include <cstdint>
#include <vector>

#include "calibrate/labs/conversations.hpp"
#include "calibrate/labs/engine.hpp"
#include "calibrate/labs/real_machine.hpp"
#include "calibrate/labs/shape.hpp"
#include "calibrate/labs/timed_kernels.hpp"
#include "kernels/kernel_set.hpp"
#include "sim/base/units.hpp"

namespace terrace::labs {

/// What becomes of the keys and values that a step computes.
enum class CacheMode : std::uint8_t {
  off,         // thrown away: every token computes all before it once more
  contiguous,  // kept, in memory for the longest text there could be, reserved when a request
               // starts
  paged,       // kept, in blocks that are taken as a text grows; its turn over, they are gone
  tiered       // paged, and found by later turns: in the pool until others need the place, then in
               // memory and a file below it
};

/// When a request may join those that are served together.
enum class Batching : std::uint8_t {
  lists,      // until one of them has a token; then, when all have their answers
  continuous  // as soon as there is room
};

struct DialogueRules {
  std::int64_t dialogues = 8;
  std::int64_t turns = 2;
  std::int64_t says = 64;    // tokens, on average: from half of it to one and a half
  std::int64_t answer = 16;  // the same
  std::uint64_t seed = 1;
};
/// Conversations without pauses; no two texts are the same.
std::vector<Conversation> make_dialogues(const DialogueRules& rules);

struct LabRules {
  Shape shape;
  CacheMode cache = CacheMode::paged;
  Batching batching = Batching::continuous;
  std::int64_t pool_blocks = 64;
  std::int64_t context = 512;      // tokens that a text may have: what contiguous caches reserve
  std::int64_t most_at_once = 16;  // requests
  std::int64_t step_tokens = 256;  // longer prompts are computed in chunks
  int threads = 1;                 // for what is not the kernels'
  std::vector<std::int64_t>
      tiers{};  // tiered: blocks of the memory, and of the file if there is one
  FileRules file{};
};

struct LabResult {
  std::vector<std::vector<std::int32_t>> answers;  // by dialogue: the tokens of all turns
  Duration total{};
  StepTimes steps{};  // added up
  Duration moves{};   // that steps waited for: between pool, memory and file
  std::int64_t step_count = 0;
  std::int64_t generated = 0;   // tokens
  std::int64_t computed = 0;    // tokens that went through the model
  std::int64_t recomputed = 0;  // of them, not for the first time
  Bytes most_reserved{};        // of the pool
  double used = 0;              // of what was reserved, over all steps
  std::vector<TierCounts> tiers;

  [[nodiscard]] Duration other() const { return total - steps.gemm - steps.attention - moves; }
  [[nodiscard]] double tokens_per_second() const {
    return static_cast<double>(generated) / seconds(total);
  }
  /// Of the answers. Equal ones have it equal.
  [[nodiscard]] std::uint32_t checksum() const;
};

/// Tokens of the longest dialogue when it is over.
std::int64_t longest_of(const std::vector<Conversation>& dialogues);

/// Blocks that the pool needs at least for these dialogues, so cached: of the longest, or of the
/// whole context where that is reserved.
std::int64_t least_blocks(const LabRules& rules, const std::vector<Conversation>& dialogues);

/// Answers all dialogues, all of them there from the start: by an Engine, or, without a cache, one
/// after the other. What is counted does not depend on how fast the disk is.
///
/// Throws DoesNotFit, also for a text that is too long for the context; std::runtime_error and
/// std::system_error as RealMachine does.
LabResult run_lab(const LabRules& rules, const std::vector<Conversation>& dialogues,
                  kernels::KernelSet& kernels);

}  // namespace terrace::labs
