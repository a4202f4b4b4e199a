#include "calibrate/labs/block_store.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "calibrate/labs/timed_kernels.hpp"
#include "sim/base/check.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::labs {
namespace {

void count(BlockFlow& flow, std::size_t bytes) {
  ++flow.blocks;
  flow.bytes += Bytes{static_cast<std::int64_t>(bytes)};
}

}  // namespace

BlockStore::BlockStore(const BlockStoreRules& rules)
    : rules_(rules),
      memory_pool_(rules.memory_slots, make_eviction_policy("lru")),
      file_pool_(rules.file_slots, make_eviction_policy("lru")) {
  TERRACE_CHECK(rules.block > Bytes{} && rules.memory_slots > 0 && rules.file_slots >= 0);
  if (rules.file_slots > 0) {
    file_.emplace(rules.directory, rules.block, rules.file_slots, rules.depth);
  }
  slot_bytes_ = file_ ? file_->slot_bytes() : static_cast<std::size_t>(rules.block.count());
  memory_ = SlotMemory(slot_bytes_, rules.memory_slots);
  if (file_) staging_ = SlotMemory(slot_bytes_, rules.depth);
  memory_pool_.record_evictions(evicted_);
}

// --- down ----------------------------------------------------------------------------------------

void BlockStore::put(std::span<const Block> evicted) {
  std::vector<BlockId> placed;
  for (const Block& block : evicted) {
    if (memory_pool_.find(block.content) != BlockId::none()) continue;
    if (const auto slot = place_in_memory(block.content, block.bytes)) placed.push_back(*slot);
  }
  for (const BlockId slot : placed) memory_pool_.release(slot);
  finish_writes();
}

std::optional<BlockId> BlockStore::place_in_memory(ContentId content,
                                                   std::span<const std::byte> bytes) {
  if (memory_pool_.free_blocks() == 0) {
    ++memory_traffic_.skipped;
    return std::nullopt;
  }
  const BlockId slot = memory_pool_.allocate(content);
  const std::span<std::byte> place = memory_[slot.index()];
  if (!evicted_.empty()) {
    write_down(evicted_.back(), place.first(bytes.size()));
    evicted_.clear();
  }
  const Stopwatch watch(memory_traffic_.in.time);
  std::memcpy(place.data(), bytes.data(), bytes.size());
  count(memory_traffic_.in, bytes.size());
  memory_pool_.publish(slot, content);
  return slot;
}

void BlockStore::write_down(ContentId content, std::span<const std::byte> bytes) {
  if (!file_ || file_pool_.find(content) != BlockId::none()) return;
  if (file_pool_.free_blocks() == 0) {
    ++file_traffic_.skipped;
    return;
  }
  const Stopwatch watch(file_traffic_.in.time);
  const BlockId slot = file_pool_.allocate(content);
  file_->write(static_cast<std::int32_t>(slot.index()), bytes);
  file_pool_.publish(slot, content);
  being_written_.push_back(slot);
  count(file_traffic_.in, bytes.size());
}

void BlockStore::finish_writes() {
  if (being_written_.empty()) return;
  const Stopwatch watch(file_traffic_.in.time);
  file_->flush();
  for (const BlockId slot : std::exchange(being_written_, {})) file_pool_.release(slot);
}

// --- up ------------------------------------------------------------------------------------------

BlockStore::Source BlockStore::source_of(ContentId content) const {
  const BlockId slot = memory_pool_.find(content);
  if (slot != BlockId::none()) return {slot, true};
  return {file_pool_.find(content), false};
}

std::int64_t BlockStore::count_found(std::span<const ContentId> sequence) const {
  const auto missing = std::find_if(sequence.begin(), sequence.end(), [&](ContentId content) {
    return source_of(content).slot == BlockId::none();
  });
  return missing - sequence.begin();
}

void BlockStore::looked_up(std::span<const ContentId> sequence) {
  for (BlockPool* pool : {&memory_pool_, &file_pool_}) {
    for (auto content = sequence.rbegin(); content != sequence.rend(); ++content) {
      const BlockId slot = pool->find(*content);
      if (slot != BlockId::none()) pool->touch(slot);
    }
  }
}

void BlockStore::load(std::span<const Wanted> blocks) {
  std::vector<Source> sources;
  std::vector<Wanted> in_file;
  std::vector<BlockId> slots;
  for (const Wanted& block : blocks) {
    const Source source = source_of(block.content);
    TERRACE_CHECK(source.slot != BlockId::none());
    (source.in_memory ? memory_pool_ : file_pool_).hold(source.slot);
    sources.push_back(source);
    if (source.in_memory) {
      read_memory(block, source.slot);
    } else {
      in_file.push_back(block);
      slots.push_back(source.slot);
    }
  }
  read_file(in_file, slots);
  for (std::size_t i = sources.size(); i-- > 0;) {
    if (!sources[i].in_memory) {
      const auto copy = place_in_memory(blocks[i].content, blocks[i].to);
      if (copy) memory_pool_.release(*copy);
    }
    (sources[i].in_memory ? memory_pool_ : file_pool_).release(sources[i].slot);
  }
  finish_writes();
}

void BlockStore::read_memory(const Wanted& block, BlockId slot) {
  const Stopwatch watch(memory_traffic_.out.time);
  std::memcpy(block.to.data(), memory_[slot.index()].data(), block.to.size());
  count(memory_traffic_.out, block.to.size());
}

/// By as many as there are staging places: destinations need not be where a disk can write.
void BlockStore::read_file(std::span<const Wanted> blocks, std::span<const BlockId> slots) {
  const Stopwatch watch(file_traffic_.out.time);
  for (std::size_t first = 0; first < blocks.size(); first += rules_.depth) {
    const std::size_t end = std::min<std::size_t>(first + rules_.depth, blocks.size());
    std::vector<SlotFile::Read> reads;
    for (std::size_t i = first; i < end; ++i) {
      reads.push_back({static_cast<std::int32_t>(slots[i].index()), staging_[i - first]});
    }
    file_->read(reads);
    for (std::size_t i = first; i < end; ++i) {
      std::memcpy(blocks[i].to.data(), staging_[i - first].data(), blocks[i].to.size());
      count(file_traffic_.out, blocks[i].to.size());
    }
  }
}

}  // namespace terrace::labs
