#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "kernels/paged.hpp"
#include "kernels/proof/tensor.hpp"
#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/base/shuffle.hpp"

namespace terrace::kernels::proof {

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

}  // namespace terrace::kernels::proof
