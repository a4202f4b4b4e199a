#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/study/mrc/block_stream.hpp"
#include "sim/study/mrc/lru_curve.hpp"
#include "sim/study/mrc/reuse_distance.hpp"

namespace terrace {

struct ShardsOptions {
  double rate = 0.01;          // of the distinct blocks, in (0, 1]; with max_blocks: to begin with
  std::size_t max_blocks = 0;  // if not 0: keep at most so many, by lowering the rate (SHARDS-smax)
  std::uint64_t seed = 0;      // of the hash
};

/// An LRU curve from the blocks whose hash is below a threshold (Waldspurger et al., "Efficient MRC
/// construction with SHARDS", FAST 2015): every access to such a block stands for 1 / rate
/// accesses, and its stack distance among its like for 1 / rate times that distance. What the
/// sample has more or less of accesses than its share is put on the least distance (SHARDS-adj).
///
/// The error bar: the sample is divided by other bits of the hash into eight, each of which is a
/// sample of an eighth of the rate and gives a curve of its own. The standard error of the whole is
/// that of the mean of the eight (batch means; Glynn & Whitt 1991).
///
/// Hits and usable hits are taken to be the same, as they are for LRU where blocks are identified
/// with all text before them: the block before was used at least as recently, and right before.
class ShardsCurve {
 public:
  ShardsCurve(const BlockStream& stream, const ShardsOptions& options, StudyProgress proceed);

  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] HitCounts at(std::int64_t capacity) const;

  /// Standard error of at(capacity).blocks.
  [[nodiscard]] double error(std::int64_t capacity) const;

  /// The sampling rate at the end, the blocks that were ever in the sample, and the reads of them.
  [[nodiscard]] double rate() const { return static_cast<double>(threshold_) * 0x1p-32; }
  [[nodiscard]] std::int64_t blocks() const { return items_; }
  [[nodiscard]] std::int64_t sampled() const { return sampled_; }

 private:
  static constexpr std::size_t kGroups = 8;
  static constexpr std::size_t kBatch = 1U << 12U;

  /// Weights by distance: exact below 4096, then 2048 classes per octave.
  class Weights {
   public:
    void add(double distance, double weight);
    void accumulate();
    [[nodiscard]] double up_to(std::int64_t distance) const;

   private:
    std::vector<double> classes_;
  };

  /// What one sample, or part of one, has seen.
  struct Sample {
    ReuseDistances distances;
    Weights hits;
    double weight = 0;  // of all reads
  };

  void access(ContentId content, std::uint32_t hash, bool read, std::int64_t padding);
  void take(Sample& sample, std::uint32_t item, double weight, bool read, std::int64_t padding);
  void lower_threshold();
  [[nodiscard]] double estimate(const Sample& sample, std::int64_t capacity) const;

  const BlockStream& stream_;
  std::size_t max_blocks_;
  std::uint64_t threshold_;             // of the hash, of 2^32
  std::vector<std::uint32_t> item_of_;  // content -> number within the sample
  std::vector<std::pair<std::uint32_t, std::uint32_t>> highest_;  // a heap of (hash, item)
  std::uint32_t items_ = 0;
  Sample whole_;
  std::array<Sample, kGroups> groups_;
  Weights padding_;
  std::int64_t reads_ = 0;
  std::int64_t sampled_ = 0;
  bool complete_ = true;
};

}  // namespace terrace
