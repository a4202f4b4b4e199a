#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "sim/base/function_ref.hpp"
#include "sim/base/id.hpp"
#include "sim/kv/memories.hpp"
#include "sim/kv/writes.hpp"

namespace terrace {

/// Copies KV from far tiers up into host DRAM before it is asked for. Who wants what, and when, is
/// decided elsewhere.
///
/// What one request or session wants is a job. The jobs from one tier into one DRAM follow each
/// other, batch by batch, as on HiCache's IO thread. As with writes, a block is announced while it
/// moves, and its source is held. What has arrived can be read, but is held until its job ends, so
/// that no job evicts what it brought itself. A job that finds no room, or a source gone, ends
/// there.
class Prefetches {
 public:
  Prefetches(Memories& memories, Writes& writes);
  Prefetches(const Prefetches&) = delete;  // pools tell it what they lose
  Prefetches& operator=(const Prefetches&) = delete;

  /// A job that may have ended by now.
  struct Handle {
    std::uint32_t job = 0xFFFFFFFF;
    std::uint32_t stamp = 0;
  };

  /// The DRAM tier into which `source` is prefetched: the nearest inclusive one above it; `source`
  /// itself if there is none.
  [[nodiscard]] std::size_t target(std::size_t source) const { return targets_[source]; }

  /// Moves these blocks of tier `source`, in this order, for `owner` if that is a request, which
  /// PrefetchDone tells when its job has ended by itself.
  Handle begin(std::size_t source, ReplicaId replica, RequestId owner,
               std::vector<ContentId> wanted);

  [[nodiscard]] bool under_way(Handle handle) const;

  /// From now on the job is the request's, unless it has ended.
  void adopt(Handle handle, RequestId owner);

  /// Whether a batch of the request's job from `source` is moving; if so, none follows it.
  bool wind_up(RequestId owner, std::size_t source);

  /// Ends the request's jobs: the batch that is moving still arrives, no other follows.
  void stop(RequestId owner);

  /// Posts PrefetchTimeout for the request so much later.
  void remind(RequestId request, std::uint32_t stamp, std::size_t source, Duration later) {
    m_.loop.post_if_ever(later,
                         PrefetchTimeout{request, static_cast<std::uint32_t>(source), stamp});
  }

  /// A batch of the lane of that index has arrived.
  void arrived(std::uint32_t index);

  /// Marks what jobs have still to move (for ContentTable::collect).
  void mark_contents(FunctionRef<void(ContentId)> mark) const;

  /// Throws InvariantViolation unless what jobs hold adds up.
  void check_invariants() const;

 private:
  static constexpr std::uint32_t kNoJob = 0xFFFFFFFF;

  struct Job {
    RequestId owner = RequestId::none();
    std::uint32_t sibling = kNoJob;  // the owner's next job
    std::uint32_t stamp = 0;
    std::uint32_t lane = 0;
    bool open = false;
    bool cut = false;  // does not move all that was wanted
    std::int64_t reserved = 0;
    std::vector<ContentId> wanted;
    std::size_t next = 0;          // of `wanted`: what is before has been sent, or was there
    std::vector<BlockId> brought;  // held
  };

  /// From one part of a tier into one part of its DRAM tier.
  struct Lane {
    std::size_t source = 0;
    std::size_t target = 0;
    std::uint32_t source_part = 0;
    std::uint32_t target_part = 0;
    std::deque<std::uint32_t> jobs;    // the first one moves
    std::vector<BlockId> moving;       // blocks of the target, announced
    std::vector<BlockId> moving_held;  // of the source
    std::int64_t reserved = 0;         // blocks of the target
  };

  enum class Found { moving, there, nothing };

  BlockPool& pool(std::size_t tier, std::uint32_t part) { return m_.tiers[tier].parts[part].pool; }
  [[nodiscard]] std::int64_t blocks_per_source(const Lane& lane) const;
  void own(std::uint32_t job, RequestId owner);
  void limit(Job& job, Lane& lane);
  void pump(std::uint32_t index);
  bool send_batch(std::uint32_t index, Job& job);
  Found take(Lane& lane, ContentId content);
  void end(std::uint32_t index);

  Memories& m_;
  Writes& writes_;
  std::vector<std::size_t> targets_;                  // by source
  std::vector<std::vector<std::uint32_t>> lanes_of_;  // source -> part of its target -> lane
  std::vector<Lane> lanes_;
  std::vector<Job> jobs_;
  std::vector<std::uint32_t> free_jobs_;
  std::vector<std::uint32_t> of_request_;  // its first job
};

}  // namespace terrace
