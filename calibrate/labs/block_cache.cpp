#include "calibrate/labs/block_cache.hpp"

#include <algorithm>
#include <iterator>

#include "sim/base/check.hpp"

namespace terrace::labs {

BlockName BlockNames::of(BlockName before, const std::vector<std::int32_t>& tokens) {
  return known_.emplace(std::pair(before, tokens), std::ssize(known_) + 1).first->second;
}

std::optional<std::int32_t> BlockCache::find(BlockName name) const {
  const auto found = copies_.find(name);
  return found == copies_.end() ? std::nullopt : std::optional(found->second.front());
}

BlockCache::Taken BlockCache::take() {
  TERRACE_CHECK(free_blocks() > 0);
  Taken taken;
  if (!empty_.empty()) {
    taken.block = empty_.back();
    empty_.pop_back();
  } else if (std::ssize(slots_) < capacity_) {
    taken.block = static_cast<std::int32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    taken.block = idle_.front();
    idle_.pop_front();
    const auto copies = copies_.find(at(taken.block).name);
    std::erase(copies->second, taken.block);
    if (copies->second.empty()) {
      taken.lost = copies->first;
      copies_.erase(copies);
    }
  }
  at(taken.block) = {.users = 1};
  peak_held_ = std::max(peak_held_, ++held_);
  return taken;
}

void BlockCache::hold(std::int32_t block) {
  if (at(block).users++ > 0) return;
  std::erase(idle_, block);
  peak_held_ = std::max(peak_held_, ++held_);
}

void BlockCache::release(std::int32_t block) {
  TERRACE_CHECK(at(block).users > 0);
  if (--at(block).users > 0) return;
  --held_;
  if (at(block).name == 0) {
    empty_.push_back(block);
  } else {
    idle_.push_back(block);
  }
}

void BlockCache::name(std::int32_t block, BlockName name, bool readable) {
  at(block).name = name;
  at(block).readable = readable;
  copies_[name].push_back(block);
}

void BlockCache::touch(std::int32_t block) {
  if (held(block)) return;
  std::erase(idle_, block);
  idle_.push_back(block);
}

}  // namespace terrace::labs
