#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "calibrate/labs/transformer.hpp"
#include "sim/base/units.hpp"

namespace terrace::labs {

/// A block of one memory that goes to a block of another.
struct BlockCopy {
  std::int32_t from = 0;
  std::int32_t to = 0;
};

/// So many blocks: all that one load wanted of a tier are in the pool, or those that were queued
/// first are written to it.
struct Arrived {
  enum class What { load, writes };
  What what = What::load;
  std::size_t tier = 0;
  std::size_t load = 0;  // its number
  std::int64_t blocks = 0;
};

/// What an engine runs on: its clock, the model, and the memories below the model's pool, tier 0
/// being the nearest. Copies are of the contents at the time of the call, but for loads, whose
/// sources stay as they are until they have arrived.
class Machine {
 public:
  virtual ~Machine() = default;

  /// Since the start of the run.
  virtual SimTime now() = 0;
  virtual void idle_until(SimTime time) = 0;

  /// Computes a step; the next token of each sequence.
  virtual std::vector<std::int32_t> compute(std::span<const SequenceStep> sequences) = 0;

  /// Notes a block that is to be written to a tier, from the memory above it.
  virtual void queue_write(std::size_t tier, BlockCopy block) = 0;
  /// Writes all that is queued for the tier in one go, as soon as no earlier go is under way.
  virtual void start_writes(std::size_t tier) = 0;

  /// From a tier to the pool. Nothing is to be read before settle(). Loads that are started
  /// together share what they go through where the machine is simulated; a real one does them in
  /// turn, so that the later ones' times hold those before them. Both are done with all at about
  /// the same time.
  virtual void start_load(std::size_t load, std::size_t tier,
                          std::span<const BlockCopy> blocks) = 0;
  /// What was in blocks of the pool that loads go to has been queued.
  virtual void settle() = 0;

  /// Leaves a copy of what came through a memory on its way to the pool: no transfer of its own.
  virtual void keep_copy(std::size_t tier, BlockCopy block) = 0;

  /// What has arrived, one by one: nothing if all is told, or else waits for the next.
  virtual std::optional<Arrived> arrived() = 0;
  virtual Arrived wait() = 0;
};

}  // namespace terrace::labs
