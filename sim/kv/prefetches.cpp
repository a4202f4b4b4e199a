#include "sim/kv/prefetches.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {

Prefetches::Prefetches(Memories& memories, Writes& writes)
    : m_(memories), writes_(writes), lanes_of_(m_.tiers.size()) {
  for (std::size_t s = 0; s < m_.tiers.size(); ++s) {
    std::size_t target = s;
    for (std::size_t t = s; t-- > 0 && target == s;) {
      const TierSpec& spec = m_.tiers[t].spec;
      if (spec.medium == Medium::dram && spec.inclusion == Inclusion::inclusive) target = t;
    }
    targets_.push_back(target);
    if (target == s || !m_.tiers[s].spec.prefetch.enabled()) continue;
    Tier& dram = m_.tiers[target];
    for (std::uint32_t p = 0; p < dram.parts.size(); ++p) {
      const auto user = std::find(dram.part_of.begin(), dram.part_of.end(), p);
      lanes_of_[s].push_back(static_cast<std::uint32_t>(lanes_.size()));
      Lane& lane = lanes_.emplace_back();
      lane.source = s;
      lane.target = target;
      lane.source_part = m_.tiers[s].part_of[static_cast<std::size_t>(user - dram.part_of.begin())];
      lane.target_part = p;
      dram.parts[p].pool.on_prefetch_lost([this, ratio = dram.ratio](std::size_t from) {
        m_.tiers[from].counters.prefetch_unused += ratio;
      });
    }
  }
}

std::int64_t Prefetches::blocks_per_source(const Lane& lane) const {
  return m_.tiers[lane.source].ratio / m_.tiers[lane.target].ratio;
}

// --- jobs ----------------------------------------------------------------------------------------

Prefetches::Handle Prefetches::begin(std::size_t source, ReplicaId replica, RequestId owner,
                                     std::vector<ContentId> wanted) {
  if (wanted.empty()) return {};
  const std::uint32_t lane = lanes_of_[source][m_.tiers[targets_[source]].part_of[replica.index()]];
  std::uint32_t index = 0;
  if (free_jobs_.empty()) {
    index = static_cast<std::uint32_t>(jobs_.size());
    jobs_.emplace_back();
  } else {
    index = free_jobs_.back();
    free_jobs_.pop_back();
  }
  Job& job = jobs_[index];
  job.owner = RequestId::none();
  job.lane = lane;
  job.open = true;
  job.cut = false;
  job.wanted = std::move(wanted);
  job.next = 0;
  if (owner != RequestId::none()) own(index, owner);
  ++m_.tiers[source].counters.prefetches;
  limit(job, lanes_[lane]);
  const Handle handle{index, job.stamp};
  lanes_[lane].jobs.push_back(index);
  if (lanes_[lane].moving.empty()) pump(lane);
  return handle;
}

/// No job is larger than its DRAM; what waits for requests to be admitted shares a part of it.
void Prefetches::limit(Job& job, Lane& lane) {
  const PrefetchSpec& spec = m_.tiers[lane.source].spec.prefetch;
  const std::int64_t each = blocks_per_source(lane);
  const bool shares = spec.policy == PrefetchPolicy::on_arrival;
  const auto capacity = static_cast<double>(pool(lane.target, lane.target_part).capacity());
  const auto most = static_cast<std::int64_t>(shares ? capacity * spec.capacity_share : capacity);
  const std::int64_t room = std::max<std::int64_t>(0, most - (shares ? lane.reserved : 0)) / each;
  if (static_cast<std::int64_t>(job.wanted.size()) > room) {
    job.wanted.resize(static_cast<std::size_t>(room));
    job.cut = true;
  }
  job.reserved = static_cast<std::int64_t>(job.wanted.size()) * each;
  lane.reserved += job.reserved;
}

bool Prefetches::under_way(Handle handle) const {
  return handle.job < jobs_.size() && jobs_[handle.job].open &&
         jobs_[handle.job].stamp == handle.stamp;
}

void Prefetches::own(std::uint32_t job, RequestId owner) {
  if (owner.index() >= of_request_.size()) of_request_.resize(owner.index() + 1, kNoJob);
  jobs_[job].owner = owner;
  jobs_[job].sibling = std::exchange(of_request_[owner.index()], job);
}

void Prefetches::adopt(Handle handle, RequestId owner) {
  if (under_way(handle)) own(handle.job, owner);
}

bool Prefetches::wind_up(RequestId owner, std::size_t source) {
  if (owner.index() >= of_request_.size()) return false;
  for (std::uint32_t i = of_request_[owner.index()]; i != kNoJob; i = jobs_[i].sibling) {
    Job& job = jobs_[i];
    const Lane& lane = lanes_[job.lane];
    if (lane.source != source || lane.jobs.front() != i) continue;
    job.cut = job.cut || job.next < job.wanted.size();
    job.wanted.resize(job.next);
    return true;
  }
  return false;
}

void Prefetches::stop(RequestId owner) {
  if (owner.index() >= of_request_.size()) return;
  while (of_request_[owner.index()] != kNoJob) end(of_request_[owner.index()]);
}

/// Its place in the lane is cleared when its turn comes. As with writes, the last block is let go
/// of first.
void Prefetches::end(std::uint32_t index) {
  Job& job = jobs_[index];
  Lane& lane = lanes_[job.lane];
  if (job.cut || job.next < job.wanted.size()) {
    ++m_.tiers[lane.source].counters.prefetches_stopped;
  }
  BlockPool& dram = pool(lane.target, lane.target_part);
  for (; !job.brought.empty(); job.brought.pop_back()) dram.release(job.brought.back());
  lane.reserved -= job.reserved;
  const bool first = !lane.jobs.empty() && lane.jobs.front() == index;
  job.reserved = first ? static_cast<std::int64_t>(lane.moving.size()) : 0;
  lane.reserved += job.reserved;
  job.wanted.clear();
  job.open = false;
  ++job.stamp;
  if (job.owner == RequestId::none()) return;
  std::uint32_t* link = &of_request_[job.owner.index()];
  while (*link != index) link = &jobs_[*link].sibling;
  *link = job.sibling;
}

// --- how they move -------------------------------------------------------------------------------

/// Sends the lane's next batch. REQUIRES: none is moving.
void Prefetches::pump(std::uint32_t index) {
  Lane& lane = lanes_[index];
  while (!lane.jobs.empty()) {
    const std::uint32_t front = lane.jobs.front();
    Job& job = jobs_[front];
    if (job.open) {
      if (send_batch(index, job)) return;
      const RequestId owner = job.owner;
      end(front);
      if (owner != RequestId::none()) {
        m_.loop.post(Duration::zero(),
                     PrefetchDone{owner, static_cast<std::uint32_t>(lane.source)});
      }
    }
    lane.reserved -= std::exchange(job.reserved, 0);
    lane.jobs.pop_front();
    free_jobs_.push_back(front);
  }
}

bool Prefetches::send_batch(std::uint32_t index, Job& job) {
  Lane& lane = lanes_[index];
  const std::int64_t batch = m_.tiers[lane.source].spec.prefetch.batch;
  while (job.next < job.wanted.size() &&
         static_cast<std::int64_t>(lane.moving_held.size()) < batch) {
    if (take(lane, job.wanted[job.next]) == Found::nothing) {
      job.cut = true;
      job.wanted.resize(job.next);
    } else {
      ++job.next;
    }
  }
  if (lane.moving.empty()) return false;
  const auto blocks = static_cast<std::int64_t>(lane.moving.size()) * m_.tiers[lane.target].ratio;
  const Cargo cargo = m_.traffic.cargo(blocks, static_cast<std::int64_t>(lane.moving_held.size()));
  m_.send({m_.tiers[lane.source].parts[lane.source_part].memory,
           m_.tiers[lane.target].parts[lane.target_part].memory, cargo},
          Errand::Kind::prefetch, index, lane.source);
  return true;
}

/// Announces what DRAM lacks of one source block, which may be some of its blocks only.
Prefetches::Found Prefetches::take(Lane& lane, ContentId content) {
  BlockPool& dram = pool(lane.target, lane.target_part);
  BlockPool& far = pool(lane.source, lane.source_part);
  const std::int64_t step = m_.tiers[lane.target].ratio;
  const auto piece = [&](std::int64_t back) {
    return back == 0 ? content : m_.contents.before(content, back);
  };
  std::int64_t back = m_.tiers[lane.source].ratio - step;
  while (back >= 0 && dram.find(piece(back)) != BlockId::none()) back -= step;
  if (back < 0) return Found::there;
  const BlockId source = far.find(content);
  if (source == BlockId::none() || !far.readable(source)) return Found::nothing;

  far.hold(source);  // making room in DRAM may push blocks down here
  const std::size_t moving = lane.moving.size();
  for (; back >= 0; back -= step) {
    if (dram.find(piece(back)) != BlockId::none()) continue;
    if (dram.free_blocks() == 0) break;
    const BlockId block = writes_.announce(lane.target, lane.target_part, piece(back));
    if (block == BlockId::none()) break;
    dram.mark_prefetched(block, lane.source);
    lane.moving.push_back(block);
  }
  if (lane.moving.size() == moving) {
    far.release(source);
    return Found::nothing;
  }
  lane.moving_held.push_back(source);
  return Found::moving;
}

void Prefetches::arrived(std::uint32_t index) {
  Lane& lane = lanes_[index];
  BlockPool& dram = pool(lane.target, lane.target_part);
  BlockPool& far = pool(lane.source, lane.source_part);
  m_.tiers[lane.source].counters.prefetched_blocks +=
      static_cast<std::int64_t>(lane.moving.size()) * m_.tiers[lane.target].ratio;
  for (; !lane.moving_held.empty(); lane.moving_held.pop_back()) {
    far.release(lane.moving_held.back());
  }
  for (const BlockId block : lane.moving) dram.arrived(block);
  Job& job = jobs_[lane.jobs.front()];
  if (job.open) {
    job.brought.insert(job.brought.end(), lane.moving.begin(), lane.moving.end());
    lane.moving.clear();
  } else {
    for (; !lane.moving.empty(); lane.moving.pop_back()) dram.release(lane.moving.back());
  }
  pump(index);
}

void Prefetches::mark_contents(FunctionRef<void(ContentId)> mark) const {
  for (const Job& job : jobs_) {
    for (const ContentId content : job.wanted) mark(content);
  }
}

void Prefetches::check_invariants() const {
  for (const Lane& lane : lanes_) {
    std::int64_t reserved = 0;
    for (const std::uint32_t index : lane.jobs) {
      const Job& job = jobs_[index];
      reserved += job.reserved;
      TERRACE_CHECK(job.open || (job.wanted.empty() && job.brought.empty()));
      TERRACE_CHECK(static_cast<std::int64_t>(job.brought.size()) <= job.reserved);
    }
    TERRACE_CHECK(lane.reserved == reserved);
    TERRACE_CHECK(lane.jobs.empty() == lane.moving.empty());  // it never rests
    TERRACE_CHECK(lane.moving.empty() == lane.moving_held.empty());
  }
}

}  // namespace terrace
