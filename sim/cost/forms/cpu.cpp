#include "sim/cost/forms/cpu.hpp"

#include <algorithm>
#include <cmath>

#include "sim/base/check.hpp"
#include "sim/cost/forms/mla.hpp"

namespace terrace::forms {
namespace {

// As kernels/cpu cuts its calls.
constexpr double kTileRows = 32;     // gemm.cpp
constexpr double kTileColumns = 64;  // gemm.cpp
constexpr double kInRegisters = 4;   // rows that are multiplied at once, unless there is one
constexpr double kChunk = 1024;      // keys: split_decode.cpp
constexpr double kMostRows = 64;     // query rows of a piece: split_decode.cpp and prefill.cpp

double as_double(std::int64_t n) { return static_cast<double>(n); }

/// Pieces of that size, a smaller one at the end as the part that it is: so that the largest of
/// them, one part in so many, does not shrink as work is added.
double whole_pieces(double size, double most) { return std::max(1.0, size / most); }

/// Both rounds of a decode: pieces of keys, and what sequences merge.
struct SplitDecode {
  double batch;
  double kv_tokens;
  double longest;
  double units;  // pieces of a chunk of keys
  double busy;
  double merged;
};

double seconds_of(const SplitDecode& d, double threads, double wake) {
  const double mean = d.kv_tokens / d.batch;
  const double chunks = d.batch * std::max(1.0, std::ceil(mean / kChunk));
  const double keys = std::min(kChunk, std::max(d.longest, mean));
  const double tokens = std::max(d.kv_tokens, 1.0);
  return threads_seconds({d.busy, keys / (tokens * d.units), chunks * d.units}, threads, wake) +
         threads_seconds({d.merged, 1 / d.batch, d.batch}, threads, wake);
}

}  // namespace

double threads_seconds(const Pieces& pieces, double threads, double wake) {
  if (threads <= 1 || pieces.count <= 1) return threads * pieces.busy;
  return std::max(
      {wake, threads * pieces.busy * pieces.largest, pieces.busy + wake * (1 - 1 / threads)});
}

double CpuGemm::seconds(std::span<const double> p, const Chip& chip, const Case& x) {
  const double m = as_double(x.m);
  const double weights = as_double(x.n) * as_double(x.k);
  const double rows = x.m == 1 ? 1 : std::ceil(m / kInRegisters) * kInRegisters;
  const double down = std::ceil(m / kTileRows);
  const double tiles = whole_pieces(m, kTileRows) * whole_pieces(as_double(x.n), kTileColumns);
  const double packed = weights * x.bytes_per_element / p[2];
  const double busy = 2 * rows * weights / p[1] + down * packed;
  const double tile = std::min(1.0, kTileColumns / as_double(x.n)) *
                      (2 * std::min(rows, kTileRows) * weights / p[1] + packed);
  return threads_seconds({busy, tile / busy, tiles}, chip.sms, p[0]);
}

double CpuDecode::seconds(std::span<const double> p, const Chip& chip, const Case& x) {
  const double heads = as_double(x.heads);
  const double kv_heads = as_double(x.kv_heads);
  const double row_bytes = as_double(x.key_dim + x.value_dim) * x.kv_bytes_per_element;
  const double key = heads / p[1] + kv_heads / p[2] + kv_heads * row_bytes / p[3];
  const double batch = as_double(x.batch);
  return seconds_of({.batch = batch,
                     .kv_tokens = x.kv_tokens,
                     .longest = x.longest,
                     .units = kv_heads * std::ceil(std::ceil(heads / kv_heads) / kMostRows),
                     .busy = x.kv_tokens * key,
                     .merged = batch * heads * as_double(x.value_dim) / p[4]},
                    chip.sms, p[0]);
}

double CpuMlaDecode::seconds(std::span<const double> p, const Chip& chip, const Case& x) {
  const double heads = as_double(x.heads);
  const double units = std::ceil(heads / kMostRows);
  const double key =
      2 * heads * (kMlaRow + kMlaLatent) / p[1] + units * kMlaRow * x.kv_bytes_per_element / p[2];
  const double batch = as_double(x.batch);
  return seconds_of({.batch = batch,
                     .kv_tokens = x.kv_tokens,
                     .longest = 1,
                     .units = units,
                     .busy = x.kv_tokens * key,
                     .merged = batch * heads * kMlaLatent / p[3]},
                    chip.sms, p[0]);
}

CpuPrefill::Load& CpuPrefill::Load::operator+=(const Load& other) {
  all.scores += other.all.scores;
  all.flops += other.all.flops;
  all.bytes += other.all.bytes;
  all.outputs += other.all.outputs;
  largest.scores = std::max(largest.scores, other.largest.scores);
  largest.flops = std::max(largest.flops, other.largest.flops);
  largest.bytes = std::max(largest.bytes, other.largest.bytes);
  largest.outputs = std::max(largest.outputs, other.largest.outputs);
  pieces += other.pieces;
  return *this;
}

CpuPrefill::Load CpuPrefill::load(const Case& x) {
  TERRACE_CHECK(x.batch >= 1 && x.fresh >= 1 && x.pairs >= 1);
  const double heads = as_double(x.heads);
  const double kv_heads = as_double(x.kv_heads);
  const double dims = as_double(x.key_dim + x.value_dim);
  const double most = std::max(1.0, std::floor(kMostRows * kv_heads / heads));
  const double pieces = std::ceil(x.fresh / most);
  const double tokens = x.fresh / pieces;
  // The last of them sees the others besides what they see on average.
  const double walked = x.pairs / tokens + pieces * (tokens - 1) / 2;
  const double pairs = x.batch * x.pairs;
  const Work all{.scores = pairs * heads,
                 .flops = 2 * pairs * heads * dims,
                 .bytes = x.batch * walked * kv_heads * dims * x.kv_bytes_per_element,
                 .outputs = x.batch * x.fresh * heads * as_double(x.value_dim)};
  const double whole = x.batch * whole_pieces(x.fresh, most) * kv_heads;
  return {
      .all = all,
      .largest = {all.scores / whole, all.flops / whole, all.bytes / whole, all.outputs / whole},
      .pieces = whole};
}

double CpuPrefill::seconds(std::span<const double> p, const Chip& chip, const Load& load) {
  const auto busy = [&](const Work& work) {
    return work.scores / p[1] + work.flops / p[2] + work.bytes / p[3] + work.outputs / p[4];
  };
  const double all = busy(load.all);
  return threads_seconds({all, busy(load.largest) / all, load.pieces}, chip.sms, p[0]);
}

}  // namespace terrace::forms
