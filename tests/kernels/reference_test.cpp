// The fp64 references against closed forms, so that other kernels may be compared with them.

#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/reference/reference_set.hpp"
#include "tests/kernels/operands.hpp"

namespace terrace::kernels {
namespace {

using proof::Cache;
using proof::Tensor;

constexpr std::int64_t kDim = 32;

/// Attention of one query of one head, in fp32, to all of a sequence's `length` tokens.
struct OneHead {
  Cache cache;
  Tensor q{Element::fp32, kDim};
  std::optional<std::int64_t> window{};

  explicit OneHead(std::int32_t length)
      : cache({Element::fp32, KvLayout::hnd, 1, kDim, 16}, {length}, Random(1, "one head")) {}

  [[nodiscard]] Tensor decode() const {
    ReferenceSet set;
    Tensor out(Element::fp32, kDim);
    set.run(PagedDecode{q.view(), 1, cache.kv(), cache.table(), 1, window, out.writable()});
    return out;
  }
  [[nodiscard]] Tensor prefill() const {
    const std::vector<std::int32_t> indptr{0, 1};
    ReferenceSet set;
    Tensor out(Element::fp32, kDim);
    set.run(
        PagedPrefill{q.view(), indptr, 1, cache.kv(), cache.table(), 1, window, out.writable()});
    return out;
  }
};

TEST(ReferenceAttention, IsTheMeanOfSeenValuesWhereTheQueryIsZero) {
  OneHead one(50);
  for (std::int64_t d = 0; d < kDim; ++d) one.q.set(d, 0);
  for (const std::int64_t window : {1, 16, 50, 70}) {
    one.window = window;
    const std::int64_t seen = std::min<std::int64_t>(window, 50);
    for (const Tensor& out : {one.decode(), one.prefill()}) {
      for (std::int64_t d = 0; d < kDim; ++d) {
        double mean = 0;
        for (std::int64_t t = 50 - seen; t < 50; ++t) {
          mean += one.cache.value(0, t, 0, d) / static_cast<double>(seen);
        }
        EXPECT_NEAR(out.at(d), mean, 1e-7);
      }
    }
  }
}

TEST(ReferenceAttention, IsTheValueOfASingleKey) {
  OneHead one(1);
  one.q.fill(Random(1, "q"));
  for (const Tensor& out : {one.decode(), one.prefill()}) {
    for (std::int64_t d = 0; d < kDim; ++d) EXPECT_EQ(out.at(d), one.cache.value(0, 0, 0, d));
  }
}

TEST(ReferenceAttention, PicksTheValueWhoseKeyTheQueryIs) {
  OneHead one(kDim);
  one.cache.each([&](std::int64_t s, std::int64_t t, std::int64_t h, std::int64_t d) {
    one.cache.set_key(s, t, h, d, t == d ? 1 : 0);
  });
  for (std::int64_t chosen = 0; chosen < kDim; ++chosen) {
    for (std::int64_t d = 0; d < kDim; ++d) one.q.set(d, d == chosen ? 1000 : 0);
    for (const Tensor& out : {one.decode(), one.prefill()}) {
      for (std::int64_t d = 0; d < kDim; ++d) {
        EXPECT_EQ(out.at(d), one.cache.value(0, chosen, 0, d));
      }
    }
  }
}

TEST(ReferenceAttention, WeighsTwoKeysByTheLogisticFunction) {
  OneHead one(2);
  one.cache.each([&](std::int64_t s, std::int64_t t, std::int64_t h, std::int64_t d) {
    one.cache.set_key(s, t, h, d, t == 1 && d == 3 ? 1 : 0);
    one.cache.set_value(s, t, h, d, static_cast<double>(t));
  });
  for (const double score : {-30.0, -1.0, 0.0, 0.5, 20.0}) {
    for (std::int64_t d = 0; d < kDim; ++d) one.q.set(d, d == 3 ? score : 0);
    const double expected = 1 / (1 + std::exp(-score));
    for (const Tensor& out : {one.decode(), one.prefill()}) {
      EXPECT_NEAR(out.at(0), expected, 6e-8 * expected);
    }
  }
}

TEST(ReferenceAttention, OfLatentsIsTheirMeanWhereTheQueryIsZero) {
  const proof::Tables tables({20}, 16, Random(1, "tables"));
  Tensor latents(Element::fp32, tables.pool() * 16 * PagedLatent::kWidth);
  const PagedLatent kv{latents.view(), 16, 2};
  for (std::int64_t t = 0; t < 20; ++t) {
    for (std::int64_t d = 0; d < PagedLatent::kWidth; ++d) {
      latents.set(kv.offset(tables.block(0, t / 16), t % 16) + d, static_cast<double>(t * d));
    }
  }
  Tensor q(Element::fp32, PagedLatent::kWidth);
  for (std::int64_t d = 0; d < q.count(); ++d) q.set(d, 0);
  Tensor out(Element::fp32, PagedLatent::kLatent);
  ReferenceSet set;
  set.run(MlaDecode{q.view(), 1, kv, tables.view(), 1, out.writable()});
  for (std::int64_t d = 0; d < out.count(); ++d) {
    const double mean = 2 * 9.5 * static_cast<double>(d);  // scale 2, tokens 0 to 19
    EXPECT_NEAR(out.at(d), mean, 1e-7 * mean);
  }
}

TEST(ReferenceGemm, MultipliesAsByHand) {
  Tensor a(Element::bf16, 2 * 3);
  Tensor b(Element::bf16, 2 * 3);
  for (std::int64_t i = 0; i < 6; ++i) {
    a.set(i, static_cast<double>(i + 1));  // 1 2 3 / 4 5 6
    b.set(i, static_cast<double>(7 - i));  // 7 6 5 / 4 3 2
  }
  Tensor c(Element::fp32, 4);
  ReferenceSet set;
  set.run(Gemm{a.view(), b.view(), c.writable(), 2, 2, 3});
  EXPECT_EQ(c.at(0), 34);
  EXPECT_EQ(c.at(1), 16);
  EXPECT_EQ(c.at(2), 88);
  EXPECT_EQ(c.at(3), 43);
}

}  // namespace
}  // namespace terrace::kernels
