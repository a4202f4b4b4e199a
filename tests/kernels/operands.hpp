#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/kernel_set.hpp"
#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/base/shuffle.hpp"

namespace terrace::kernels::tests {

/// Elements that own their memory. They start as NaN, whatever their type: who reads what was not
/// set gets NaN, and what was not written is NaN still.
class Tensor {
 public:
  Tensor(Element type, std::int64_t count)
      : type_(type),
        count_(count),
        bytes_(static_cast<std::size_t>(count * bytes_of(type)), std::byte{0xff}) {}

  [[nodiscard]] Array writable() { return {type_, bytes_.data()}; }
  [[nodiscard]] ConstArray view() const { return {type_, bytes_.data()}; }
  [[nodiscard]] std::int64_t count() const { return count_; }

  void set(std::int64_t i, double value) {
    with_elements(writable(),
                  [&]<class T>(T* x) { x[i] = round_to<T>(static_cast<float>(value)); });
  }
  [[nodiscard]] double at(std::int64_t i) const {
    double value = 0;
    with_elements(view(), [&](const auto* x) { value = static_cast<double>(to_float(x[i])); });
    return value;
  }
  void fill(Random random, double deviation = 1) {
    for (std::int64_t i = 0; i < count_; ++i) set(i, normal(random, 0, deviation));
  }

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::span<std::byte> bytes() { return bytes_; }

  friend bool operator==(const Tensor&, const Tensor&) = default;

 private:
  Element type_;
  std::int64_t count_;
  std::vector<std::byte> bytes_;
};

/// Bytes that were copied to the memory of a set of kernels, aligned like its own.
class Placed {
 public:
  Placed(KernelSet& set, std::span<const std::byte> bytes)
      : set_(&set), memory_(set.allocate(Bytes{static_cast<std::int64_t>(bytes.size())})) {
    set.upload(begin(), bytes);
  }
  Placed(KernelSet& set, const Tensor& tensor) : Placed(set, tensor.bytes()) {
    type_ = tensor.view().type;
  }

  [[nodiscard]] std::byte* begin() const { return memory_.get(); }
  [[nodiscard]] ConstArray view() const { return {type_, begin()}; }
  [[nodiscard]] Array writable() const { return {type_, begin()}; }
  void fetch(std::span<std::byte> to) const { set_->download(to, begin()); }

 private:
  KernelSet* set_;
  std::shared_ptr<std::byte> memory_;
  Element type_ = Element::fp32;
};

/// Half the distance between neighbours, relative to the number.
inline double unit_roundoff(Element type) {
  switch (type) {
    case Element::fp32:
      return 0x1p-24;
    case Element::bf16:
      return 0x1p-8;
    case Element::fp16:
      return 0x1p-11;
    case Element::fp8_e4m3:
      return 0x1p-4;
  }
  return 0;
}

/// A block table over shuffled blocks, with blocks in the pool that nobody owns and entries behind
/// each sequence's last that point nowhere.
class Tables {
 public:
  Tables(std::vector<std::int32_t> lens, std::int64_t page, Random random)
      : lens_(std::move(lens)) {
    std::int64_t used = 0;
    for (const std::int32_t len : lens_) {
      const std::int64_t own = (len + page - 1) / page;
      width_ = std::max(width_, own + 1);
      used += own;
    }
    pool_ = used + 3;
    std::vector<std::int32_t> shuffled(static_cast<std::size_t>(pool_));
    std::iota(shuffled.begin(), shuffled.end(), 0);
    shuffle(shuffled, random);
    blocks_.assign(lens_.size() * static_cast<std::size_t>(width_),
                   std::numeric_limits<std::int32_t>::min());
    std::size_t next = 0;
    for (std::size_t s = 0; s < lens_.size(); ++s) {
      for (std::int64_t b = 0; b * page < lens_[s]; ++b) {
        blocks_[s * static_cast<std::size_t>(width_) + static_cast<std::size_t>(b)] =
            shuffled[next++];
      }
    }
  }

  [[nodiscard]] BlockTable view() const { return {blocks_, lens_, width_}; }
  [[nodiscard]] std::int64_t pool() const { return pool_; }
  [[nodiscard]] std::int32_t block(std::int64_t sequence, std::int64_t index) const {
    return blocks_[static_cast<std::size_t>(sequence * width_ + index)];
  }

 private:
  std::vector<std::int32_t> lens_;
  std::vector<std::int32_t> blocks_;
  std::int64_t width_ = 0;
  std::int64_t pool_ = 0;
};

/// How the operands of products are rounded by kernels that use matrix units: not at all, unless it
/// says so.
struct Rounding {
  double weights = 0;  // of a softmax, relative
  double queries = 0;  // relative
  double least = 0;    // of the weights, which are at most 1, absolute
};

/// How far attention may be off that sums in fp32: a bound of what adds up, in units of fp32's
/// rounding. Scores are sums of products; those of a row are off by less than `score_size` (the
/// largest sum of the products' absolute values) such units, and a score's error is the relative
/// error of a weight. Sums over `keys` rounded numbers drift by the root of their count. All of it
/// times the largest value, as the output is a mean of values; and then the output is rounded.
///
/// Where weights are rounded, each is off by that much, and so is the mean. Where queries are, the
/// errors of a score's products are of either sign and add up as the root of their count.
struct AttentionTolerance {
  double score_size = 0;
  double keys = 0;
  double largest_value = 0;
  double dimensions = 1;
  Rounding rounding{};

  [[nodiscard]] double of(double expected, Element out) const {
    const double units = score_size + 4 * std::sqrt(keys) + 16;
    const double least = out == Element::fp16 ? 0x1p-25 : 0;  // fp16 may round to a subnormal
    const double operands = rounding.weights + rounding.least * keys +
                            rounding.queries * score_size / std::sqrt(dimensions);
    return unit_roundoff(out) * std::abs(expected) + (0x1p-24 * units + operands) * largest_value +
           least;
  }
};

struct CacheShape {
  Element type = Element::bf16;
  KvLayout layout = KvLayout::hnd;
  std::int64_t kv_heads = 1;
  std::int64_t head_dim = 64;
  std::int64_t page = 16;
};

/// Keys and values of sequences in pages; slots that hold no token are NaN.
class Cache {
 public:
  Cache(const CacheShape& shape, std::vector<std::int32_t> lens, const Random& random)
      : shape_(shape),
        tables_(std::move(lens), shape.page, random.fork("table")),
        keys_(shape.type, tables_.pool() * shape.kv_heads * shape.page * shape.head_dim),
        values_(shape.type, keys_.count()) {
    Random keys = random.fork("keys");
    Random values = random.fork("values");
    each([&](std::int64_t s, std::int64_t t, std::int64_t h, std::int64_t d) {
      set_key(s, t, h, d, normal(keys, 0, 1));
      set_value(s, t, h, d, normal(values, 0, 1));
    });
  }

  /// Calls f(sequence, token, head, dimension) for all that is cached.
  template <class F>
  void each(const F& f) const {
    for (std::int64_t s = 0; s < table().sequences(); ++s) {
      for (std::int64_t t = 0; t < table().kv_lens[static_cast<std::size_t>(s)]; ++t) {
        for (std::int64_t h = 0; h < shape_.kv_heads; ++h) {
          for (std::int64_t d = 0; d < shape_.head_dim; ++d) f(s, t, h, d);
        }
      }
    }
  }

  void set_key(std::int64_t s, std::int64_t t, std::int64_t h, std::int64_t d, double x) {
    keys_.set(place(s, t, h) + d, x);
  }
  void set_value(std::int64_t s, std::int64_t t, std::int64_t h, std::int64_t d, double x) {
    values_.set(place(s, t, h) + d, x);
  }
  [[nodiscard]] double key(std::int64_t s, std::int64_t t, std::int64_t h, std::int64_t d) const {
    return keys_.at(place(s, t, h) + d);
  }
  [[nodiscard]] double value(std::int64_t s, std::int64_t t, std::int64_t h, std::int64_t d) const {
    return values_.at(place(s, t, h) + d);
  }

  /// What holds a token's numbers turns NaN.
  void poison(std::int64_t s, std::int64_t t) {
    constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
    for (std::int64_t h = 0; h < shape_.kv_heads; ++h) {
      for (std::int64_t d = 0; d < shape_.head_dim; ++d) {
        set_key(s, t, h, d, kNan);
        set_value(s, t, h, d, kNan);
      }
    }
  }

  /// For queries of at most `q` in absolute value.
  [[nodiscard]] AttentionTolerance tolerance(double q, float scale) const {
    double k_max = 0;
    double v_max = 0;
    each([&](auto... at) {
      k_max = std::max(k_max, std::abs(key(at...)));
      v_max = std::max(v_max, std::abs(value(at...)));
    });
    const auto lens = table().kv_lens;
    const double longest = lens.empty() ? 0 : *std::max_element(lens.begin(), lens.end());
    const double dim = static_cast<double>(shape_.head_dim);
    return {static_cast<double>(scale) * dim * q * k_max, longest, v_max, dim};
  }

  [[nodiscard]] PagedKv kv(ConstArray keys, ConstArray values) const {
    return paged_kv(shape_.layout, keys, values, shape_.kv_heads, shape_.page, shape_.head_dim);
  }
  [[nodiscard]] PagedKv kv() const { return kv(keys_.view(), values_.view()); }
  [[nodiscard]] const Tensor& keys() const { return keys_; }
  [[nodiscard]] const Tensor& values() const { return values_; }
  [[nodiscard]] BlockTable table() const { return tables_.view(); }
  [[nodiscard]] const CacheShape& shape() const { return shape_; }

 private:
  [[nodiscard]] std::int64_t place(std::int64_t s, std::int64_t t, std::int64_t h) const {
    return kv().offset(tables_.block(s, t / shape_.page), h, t % shape_.page);
  }

  CacheShape shape_;
  Tables tables_;
  Tensor keys_;
  Tensor values_;
};

/// The largest absolute value.
inline double largest(const Tensor& tensor) {
  double most = 0;
  for (std::int64_t i = 0; i < tensor.count(); ++i) most = std::max(most, std::abs(tensor.at(i)));
  return most;
}

inline void expect_close(const Tensor& expected, const Tensor& actual,
                         const AttentionTolerance& tolerance) {
  ASSERT_EQ(expected.count(), actual.count());
  for (std::int64_t i = 0; i < expected.count(); ++i) {
    const double error = std::abs(actual.at(i) - expected.at(i));
    // NaN is not close to anything.
    ASSERT_TRUE(error <= tolerance.of(expected.at(i), actual.view().type))
        << "element " << i << ": " << actual.at(i) << " instead of " << expected.at(i);
  }
}

}  // namespace terrace::kernels::tests
