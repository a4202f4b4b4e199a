#include "sim/base/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

constexpr unsigned kBucketBits = 11;
constexpr std::uint64_t kBuckets = std::uint64_t{1} << kBucketBits;  // per octave

/// Octave 0 holds the values below kBuckets; octave k the next ones, k - 1 bits of which are lost.
/// Buckets are numbered through: octave * kBuckets + place.
std::uint64_t bucket_of(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  const auto width = static_cast<unsigned>(std::bit_width(bits));
  const unsigned lost = width > kBucketBits ? width - kBucketBits - 1 : 0;
  return lost * kBuckets + (bits >> lost);
}

std::int64_t middle_of(std::uint64_t bucket) {
  const std::uint64_t octave = bucket / kBuckets;
  const std::uint64_t lost = octave > 0 ? octave - 1 : 0;
  const std::uint64_t first = (bucket - lost * kBuckets) << lost;
  const std::uint64_t width = std::uint64_t{1} << lost;
  return static_cast<std::int64_t>(first + (width - 1) / 2);
}

}  // namespace

std::int64_t& Histogram::weight_at(std::uint64_t bucket) {
  const std::size_t octave = bucket / kBuckets;
  if (octave >= octaves_.size()) octaves_.resize(octave + 1);
  if (octaves_[octave].empty()) octaves_[octave].resize(kBuckets);
  return octaves_[octave][bucket % kBuckets];
}

void Histogram::add(std::int64_t value, std::int64_t weight) {
  TERRACE_CHECK(value >= 0 && weight >= 0);
  if (weight == 0) return;
  weight_at(bucket_of(value)) += weight;
  count_ += weight;
  sum_ += Sum{value} * weight;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  if (other.octaves_.size() > octaves_.size()) octaves_.resize(other.octaves_.size());
  for (std::size_t i = 0; i < other.octaves_.size(); ++i) {
    const Octave& theirs = other.octaves_[i];
    if (octaves_[i].size() < theirs.size()) octaves_[i].resize(theirs.size());
    for (std::size_t j = 0; j < theirs.size(); ++j) octaves_[i][j] += theirs[j];
  }
  count_ += other.count_;
  sum_ += other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
}

std::int64_t Histogram::min() const {
  TERRACE_CHECK(!empty());
  return min_;
}

std::int64_t Histogram::max() const {
  TERRACE_CHECK(!empty());
  return max_;
}

double Histogram::mean() const {
  TERRACE_CHECK(!empty());
  return static_cast<double>(sum_) / static_cast<double>(count_);
}

std::int64_t Histogram::quantile(double q) const {
  TERRACE_CHECK(!empty() && q >= 0 && q <= 1);
  if (q == 0) return min_;
  if (q == 1) return max_;

  // 0.07 is a little more than 7/100, and must not ask for an eighth value out of a hundred.
  const double rank = q * static_cast<double>(count_) * (1 - 0x1p-50);
  std::int64_t seen = 0;
  for (std::size_t i = 0; i < octaves_.size(); ++i) {
    for (std::size_t j = 0; j < octaves_[i].size(); ++j) {
      seen += octaves_[i][j];
      if (static_cast<double>(seen) >= rank && seen > 0) {
        return std::clamp(middle_of(i * kBuckets + j), min_, max_);
      }
    }
  }
  return max_;
}

}  // namespace terrace
