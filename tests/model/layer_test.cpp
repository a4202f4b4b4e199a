// What each kind of layer does on a GPU, counted by hand.

#include "sim/model/layer.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace terrace {
namespace {

constexpr std::int64_t kHidden = 256;

std::int64_t weights(const std::vector<Product>& products) {
  return std::accumulate(products.begin(), products.end(), std::int64_t{0},
                         [](std::int64_t sum, const Product& p) { return sum + p.weights(); });
}

template <class Work>
std::int64_t elements(const Work& work, Op op) {
  std::int64_t sum = 0;
  for (const Pointwise& p : work.pointwise) sum += p.op == op ? p.elements : 0;
  return sum;
}

AttentionWork alone(const Attention& attention) { return work(attention, kHidden, {}); }

AttentionWork on(int gpus, const Attention& attention) {
  return work(attention, kHidden, Parallel{gpus});
}

const FullAttention kFull{8, 2, 64};

TEST(Layer, FullAttention) {
  const AttentionWork one = alone(kFull);
  EXPECT_EQ(weights(one.products), 2 * 256 * 512 + 2 * 256 * 128);
  EXPECT_EQ(one.cache.elements, 2 * 2 * 64);
  EXPECT_EQ(one.kernels, (std::vector{AttentionKernel{8, 2, 64, 64}}));
  // Four GPUs: two query heads each, and a copy of one of two KV heads.
  const AttentionWork quarter = on(4, kFull);
  EXPECT_EQ(weights(quarter.products), 2 * 256 * 128 + 2 * 256 * 64);
  EXPECT_EQ(quarter.cache.elements, 2 * 64);
  EXPECT_EQ(quarter.kernels, (std::vector{AttentionKernel{2, 1, 64, 64}}));
}

TEST(Layer, NormsAndGatesOfHeads) {
  FullAttention a = kFull;
  a.qk_norm = true;
  EXPECT_EQ(elements(alone(a), Op::qk_norm), (8 + 2) * 64);
  EXPECT_EQ(elements(alone(kFull), Op::qk_norm), 0);
  a.output_gate = true;
  EXPECT_EQ(weights(alone(a).products) - weights(alone(kFull).products), 256 * 512);
  EXPECT_EQ(elements(on(2, a), Op::act_fn), 256);
}

TEST(Layer, WindowsChangeWhatIsReadAndKept) {
  const AttentionWork full = alone(kFull);
  const AttentionWork sliding = alone(SlidingAttention{kFull, Tokens{100}});
  const AttentionWork chunked = alone(ChunkedAttention{kFull, Tokens{100}});
  EXPECT_EQ(full.cache.reach, Reach::all);
  EXPECT_EQ(sliding.cache.reach, Reach::window);
  EXPECT_EQ(chunked.cache.reach, Reach::chunk);
  for (const AttentionWork* work : {&sliding, &chunked}) {
    EXPECT_EQ(weights(work->products), weights(full.products));
    EXPECT_EQ(work->cache.elements, full.cache.elements);
    EXPECT_EQ(work->cache.span, Tokens{100});
    EXPECT_EQ(work->kernels.front().reach, work->cache.reach);
    EXPECT_EQ(work->kernels.front().span, Tokens{100});
  }
  const auto sees = [](Reach reach, std::int64_t context) {
    return attended(reach, Tokens{100}, Tokens{context}, Tokens{7}).count();
  };
  EXPECT_EQ(sees(Reach::all, 250), 250);
  EXPECT_EQ(sees(Reach::window, 250), 100);
  EXPECT_EQ(sees(Reach::chosen, 99), 99);
  EXPECT_EQ(sees(Reach::encoder, 250), 7);
  // The 100th token ends its chunk, the 101st begins one.
  EXPECT_EQ(sees(Reach::chunk, 100), 100);
  EXPECT_EQ(sees(Reach::chunk, 101), 1);
  EXPECT_EQ(sees(Reach::chunk, 250), 50);
  EXPECT_EQ(sees(Reach::chunk, 0), 0);
}

const LatentAttention kLatent{8, 96, 64, 16, 32, 48};

TEST(Layer, LatentAttention) {
  const AttentionWork one = alone(kLatent);
  const std::int64_t expansion = 64 * 8 * (32 + 48);
  EXPECT_EQ(weights(one.products),
            256 * 96 + 96 * 8 * (32 + 16) + 256 * (64 + 16) + expansion + 8 * 48 * 256);
  EXPECT_EQ(one.cache.elements, 64 + 16);
  EXPECT_EQ(one.kernels, (std::vector{AttentionKernel{8, 8, 48, 48, 64, 16}}));

  LatentAttention direct = kLatent;
  direct.q_lora = 0;
  EXPECT_EQ(weights(one.products) - weights(alone(direct).products),
            256 * 96 + 96 * 8 * 48 - 256 * 8 * 48);

  // Heads are sharded; the latent and what makes it are not.
  const AttentionWork half = on(2, kLatent);
  EXPECT_EQ(half.cache.elements, one.cache.elements);
  EXPECT_EQ(2 * weights(half.products) - weights(one.products), 256 * 96 + 256 * (64 + 16));
}

TEST(Layer, SparseLatentAttention) {
  const AttentionWork plain = alone(kLatent);
  const SparseLatentAttention sparse{kLatent, Tokens{20}, 4, 24};
  const AttentionWork one = alone(sparse);
  const std::int64_t index = 96 * 4 * 24 + 256 * (24 + 4);
  EXPECT_EQ(weights(one.products) - weights(plain.products), index);
  EXPECT_EQ(one.cache.elements, plain.cache.elements);
  EXPECT_EQ(one.cache.fixed, Bytes{24 + 4});
  ASSERT_EQ(one.kernels.size(), 2);
  EXPECT_EQ(one.kernels[0].reach, Reach::chosen);
  EXPECT_EQ(one.kernels[0].span, Tokens{20});
  EXPECT_EQ(one.kernels[1], (AttentionKernel{4, 1, 24, 0}));
  // The index is on every GPU.
  EXPECT_EQ(weights(on(4, sparse).products) - weights(on(4, kLatent).products), index);
}

TEST(Layer, LinearAttention) {
  const LinearAttention linear{8, 2, 16, 32};
  const AttentionWork one = alone(linear);
  EXPECT_EQ(weights(one.products), 256 * (2 * 2 * 16 + 2 * 8 * 32) + 8 * 32 * 256);
  EXPECT_EQ(one.cache.elements, 0);
  EXPECT_EQ(one.cache.state, Bytes{4 * 8 * 16 * 32});
  EXPECT_TRUE(one.kernels.empty());
  EXPECT_EQ(on(4, linear).cache.state, Bytes{4 * 2 * 16 * 32});
}

TEST(Layer, CrossAttention) {
  const AttentionWork full = alone(kFull);
  const AttentionWork cross = alone(CrossAttention{kFull});
  EXPECT_EQ(weights(cross.products), 2 * 256 * 512);          // per token of the decoder
  EXPECT_EQ(weights(cross.encoder_products), 2 * 256 * 128);  // per token of the encoder
  EXPECT_EQ(cross.cache.elements, full.cache.elements);
  EXPECT_EQ(cross.cache.reach, Reach::encoder);
  EXPECT_EQ(cross.kernels.front().reach, Reach::encoder);
}

MlpWork alone(const Mlp& mlp) { return work(mlp, kHidden, {}); }

TEST(Layer, DenseMlp) {
  EXPECT_EQ(weights(alone(DenseMlp{512, true}).products), 3 * 256 * 512);
  EXPECT_EQ(weights(alone(DenseMlp{512, false}).products), 2 * 256 * 512);
  EXPECT_EQ(weights(work(DenseMlp{512, true}, kHidden, Parallel{3}).products), 3 * 256 * 171);
  EXPECT_EQ(alone(DenseMlp{512, true}).experts.total, 0);
}

TEST(Layer, NoMlp) {
  const MlpWork none = alone(NoMlp{});
  EXPECT_TRUE(none.products.empty());
  EXPECT_TRUE(none.pointwise.empty());
}

TEST(Layer, ExpertsAreShardedByWidthOrWhole) {
  const MoeMlp moe{16, 2, 64, true, 1, 0};
  const MlpWork sharded = work(moe, kHidden, {.tensor = 4});
  EXPECT_EQ(sharded.experts.local, 16);
  EXPECT_EQ(sharded.experts.width, 16);
  const MlpWork whole = work(moe, kHidden, {.tensor = 4, .expert = 4});
  EXPECT_EQ(whole.experts.local, 4);
  EXPECT_EQ(whole.experts.width, 64);
  EXPECT_EQ(whole.experts.local * whole.experts.weights_of_one(),
            sharded.experts.local * sharded.experts.weights_of_one());
  // Either way a GPU sees its part of the two experts that a token goes to.
  EXPECT_EQ(elements(whole, Op::act_fn), elements(sharded, Op::act_fn));
}

TEST(Layer, SharedExpertsMayHaveAWidthOfTheirOwn) {
  const auto shared = [](std::int64_t experts, std::int64_t width) {
    return weights(alone(MoeMlp{16, 2, 64, true, experts, width}).products) - 256 * 16;
  };
  EXPECT_EQ(shared(0, 0), 0);
  EXPECT_EQ(shared(2, 0), 2 * 3 * 256 * 64);
  EXPECT_EQ(shared(1, 100), 3 * 256 * 100);
}

}  // namespace
}  // namespace terrace
