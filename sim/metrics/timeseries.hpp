#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/serving/observer.hpp"

namespace terrace {

/// The state of one replica, or of all, at an instant. Counts with "so far" never decrease.
struct Sample {
  SimTime at{};
  ReplicaId replica = ReplicaId::none();  // none: all together
  std::int64_t running = 0;
  std::int64_t waiting = 0;
  std::int64_t loading = 0;
  std::int64_t held_blocks = 0;          // of HBM
  std::int64_t occupied_blocks = 0;      // of HBM
  std::int64_t completed = 0;            // so far
  std::int64_t output_tokens = 0;        // so far
  std::int64_t preemptions = 0;          // so far
  Duration busy{};                       // in steps, so far
  std::span<const Bytes> tier_occupied;  // by tier; of a replica: the part that it uses
};

/// Turns a run into samples: at every tick one for each replica, then one for all, and once more
/// at the end. Keeps none of them.
class Sampler final : public Observer {
 public:
  /// `block_bytes` as for Recorder. The sink copies what it wants to keep.
  Sampler(Bytes block_bytes, std::function<void(const Sample&)> sink)
      : block_bytes_(block_bytes), sink_(std::move(sink)) {}

  void on_start(const RunView& view) override;
  void on_step(const StepRecord& step) override;
  void on_left(const Request& request, SimTime now) override;
  void on_sample(SimTime now) override;
  void on_end(SimTime now) override;

 private:
  struct SoFar {
    std::int64_t completed = 0;
    std::int64_t output_tokens = 0;
    std::int64_t preemptions = 0;
    Duration busy{};
  };

  Bytes block_bytes_;
  std::function<void(const Sample&)> sink_;
  const Hierarchy* hierarchy_ = nullptr;
  const Cluster* cluster_ = nullptr;
  std::vector<SoFar> so_far_;         // by replica
  std::vector<Bytes> tier_occupied_;  // scratch
  SimTime last_ = SimTime::min();
};

}  // namespace terrace
