#include "sim/metrics/queue_trend.hpp"

#include <algorithm>

namespace terrace {

void QueueTrend::add(std::uint64_t number, Duration queue) {
  while (number / width_ >= kBins) widen();
  Bin& bin = bins_[number / width_];
  ++bin.count;
  bin.sum += queue.count();
}

void QueueTrend::widen() {
  for (std::size_t i = 0; i < kBins; ++i) {
    const Bin first = 2 * i < kBins ? bins_[2 * i] : Bin{};
    const Bin second = 2 * i < kBins ? bins_[2 * i + 1] : Bin{};
    bins_[i] = {first.count + second.count, first.sum + second.sum};
  }
  width_ *= 2;
}

std::size_t QueueTrend::bins_in_use() const {
  std::size_t used = kBins;
  while (used > 0 && bins_[used - 1].count == 0) --used;
  return used;
}

double QueueTrend::mean(std::size_t from, std::size_t to) const {
  Bin all;
  for (std::size_t i = from; i < std::min(to, kBins); ++i) {
    all.count += bins_[i].count;
    all.sum += bins_[i].sum;
  }
  return all.count == 0 ? 0 : static_cast<double>(all.sum) * 1e-12 / static_cast<double>(all.count);
}

}  // namespace terrace
