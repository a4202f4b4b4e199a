#include "sim/kv/content_table.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {

ContentTable::Tip ContentTable::append(Tip tip, std::uint64_t content, Tokens tokens,
                                       std::vector<ContentId>& blocks) {
  if (2 * (live_segments_ + 1) > slots_.size())
    rehash(std::max<std::size_t>(64, 2 * slots_.size()));
  const std::size_t slot = slot_of(tip.segment, content, tokens.count());
  if (slots_[slot] == kRoot) slots_[slot] = create(tip.segment, content, tokens.count());

  const Segment& segment = segments_[slots_[slot]];
  for (std::uint32_t i = 0; i < segment.blocks; ++i) blocks.emplace_back(segment.first + i);
  return {slots_[slot]};
}

std::int64_t ContentTable::position(ContentId block) const {
  const Segment& segment = segments_[owner_[block.index()]];
  const std::int64_t past_last = segment.end / block_size_.count();
  return past_last - segment.blocks + static_cast<std::int64_t>(block.index()) - segment.first;
}

ContentId ContentTable::before(ContentId block, std::int64_t steps) const {
  const Segment* segment = &segments_[owner_[block.index()]];
  auto offset = static_cast<std::int64_t>(block.index()) - segment->first;
  while (steps > offset) {
    steps -= offset;
    segment = &segments_[segment->parent];
    offset = segment->blocks;  // one past its last block, which is one step back
  }
  return ContentId{static_cast<std::size_t>(segment->first + offset - steps)};
}

void ContentTable::collect(FunctionRef<void(FunctionRef<void(ContentId)> mark)> mark_all) {
  for (Segment& segment : segments_) segment.live = false;
  mark_all([this](ContentId block) {
    for (std::uint32_t s = owner_[block.index()]; s != kRoot && !segments_[s].live;
         s = segments_[s].parent) {
      segments_[s].live = true;
    }
  });
  std::fill(slots_.begin(), slots_.end(), kRoot);
  live_segments_ = 0;
  free_segments_.clear();
  for (std::uint32_t s = 0; s < segments_.size(); ++s) {
    Segment& segment = segments_[s];
    if (segment.live) {
      slots_[slot_of(segment.parent, segment.content, segment.tokens)] = s;
      ++live_segments_;
      continue;
    }
    if (segment.blocks > 0) free_runs_[segment.blocks].push_back(segment.first);
    used_ -= segment.blocks;
    segment.blocks = 0;
    free_segments_.push_back(s);
  }
  collect_at_ = std::max(kCollectAtLeast, 2 * (used_ + live_segments_));
}

void ContentTable::for_each_free(FunctionRef<void(ContentId)> visit) const {
  for (const auto& [length, runs] : free_runs_) {
    for (const std::uint32_t first : runs) {
      for (std::uint32_t i = 0; i < length; ++i) visit(ContentId{std::size_t{first} + i});
    }
  }
}

std::uint64_t ContentTable::hash(std::uint32_t parent, std::uint64_t content, std::int64_t tokens) {
  // Finaliser of splitmix64 (Steele, Lea, Flood 2014) over the three parts.
  std::uint64_t x = content + 0x9e3779b97f4a7c15U * (parent + 1ULL) +
                    0xd1b54a32d192ed03U * static_cast<std::uint64_t>(tokens);
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31U);
}

std::size_t ContentTable::slot_of(std::uint32_t parent, std::uint64_t content,
                                  std::int64_t tokens) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash(parent, content, tokens) & mask;
  while (slots_[slot] != kRoot) {
    const Segment& s = segments_[slots_[slot]];
    if (s.content == content && s.parent == parent && s.tokens == tokens) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

std::uint32_t ContentTable::create(std::uint32_t parent, std::uint64_t content,
                                   std::int64_t tokens) {
  const std::int64_t begin = parent == kRoot ? 0 : segments_[parent].end;
  const std::int64_t end = begin + tokens;
  const auto blocks =
      static_cast<std::uint32_t>(end / block_size_.count() - begin / block_size_.count());

  std::uint32_t id = 0;
  if (free_segments_.empty()) {
    id = static_cast<std::uint32_t>(segments_.size());
    segments_.emplace_back();
  } else {
    id = free_segments_.back();
    free_segments_.pop_back();
  }
  const std::uint32_t first = reserve_ids(blocks);
  segments_[id] = {content, tokens, end, parent, first, blocks, false};
  for (std::uint32_t i = 0; i < blocks; ++i) owner_[first + i] = id;
  used_ += blocks;
  ++live_segments_;
  return id;
}

std::uint32_t ContentTable::reserve_ids(std::uint32_t count) {
  if (count == 0) return 0;
  const auto run = free_runs_.lower_bound(count);
  if (run != free_runs_.end()) {
    const std::uint32_t length = run->first;
    const std::uint32_t first = run->second.back();
    run->second.pop_back();
    if (run->second.empty()) free_runs_.erase(run);
    if (length > count) free_runs_[length - count].push_back(first + count);
    return first;
  }
  const std::size_t first = owner_.size();
  TERRACE_CHECK(first + count < kRoot);
  owner_.resize(first + count);
  return static_cast<std::uint32_t>(first);
}

void ContentTable::rehash(std::size_t slots) {
  const std::vector<std::uint32_t> old = std::exchange(slots_, {});
  slots_.assign(slots, kRoot);
  for (const std::uint32_t s : old) {
    if (s == kRoot) continue;
    slots_[slot_of(segments_[s].parent, segments_[s].content, segments_[s].tokens)] = s;
  }
}

}  // namespace terrace
