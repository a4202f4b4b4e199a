#include "sim/study/mrc/shards.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

constexpr std::uint32_t kAbsent = 0xFFFFFFFF;
constexpr std::uint64_t kExact = 4096;
constexpr unsigned kExactBits = 12;

/// The finaliser of MurmurHash3 for 32 bits: ids are dense, so every bit must depend on every bit.
std::uint32_t mixed(std::uint32_t x) {
  x = (x ^ x >> 16U) * 0x85ebca6bU;
  x = (x ^ x >> 13U) * 0xc2b2ae35U;
  return x ^ x >> 16U;
}

std::size_t class_of(std::uint64_t distance) {
  if (distance < kExact) return distance;
  const auto octave = static_cast<unsigned>(std::bit_width(distance)) - kExactBits;
  return kExact / 2 * octave + (distance >> octave);
}

}  // namespace

void ShardsCurve::Weights::add(double distance, double weight) {
  const std::size_t c = class_of(static_cast<std::uint64_t>(distance));
  if (c >= classes_.size()) classes_.resize(c + 1);
  classes_[c] += weight;
}

void ShardsCurve::Weights::accumulate() {
  for (std::size_t i = 1; i < classes_.size(); ++i) classes_[i] += classes_[i - 1];
}

double ShardsCurve::Weights::up_to(std::int64_t distance) const {
  if (classes_.empty()) return 0;
  const std::size_t c = class_of(static_cast<std::uint64_t>(distance));
  return classes_[std::min(c, classes_.size() - 1)];
}

ShardsCurve::ShardsCurve(const BlockStream& stream, const ShardsOptions& options,
                         StudyProgress proceed)
    : stream_(stream),
      max_blocks_(options.max_blocks),
      threshold_(static_cast<std::uint64_t>(options.rate * 0x1p32)),
      item_of_(stream.contents, kAbsent) {
  TERRACE_CHECK(options.rate > 0 && options.rate <= 1);
  const std::uint32_t salt = mixed(static_cast<std::uint32_t>(options.seed) + 0x9e3779b9U);
  std::array<std::uint32_t, kBatch> chosen{};
  auto request = stream.requests.begin();
  std::uint64_t told = 0;
  for (std::uint64_t begin = 0; begin < stream.accesses.size(); begin += kBatch) {
    // Almost no access passes, at random: nothing may branch on it.
    const auto size =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(kBatch, stream.accesses.size() - begin));
    std::size_t passed = 0;
    for (std::uint32_t i = 0; i < size; ++i) {
      chosen[passed] = i;
      const auto id = static_cast<std::uint32_t>(stream.accesses[begin + i].index());
      passed += mixed(id ^ salt) < threshold_ ? 1U : 0U;
    }
    for (std::size_t k = 0; k < passed; ++k) {
      const std::uint64_t i = begin + chosen[k];
      while (request->end <= i) ++request;
      const bool last = i + 1 == request->reads_end;
      const ContentId content = stream.accesses[i];
      access(content, mixed(static_cast<std::uint32_t>(content.index()) ^ salt),
             i < request->reads_end, last ? stream.padding(*request) : 0);
    }
    if (begin + size - told < kAccessesBetweenQuestions) continue;
    complete_ = proceed(begin + size - told);
    told = begin + size;
    if (!complete_) return;
  }
  std::uint64_t end = 0;
  for (const BlockStream::Request& r : stream.requests) {
    reads_ += static_cast<std::int64_t>(r.reads_end - end);
    end = r.end;
  }
  whole_.hits.accumulate();
  padding_.accumulate();
  for (Sample& group : groups_) group.hits.accumulate();
}

void ShardsCurve::access(ContentId content, std::uint32_t hash, bool read, std::int64_t padding) {
  if (hash >= threshold_) return;  // it was lowered since
  std::uint32_t& item = item_of_[content.index()];
  const bool fresh = item == kAbsent;
  if (fresh) item = items_++;
  const double weight = 1 / rate();
  sampled_ += read ? 1 : 0;
  take(whole_, item, weight, read, padding);
  take(groups_[hash % kGroups], item, weight * kGroups, read, 0);
  if (!fresh || max_blocks_ == 0) return;
  highest_.emplace_back(hash, item);
  std::push_heap(highest_.begin(), highest_.end());
  if (highest_.size() > max_blocks_) lower_threshold();
}

void ShardsCurve::take(Sample& sample, std::uint32_t item, double weight, bool read,
                       std::int64_t padding) {
  const std::uint32_t distance = sample.distances.access(item);
  if (!read) return;
  sample.weight += weight;
  if (distance == ReuseDistances::kNever) return;
  sample.hits.add(distance * weight, weight);
  if (padding > 0) padding_.add(distance * weight, static_cast<double>(padding) * weight);
}

/// Leaves out the blocks of the highest hash, for good: theirs is the new threshold. What was
/// counted stays as it was weighted then, which is as if all counts were scaled down by the ratio
/// of the rates now and then up by the new one.
void ShardsCurve::lower_threshold() {
  threshold_ = highest_.front().first;
  while (!highest_.empty() && highest_.front().first >= threshold_) {
    const auto [hash, item] = highest_.front();
    whole_.distances.remove(item);
    groups_[hash % kGroups].distances.remove(item);
    std::pop_heap(highest_.begin(), highest_.end());
    highest_.pop_back();
  }
  TERRACE_CHECK(threshold_ > 0);
}

/// Hits among all reads, by one sample.
double ShardsCurve::estimate(const Sample& sample, std::int64_t capacity) const {
  if (capacity < 1) return 0;
  const double all = static_cast<double>(reads_);
  return std::clamp(sample.hits.up_to(capacity) + all - sample.weight, 0.0, all);
}

HitCounts ShardsCurve::at(std::int64_t capacity) const {
  const std::int64_t blocks = std::llround(estimate(whole_, capacity));
  const double padding = capacity < 1 ? 0 : padding_.up_to(capacity);
  const Tokens tokens{
      std::max<std::int64_t>(0, stream_.block_size.count() * blocks - std::llround(padding))};
  return {blocks, blocks, tokens, tokens};
}

double ShardsCurve::error(std::int64_t capacity) const {
  if (rate() == 1) return 0;  // nothing was left out
  double sum = 0;
  double squares = 0;
  for (const Sample& group : groups_) {
    const double hits = estimate(group, capacity);
    sum += hits;
    squares += hits * hits;
  }
  constexpr double kN = kGroups;
  return std::sqrt(std::max(0.0, (squares - sum * sum / kN) / (kN * (kN - 1))));
}

}  // namespace terrace
