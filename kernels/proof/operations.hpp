#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/decode.hpp"
#include "kernels/gemm.hpp"
#include "kernels/kernel_set.hpp"
#include "kernels/mla_decode.hpp"
#include "kernels/prefill.hpp"
#include "kernels/proof/cache.hpp"
#include "kernels/proof/tensor.hpp"
#include "sim/base/random.hpp"

/// Operations with random operands, which any set of kernels can run: on what it is given a copy
/// of.
namespace terrace::kernels::proof {

/// A decode over a cache with normal random numbers everywhere.
struct Decode {
  static constexpr float kKeyScale = 0.75F;
  static constexpr float kValueScale = 1.5F;

  Cache cache;
  std::int64_t heads;
  Tensor q;
  std::optional<std::int64_t> window;
  float scale;

  Decode(const CacheShape& shape, std::vector<std::int32_t> lens, std::int64_t query_heads,
         Element q_type, const Random& random)
      : cache(shape, std::move(lens), random),
        heads(query_heads),
        q(q_type, cache.table().sequences() * query_heads * shape.head_dim),
        scale(1 / std::sqrt(static_cast<float>(shape.head_dim))) {
    q.fill(random.fork("q"));
  }

  [[nodiscard]] Tensor run(KernelSet& set, Element out_type = Element::fp32) const {
    Tensor out(out_type, q.count());
    const Placed queries(set, q);
    const Placed keys(set, cache.keys());
    const Placed values(set, cache.values());
    const Result result(set, out);
    PagedDecode op{queries.view(),   heads, cache.kv(keys.view(), values.view()),
                   cache.table(),    scale, window,
                   result.writable()};
    op.kv.key_scale = kKeyScale;
    op.kv.value_scale = kValueScale;
    set.run(op);
    result.fetch(out.bytes());
    return out;
  }
};

/// Latents of sequences in pages; slots that hold no token are NaN.
struct Mla {
  static constexpr std::int64_t kWidth = PagedLatent::kWidth;
  static constexpr std::int64_t kLatent = PagedLatent::kLatent;
  static constexpr float kScale = 0.5F;  // of stored elements

  Tables tables;
  Tensor latents;
  std::int64_t page;
  std::int64_t heads;
  Tensor q;
  float scale = 1 / std::sqrt(192.0F);

  Mla(Element type, const std::vector<std::int32_t>& lens, std::int64_t page_size,
      std::int64_t query_heads, Element q_type, const Random& random)
      : tables(lens, page_size, random.fork("table")),
        latents(type, tables.pool() * page_size * kWidth),
        page(page_size),
        heads(query_heads),
        q(q_type, tables.view().sequences() * query_heads * kWidth) {
    q.fill(random.fork("q"));
    Random normals = random.fork("latents");
    for (std::int64_t s = 0; s < tables.view().sequences(); ++s) {
      for (std::int64_t t = 0; t < lens[static_cast<std::size_t>(s)]; ++t) {
        for (std::int64_t d = 0; d < kWidth; ++d) {
          latents.set(place(s, t) + d, normal(normals, 0, 1));
        }
      }
    }
  }

  [[nodiscard]] std::int64_t place(std::int64_t s, std::int64_t t) const {
    return cache().offset(tables.block(s, t / page), t % page);
  }
  [[nodiscard]] PagedLatent cache() const { return {latents.view(), page, kScale}; }

  [[nodiscard]] Tensor run(KernelSet& set, Element out_type = Element::fp32) const {
    Tensor out(out_type, tables.view().sequences() * heads * kLatent);
    const Placed queries(set, q);
    const Placed tokens(set, latents);
    const Result result(set, out);
    set.run(MlaDecode{queries.view(),
                      heads,
                      {tokens.view(), page, kScale},
                      tables.view(),
                      scale,
                      result.writable()});
    result.fetch(out.bytes());
    return out;
  }
};

/// Chunks of new tokens over a cache with normal random numbers everywhere.
struct Prefill {
  Cache cache;
  std::vector<std::int32_t> indptr;
  std::int64_t heads;
  Tensor q;
  std::optional<std::int64_t> window;
  float scale;

  Prefill(const CacheShape& shape, const std::vector<std::int32_t>& lens,
          const std::vector<std::int32_t>& chunks, std::int64_t query_heads, Element q_type,
          const Random& random)
      : cache(shape, lens, random),
        indptr(1, 0),
        heads(query_heads),
        q(q_type, 0),
        scale(1 / std::sqrt(static_cast<float>(shape.head_dim))) {
    for (const std::int32_t chunk : chunks) indptr.push_back(indptr.back() + chunk);
    q = Tensor(q_type, indptr.back() * heads * shape.head_dim);
    q.fill(random.fork("q"));
  }

  [[nodiscard]] Tensor run(KernelSet& set, Element out_type = Element::fp32) const {
    Tensor out(out_type, q.count());
    const Placed queries(set, q);
    const Placed keys(set, cache.keys());
    const Placed values(set, cache.values());
    const Result result(set, out);
    set.run(PagedPrefill{queries.view(), indptr, heads, cache.kv(keys.view(), values.view()),
                         cache.table(), scale, window, result.writable()});
    result.fetch(out.bytes());
    return out;
  }
};

/// A product of matrices of normal random numbers.
struct Product {
  std::int64_t m;
  std::int64_t n;
  std::int64_t k;
  Tensor a;
  Tensor b;

  Product(Element type, std::int64_t rows, std::int64_t columns, std::int64_t depth,
          const Random& random)
      : m(rows), n(columns), k(depth), a(type, rows * depth), b(type, columns * depth) {
    a.fill(random.fork("a"));
    b.fill(random.fork("b"));
  }

  [[nodiscard]] Tensor run(KernelSet& set, Element c_type = Element::fp32,
                           Multiply multiply = Multiply::all_bits) const {
    Tensor c(c_type, m * n);
    const Placed left(set, a);
    const Placed right(set, b);
    const Result result(set, c);
    set.run(Gemm{left.view(), right.view(), result.writable(), m, n, k, multiply});
    result.fetch(c.bytes());
    return c;
  }
};

}  // namespace terrace::kernels::proof
