#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "calibrate/labs/machine.hpp"
#include "calibrate/labs/timed_kernels.hpp"

namespace terrace::labs {

/// A machine that says what has arrived when all has: what is found then does not depend on how
/// fast the disk is.
class PatientMachine final : public Machine {
 public:
  /// `real` has to outlive this.
  explicit PatientMachine(Machine& real) : real_(real) {}

  /// For writes, between steps.
  [[nodiscard]] Duration waited() const { return waited_; }

  SimTime now() override { return real_.now(); }
  void idle_until(SimTime time) override { real_.idle_until(time); }
  std::vector<std::int32_t> compute(std::span<const SequenceStep> sequences) override {
    return real_.compute(sequences);
  }
  void queue_write(std::size_t tier, BlockCopy block) override {
    ++queued_;
    real_.queue_write(tier, block);
  }
  void start_writes(std::size_t tier) override { real_.start_writes(tier); }
  void start_load(std::size_t load, std::size_t tier, std::span<const BlockCopy> blocks) override {
    real_.start_load(load, tier, blocks);
  }
  void settle() override { real_.settle(); }
  void keep_copy(std::size_t tier, BlockCopy block) override { real_.keep_copy(tier, block); }
  std::optional<Arrived> arrived() override {
    const Stopwatch watch(waited_);
    return queued_ == 0 ? std::nullopt : std::optional(wait());
  }
  Arrived wait() override {
    const Arrived next = real_.wait();
    if (next.what == Arrived::What::writes) queued_ -= next.blocks;
    return next;
  }

 private:
  Machine& real_;
  std::int64_t queued_ = 0;  // blocks on their way to a tier
  Duration waited_{};
};

}  // namespace terrace::labs
