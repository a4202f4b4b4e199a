#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "calibrate/labs/block_store.hpp"
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
  tiered       // paged, and what leaves the pool is kept in memory and a file below it
};

/// When a request may join those that are served together.
enum class Batching : std::uint8_t {
  lists,      // when all of them have their answers
  continuous  // as soon as there is room
};

/// Something said, and how many tokens the answer gets.
struct DialogueTurn {
  std::vector<std::int32_t> says;
  std::int64_t answer = 1;
};
/// The prompt of a turn is all that was said and answered before, and what is said now.
using Dialogue = std::vector<DialogueTurn>;

struct DialogueRules {
  std::int64_t dialogues = 8;
  std::int64_t turns = 2;
  std::int64_t says = 64;    // tokens, on average: from half of it to one and a half
  std::int64_t answer = 16;  // the same
  std::uint64_t seed = 1;
};
std::vector<Dialogue> make_dialogues(const DialogueRules& rules, std::int64_t vocabulary);

struct LabRules {
  Shape shape;
  CacheMode cache = CacheMode::paged;
  Batching batching = Batching::continuous;
  std::int64_t pool_blocks = 64;
  std::int64_t context = 512;      // tokens that a text may have: what contiguous caches reserve
  std::int64_t most_at_once = 16;  // requests
  std::int64_t step_tokens = 256;  // longer prompts are computed in chunks
  int threads = 1;                 // for what is not the kernels'
  BlockStoreRules store{};         // tiered
};

struct LabResult {
  std::vector<std::vector<std::int32_t>> answers;  // by dialogue: the tokens of all turns
  Duration total{};
  StepTimes steps{};     // added up
  Duration transfers{};  // between pool, memory and file
  std::int64_t step_count = 0;
  std::int64_t generated = 0;   // tokens
  std::int64_t computed = 0;    // tokens that went through the model
  std::int64_t recomputed = 0;  // of them, not for the first time
  std::int64_t preemptions = 0;
  Bytes most_reserved{};  // of the pool
  double used = 0;        // of what was reserved, over all steps
  StoreTier memory{};
  StoreTier file{};

  [[nodiscard]] Duration other() const { return total - steps.gemm - steps.attention - transfers; }
  [[nodiscard]] double tokens_per_second() const {
    return static_cast<double>(generated) / seconds(total);
  }
  /// Of the answers. Equal ones have it equal.
  [[nodiscard]] std::uint32_t checksum() const;
};

/// A text that is too long for the context or the pool.
class DoesNotFit : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Answers all dialogues, all of them there from the start, first come, first served. When blocks
/// run out, the request that was admitted last gives its own back and starts again.
///
/// Throws DoesNotFit; std::runtime_error and std::system_error as BlockStore does.
LabResult run_lab(const LabRules& rules, const std::vector<Dialogue>& dialogues,
                  kernels::KernelSet& kernels);

}  // namespace terrace::labs
