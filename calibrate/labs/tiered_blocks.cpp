#include "calibrate/labs/tiered_blocks.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace::labs {

TieredBlocks::TieredBlocks(std::int64_t blocks, std::span<const std::int64_t> tiers,
                           Machine& machine)
    : machine_(machine), pool_(blocks), writing_(tiers.size()), counts_(tiers.size()) {
  for (const std::int64_t capacity : tiers) tiers_.emplace_back(capacity);
}

std::int32_t TieredBlocks::take() {
  const BlockCache::Taken taken = pool_.take();
  if (taken.lost) evicted_.push_back({*taken.lost, taken.block});
  return taken.block;
}

// --- up ------------------------------------------------------------------------------------------

std::optional<std::size_t> TieredBlocks::nearest(BlockName name) const {
  for (std::size_t t = 0; t < tiers_.size(); ++t) {
    const auto slot = tiers_[t].find(name);
    if (slot && tiers_[t].readable(*slot)) return t;
  }
  return std::nullopt;
}

std::int64_t TieredBlocks::below(std::span<const BlockName> names, std::int64_t from) const {
  auto at = static_cast<std::size_t>(from);
  while (at < names.size() && nearest(names[at])) ++at;
  return static_cast<std::int64_t>(at) - from;
}

void TieredBlocks::looked_up(std::span<const BlockName> names, std::int64_t from, std::int64_t to) {
  for (std::int64_t at = from; at < to; ++at) {
    ++counts_[*nearest(names[static_cast<std::size_t>(at)])].served;
  }
  for (BlockCache& tier : tiers_) {
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      if (const auto slot = tier.find(*name)) tier.touch(*slot);
    }
  }
}

void TieredBlocks::load(std::span<const BlockName> names, std::span<const std::int32_t> blocks,
                        std::int64_t from, std::int64_t to) {
  const std::size_t number = next_load_++;
  Load& load = loading_[number];
  std::vector<std::vector<BlockCopy>> copies(tiers_.size());
  for (auto at = static_cast<std::size_t>(from); at < static_cast<std::size_t>(to); ++at) {
    const std::size_t tier = *nearest(names[at]);
    const std::int32_t slot = *tiers_[tier].find(names[at]);
    tiers_[tier].hold(slot);
    load.sources.push_back({tier, slot, blocks[at], names[at]});
    copies[tier].push_back({slot, blocks[at]});
  }
  for (std::size_t t = 0; t < tiers_.size(); ++t) {
    if (copies[t].empty()) continue;
    machine_.start_load(number, t, copies[t]);
    ++load.pending;
  }
}

/// The last block goes first, so that the tail of a text is evicted before its head.
void TieredBlocks::finish(const Load& load) {
  for (auto source = load.sources.rbegin(); source != load.sources.rend(); ++source) {
    for (std::size_t t = 0; t < source->tier; ++t) {
      if (tiers_[t].find(source->name)) continue;
      const auto slot = make_room(t, source->name);
      if (!slot) continue;
      machine_.keep_copy(t, {source->block, *slot});
      tiers_[t].arrived(*slot);
      tiers_[t].release(*slot);
    }
    tiers_[source->tier].release(source->slot);
  }
}

// --- down ----------------------------------------------------------------------------------------

/// A held place that is found as `name`, but not read before it has arrived.
std::optional<std::int32_t> TieredBlocks::make_room(std::size_t tier, BlockName name) {
  BlockCache& cache = tiers_[tier];
  if (cache.free_blocks() == 0) {
    ++counts_[tier].skipped;
    return std::nullopt;
  }
  const BlockCache::Taken taken = cache.take();
  cache.name(taken.block, name, false);
  if (taken.lost && tier + 1 < tiers_.size()) {
    const Leaving leaving{*taken.lost, taken.block};
    demote(tier + 1, {&leaving, 1});
  }
  return taken.block;
}

void TieredBlocks::demote(std::size_t tier, std::span<const Leaving> leaving) {
  for (const Leaving& block : leaving) {
    if (tiers_[tier].find(block.name)) continue;
    const auto slot = make_room(tier, block.name);
    if (!slot) continue;
    writing_[tier].push_back(*slot);
    machine_.queue_write(tier, {block.block, *slot});
  }
  machine_.start_writes(tier);
}

// --- when it happens -----------------------------------------------------------------------------

void TieredBlocks::settle() {
  const auto evicted = std::exchange(evicted_, {});
  if (!tiers_.empty() && !evicted.empty()) demote(0, evicted);
  machine_.settle();
  for (auto& [number, load] : loading_) load.start = machine_.now();
}

void TieredBlocks::await_loads() {
  while (!loading_.empty()) handle(machine_.wait());
}

void TieredBlocks::poll() {
  while (const auto arrived = machine_.arrived()) handle(*arrived);
}

void TieredBlocks::drain() {
  const auto busy = [](const auto& writing) { return !writing.empty(); };
  while (std::any_of(writing_.begin(), writing_.end(), busy)) handle(machine_.wait());
}

void TieredBlocks::handle(const Arrived& arrived) {
  TierCounts& counts = counts_[arrived.tier];
  if (arrived.what == Arrived::What::writes) {
    counts.written += arrived.blocks;
    auto& writing = writing_[arrived.tier];
    for (std::int64_t i = 0; i < arrived.blocks; ++i) {
      TERRACE_CHECK(!writing.empty());
      tiers_[arrived.tier].arrived(writing.front());
      tiers_[arrived.tier].release(writing.front());
      writing.pop_front();
    }
    return;
  }
  Load& load = loading_.at(arrived.load);
  counts.read += arrived.blocks;
  counts.load_time += machine_.now() - load.start;
  ++counts.loads;
  if (--load.pending > 0) return;
  finish(load);
  loading_.erase(arrived.load);
}

}  // namespace terrace::labs
