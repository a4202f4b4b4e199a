#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/des/event_loop.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/kv/hierarchy.hpp"

namespace terrace::testing {

using namespace literals;

/// A tier of a fleet; its capacity is in blocks of the tier.
struct Shape {
  Medium medium = Medium::dram;
  std::int64_t blocks = BlockPool::kUnlimited;
  WriteRule write = WriteRule::through;
  Inclusion inclusion = Inclusion::inclusive;
  std::int64_t ratio = 1;
  Scope scope = Scope::shared;
  Promotion promotion = Promotion::on_hit;
  WriteQueueSpec queue = {};
  std::int64_t uses = 2;
  std::int64_t batch = 64;
  std::string_view admission = "always";
  PrefetchSpec prefetch = {};

  [[nodiscard]] Shape of(std::int64_t capacity) const { return with(&Shape::blocks, capacity); }
  [[nodiscard]] Shape by(std::int64_t r) const { return with(&Shape::ratio, r); }
  [[nodiscard]] Shape back() const { return with(&Shape::write, WriteRule::back); }
  [[nodiscard]] Shape selective(std::int64_t n) const {
    return with(&Shape::write, WriteRule::selective).with(&Shape::uses, n);
  }
  [[nodiscard]] Shape back_batched(std::int64_t n) const {
    return with(&Shape::write, WriteRule::back_batched).with(&Shape::batch, n);
  }
  [[nodiscard]] Shape queue_of(std::int64_t limit, WhenFull when_full) const {
    return with(&Shape::queue, {limit, when_full});
  }
  [[nodiscard]] Shape in_place() const { return with(&Shape::promotion, Promotion::in_place); }
  [[nodiscard]] Shape admitting(std::string_view rule) const {
    return with(&Shape::admission, rule);
  }
  [[nodiscard]] Shape prefetching(PrefetchPolicy policy, std::int64_t n, double share = 0.8) const {
    PrefetchSpec spec;
    spec.policy = policy;
    spec.batch = n;
    spec.capacity_share = share;
    return with(&Shape::prefetch, spec);
  }
  [[nodiscard]] Shape exclusive() const {
    return back().with(&Shape::inclusion, Inclusion::exclusive);
  }
  [[nodiscard]] Shape private_to_each() const {
    return with(&Shape::scope, Scope::private_to_each);
  }

 private:
  template <class T>
  [[nodiscard]] Shape with(T Shape::*member, std::type_identity_t<T> value) const {
    Shape changed = *this;
    changed.*member = value;
    return changed;
  }
};

constexpr Shape kDram{};
constexpr Shape kNvme{Medium::nvme};
constexpr Shape kNetwork{Medium::network};
constexpr Bytes kMegabyte{1'000'000};

/// Replicas and tiers small enough to follow by hand: an engine block weighs 1 MB and every pair of
/// memories has a link of its own with 1 GB/s, so that n blocks take n ms, whatever else moves.
class Fleet {
 public:
  /// `watch`, if any, hears what becomes of contents.
  Fleet(std::int64_t hbm_blocks, const std::vector<Shape>& shapes, std::size_t replicas = 1,
        CacheWatch* watch = nullptr)
      : watch_(watch),
        hierarchy(loop, fabric, contents, hbm(hbm_blocks, replicas), tiers(shapes, replicas),
                  {Bytes{1'000'000}, 1}, ledger) {
    for (const MemoryId from : memories_) {
      for (const MemoryId to : memories_) {
        if (from == to) continue;
        LinkSpec link;
        link.name = std::to_string(from.index()) + ">" + std::to_string(to.index());
        link.bandwidth = 1_GBps;
        fabric.add_link(from, to, link);
      }
    }
    fabric.freeze();
    hierarchy.set_watch(watch);
  }

  // --- what a scheduler does ---------------------------------------------------------------------

  /// The first `blocks` blocks of a text.
  std::vector<ContentId> text(std::uint64_t content, std::int64_t blocks) {
    std::vector<ContentId> ids;
    contents.append({}, content, Tokens{blocks * 16}, ids);
    return ids;
  }

  /// Computes all blocks of a sequence that HBM does not have; the caller holds them all.
  std::vector<BlockId> compute(const std::vector<ContentId>& sequence, std::size_t replica = 0) {
    BlockPool& pool = hierarchy.hbm(ReplicaId{replica});
    std::vector<BlockId> blocks = hold_hits(sequence, replica);
    const std::size_t hits = blocks.size();
    while (blocks.size() < sequence.size()) {
      blocks.push_back(pool.allocate());
      pool.publish(blocks.back(), sequence[blocks.size() - 1]);
    }
    if (watch_ != nullptr) watch_->computed(std::span(sequence).subspan(hits));
    hierarchy.writes().settle_evictions(ReplicaId{replica});
    hierarchy.writes().completed(ReplicaId{replica}, blocks, sequence,
                                 static_cast<std::int64_t>(hits),
                                 static_cast<std::int64_t>(blocks.size()));
    return blocks;
  }

  /// Lets go of blocks, the last one first.
  void leave(std::vector<BlockId> blocks, std::size_t replica = 0) {
    for (; !blocks.empty(); blocks.pop_back())
      hierarchy.hbm(ReplicaId{replica}).release(blocks.back());
  }

  /// A request that comes and goes at once.
  void visit(const std::vector<ContentId>& sequence, std::size_t replica = 0) {
    leave(compute(sequence, replica), replica);
  }

  /// Loads what lies below, behind what HBM has; it is all published and let go of when it is
  /// there. Returns how many blocks are loaded.
  std::int64_t load(const std::vector<ContentId>& sequence, std::size_t replica = 0,
                    std::size_t request = 0) {
    const ReplicaId id{replica};
    BlockPool& pool = hierarchy.hbm(id);
    std::vector<BlockId> blocks = hold_hits(sequence, replica);
    const auto hits = static_cast<std::int64_t>(blocks.size());
    const auto length = static_cast<std::int64_t>(sequence.size());
    const std::int64_t below = hierarchy.look_below(id, sequence, hits, length - hits);
    hierarchy.count_lookup(id, sequence, Tokens{16 * length}, hits, hits, hits + below);
    for (std::int64_t i = 0; i < below; ++i) blocks.push_back(pool.allocate());
    if (below > 0) hierarchy.load(id, RequestId{request}, sequence, hits, hits + below);
    hierarchy.writes().settle_evictions(id);
    loading_[request] = [this, sequence, blocks, hits, replica] {
      for (auto i = static_cast<std::size_t>(hits); i < blocks.size(); ++i) {
        hierarchy.hbm(ReplicaId{replica}).publish(blocks[i], sequence[i]);
      }
      leave(blocks, replica);
    };
    if (below == 0) loading_.extract(request).mapped()();
    return below;
  }

  /// Makes HBM forget: fills it with a text that nobody knows, and lets go of it.
  void flush(std::size_t replica = 0) {
    BlockPool& pool = hierarchy.hbm(ReplicaId{replica});
    std::vector<BlockId> blocks;
    while (pool.free_blocks() > 0) blocks.push_back(pool.allocate());
    hierarchy.writes().settle_evictions(ReplicaId{replica});
    leave(blocks, replica);
  }

  // --- time --------------------------------------------------------------------------------------

  void run(SimTime until = SimTime::max()) {
    loop.run(
        until, [] { return true; }, fabric, hierarchy, *this);
  }

  /// Runs to `at` and leaves the clock there, with all of that instant done.
  void run_to(Duration at) {
    loop.post(SimTime{} + at - loop.now(), SampleDue{});
    run(SimTime{} + at);
  }

  void on(const LoadDone& event) {
    loaded.emplace_back(event.request.index(), loop.now() - SimTime{});
    loading_.extract(event.request.index()).mapped()();
  }
  void on(const ScheduleTick&) { ++ticks; }
  void on(const PrefetchDone& event) {
    prefetched.emplace_back(event.request.index(), loop.now() - SimTime{});
  }
  template <class Other>
  void on(const Other&) {}

  // --- what there is to see ----------------------------------------------------------------------

  /// A mark for each block of a tier that the sequence has: x if it is there, . if not.
  [[nodiscard]] std::string in_tier(std::size_t tier, const std::vector<ContentId>& sequence,
                                    std::size_t part = 0) const {
    const Tier& t = hierarchy.tiers()[tier];
    const auto ratio = static_cast<std::size_t>(t.ratio);
    const BlockPool& pool = t.parts[part].pool;
    std::string marks;
    for (std::size_t end = ratio; end <= sequence.size(); end += ratio) {
      const BlockId block = pool.find(sequence[end - 1]);
      marks += block != BlockId::none() && pool.readable(block) ? 'x' : '.';
    }
    return marks;
  }

  /// How many blocks of the sequence, from its start on, HBM has.
  [[nodiscard]] std::size_t cached(const std::vector<ContentId>& sequence,
                                   std::size_t replica = 0) {
    std::size_t hits = 0;
    const BlockPool& pool = hierarchy.hbm(ReplicaId{replica});
    while (hits < sequence.size() && pool.find(sequence[hits]) != BlockId::none()) ++hits;
    return hits;
  }

  /// How many blocks computing the rest of it offers to a tier that is written through.
  [[nodiscard]] std::int64_t offered_through(std::size_t tier,
                                             const std::vector<ContentId>& sequence,
                                             std::size_t replica = 0) {
    const Tier& t = hierarchy.tiers()[tier];
    const auto ratio = static_cast<std::size_t>(t.ratio);
    std::int64_t offered = 0;
    for (std::size_t end = (cached(sequence, replica) / ratio + 1) * ratio; end <= sequence.size();
         end += ratio) {
      const BlockPool& pool = t.parts[t.part_of[replica]].pool;
      offered += pool.find(sequence[end - 1]) == BlockId::none() ? 1 : 0;
    }
    return offered;
  }

  [[nodiscard]] const TierCounters& counters(std::size_t tier) const {
    return hierarchy.tiers()[tier].counters;
  }

  [[nodiscard]] std::int64_t below(const std::vector<ContentId>& sequence, std::int64_t from = 0,
                                   std::size_t replica = 0) const {
    return hierarchy.look_below(ReplicaId{replica}, sequence, from,
                                static_cast<std::int64_t>(sequence.size()) - from);
  }

  EventLoop loop;
  Fabric fabric{loop};
  ContentTable contents{16_tok};
  ContentLedger ledger{loop, contents, FactNeeds::time | FactNeeds::use | FactNeeds::queue, {}};

 private:
  std::vector<BlockId> hold_hits(const std::vector<ContentId>& sequence, std::size_t replica) {
    BlockPool& pool = hierarchy.hbm(ReplicaId{replica});
    std::vector<BlockId> blocks;
    for (const ContentId content : sequence) {
      const BlockId hit = pool.find(content);
      if (hit == BlockId::none()) break;
      pool.hold(hit);
      blocks.push_back(hit);
    }
    return blocks;
  }

  MemoryId memory(const std::string& name) {
    memories_.push_back(fabric.add_memory(name));
    return memories_.back();
  }

  std::unique_ptr<EvictionPolicy> policy(std::size_t level) {
    auto lru = make_eviction_policy("lru");
    return watch_ == nullptr ? std::move(lru) : watched(std::move(lru), *watch_, level, loop);
  }

  std::vector<HbmPart> hbm(std::int64_t blocks, std::size_t replicas) {
    std::vector<HbmPart> parts;
    for (std::size_t r = 0; r < replicas; ++r) {
      parts.push_back({memory("hbm"), BlockPool(blocks, policy(0))});
    }
    return parts;
  }

  std::vector<Tier> tiers(const std::vector<Shape>& shapes, std::size_t replicas) {
    std::vector<Tier> all;
    for (const Shape& shape : shapes) {
      Tier& tier = all.emplace_back();
      tier.spec.medium = shape.medium;
      tier.spec.write = shape.write;
      tier.spec.inclusion = shape.inclusion;
      tier.spec.scope = shape.scope;
      tier.spec.promotion = shape.promotion;
      tier.spec.write_queue = shape.queue;
      tier.spec.write_uses = shape.uses;
      tier.spec.write_batch = shape.batch;
      tier.spec.prefetch = shape.prefetch;
      tier.ratio = shape.ratio;
      for (std::size_t r = 0; r < replicas; ++r) {
        const std::size_t part = shape.scope == Scope::private_to_each ? r : 0;
        if (part == tier.parts.size()) {
          tier.parts.push_back({memory("tier"), BlockPool(shape.blocks, policy(all.size())),
                                config::find_recipe<AdmissionRecipe>(shape.admission)
                                    ->make({&ledger.view(shape.ratio), {}, {}, {}})});
        }
        tier.part_of.push_back(static_cast<std::uint32_t>(part));
      }
    }
    return all;
  }

  CacheWatch* watch_;
  std::vector<MemoryId> memories_;
  std::map<std::size_t, std::function<void()>> loading_;  // request -> what to do when it is there

 public:
  Hierarchy hierarchy;  // after all that its construction needs
  std::vector<std::pair<std::size_t, Duration>> loaded;
  std::vector<std::pair<std::size_t, Duration>> prefetched;
  std::int64_t ticks = 0;
};

}  // namespace terrace::testing
