#include "sim/study/mrc/lru_curve.hpp"

#include <algorithm>

#include "sim/study/mrc/reuse_distance.hpp"

namespace terrace {

LruCurve::LruCurve(const BlockStream& stream, StudyProgress proceed)
    : block_size_(stream.block_size) {
  ReuseDistances distances;
  std::uint64_t i = 0;
  std::uint64_t told = 0;
  for (const BlockStream::Request& request : stream.requests) {
    std::uint32_t greatest = 0;
    for (; i < request.reads_end; ++i) {
      const auto content = static_cast<std::uint32_t>(stream.accesses[i].index());
      const std::uint32_t distance = distances.access(content);
      greatest = std::max(greatest, distance);
      const std::int64_t padding = i + 1 == request.reads_end ? stream.padding(request) : 0;
      all_.add(distance, padding);
      usable_.add(greatest, padding);
    }
    for (; i < request.end; ++i) {
      distances.access(static_cast<std::uint32_t>(stream.accesses[i].index()));
    }
    if (i - told < kAccessesBetweenQuestions) continue;
    complete_ = proceed(i - told);
    told = i;
    if (!complete_) return;
  }
  all_.accumulate();
  usable_.accumulate();
}

HitCounts LruCurve::at(std::int64_t capacity) const {
  const auto [blocks, padding] = all_.up_to(capacity);
  const auto [usable, usable_padding] = usable_.up_to(capacity);
  return {blocks, usable, block_size_ * blocks - Tokens{padding},
          block_size_ * usable - Tokens{usable_padding}};
}

void LruCurve::Counts::add(std::uint32_t distance, std::int64_t padded) {
  if (distance == ReuseDistances::kNever) return;
  if (distance >= blocks.size()) {
    blocks.resize(std::max<std::size_t>(distance + 1UL, 3 * blocks.size() / 2));
  }
  ++blocks[distance];
  if (padded > 0) padding.emplace_back(distance, padded);
}

/// From counts at each distance to counts up to each.
void LruCurve::Counts::accumulate() {
  for (std::size_t i = 1; i < blocks.size(); ++i) blocks[i] += blocks[i - 1];
  std::sort(padding.begin(), padding.end());
  for (std::size_t i = 1; i < padding.size(); ++i) padding[i].second += padding[i - 1].second;
}

std::pair<std::int64_t, std::int64_t> LruCurve::Counts::up_to(std::int64_t distance) const {
  if (blocks.empty() || distance < 0) return {0, 0};
  const auto last = std::min(static_cast<std::size_t>(distance), blocks.size() - 1);
  const auto behind =
      std::upper_bound(padding.begin(), padding.end(), last,
                       [](std::size_t limit, const auto& entry) { return limit < entry.first; });
  return {blocks[last], behind == padding.begin() ? 0 : std::prev(behind)->second};
}

}  // namespace terrace
