// Pages of vLLM's hybrid manager, against the examples of its documentation, a log, and a count
// block by block.

#include "sim/kv/hybrid_pages.hpp"

#include <gtest/gtest.h>

#include "tests/for_all.hpp"
#include "tests/model/catalogue.hpp"

namespace terrace {
namespace {

using tests::for_all;
using tests::shipped_model;
using tests::shipped_models;

constexpr Tokens kBlock{16};

FullAttention heads(std::int64_t kv_heads) {
  return {.heads = 16, .kv_heads = kv_heads, .head_dim = 64};
}

LayerGroup full(std::int64_t count, std::int64_t kv_heads = 8) {
  return {count, heads(kv_heads), NoMlp{}};
}
LayerGroup sliding(std::int64_t count, Tokens window, std::int64_t kv_heads = 8) {
  return {count, SlidingAttention{heads(kv_heads), window}, NoMlp{}};
}

ModelSpec model(std::vector<LayerGroup> layers) {
  ModelSpec made;
  made.layers = std::move(layers);
  return made;
}

HybridPages pages(const ModelSpec& made, Tokens context, Tokens block = kBlock) {
  return hybrid_pages(made, DType::bf16, {}, block, context);
}

// docs/design/hybrid_kv_cache_manager.md, case 2: 20 sliding and 10 full layers, blocks of 16, a
// window of 32 and 112 tokens take 11 blocks: seven, and two for each half of the others.
TEST(HybridPages, AgreeWithTheExampleOfTheDocumentation) {
  const HybridPages h = pages(model({sliding(20, Tokens{32}), full(10)}), Tokens{112});
  EXPECT_EQ(h.pages(), 11);
  EXPECT_EQ(h.slots, 10);
  EXPECT_EQ(h.slot, Bytes{16 * 2 * 8 * 64 * 2});
  EXPECT_EQ(h.bytes(), h.slot * 110);
}

// Case 3: Gemma 3 27B has ten full layers and 52 with a window: six groups, eight slots empty.
TEST(HybridPages, ABadRatioIsPadded) {
  const HybridPages h = pages(shipped_model("gemma-3-27b"), Tokens{65'536});
  EXPECT_EQ(h.slots, 10);
  ASSERT_EQ(h.groups.size(), 2U);
  EXPECT_EQ(h.groups[0].layers, 52);
  EXPECT_EQ(h.groups[0].groups, 6);
  EXPECT_EQ(h.groups[1].groups, 1);
}

// Comments of _get_kv_cache_groups_uniform_page_size: 12 and 13 layers share pages of 13 slots, two
// and three do not share pages of three.
TEST(HybridPages, AlmostAsManyLayersShareAPage) {
  const HybridPages close = pages(model({sliding(12, Tokens{128}), full(13)}), Tokens{1000});
  EXPECT_EQ(close.slots, 13);
  EXPECT_EQ(close.groups[0].groups + close.groups[1].groups, 2);
  const HybridPages apart = pages(model({full(2), sliding(3, Tokens{128})}), Tokens{1000});
  EXPECT_EQ(apart.slots, 2);
  EXPECT_EQ(apart.groups[0].groups + apart.groups[1].groups, 3);
}

// hf-mem issue 60: vLLM serving gpt-oss-120b logs 5.38 GiB for KV and a cache of 78,384 tokens,
// which it counts as blocks / groups x 16. The size is rounded to 0.1 %.
TEST(HybridPages, AgreeWithWhatVllmLoggedOfGptOss) {
  const HybridPages h = pages(shipped_model("gpt-oss-120b"), Tokens{1});
  std::int64_t groups = 0;
  for (const PageGroups& group : h.groups) groups += group.groups;
  const double page = static_cast<double>((h.slot * h.slots).count());
  const double tokens = 5.38 * 0x1p30 / page / static_cast<double>(groups) * 16;
  EXPECT_NEAR(tokens / 78'384, 1, 0.001);
}

TEST(HybridPages, LayersOfOneKindAreOneGroup) {
  for (const char* name : {"llama-3.1-8b", "deepseek-v3", "deepseek-v3.2", "mistral-7b-v0.1"}) {
    const ModelSpec shipped = shipped_model(name);
    const HybridPages h = pages(shipped, Tokens{1000});
    ASSERT_EQ(h.groups.size(), 1U) << name;
    EXPECT_EQ(h.bytes(), kv_bytes_per_token(shipped, DType::bf16) * (63 * 16)) << name;
  }
  EXPECT_EQ(pages(model({full(4, 8), full(4, 2)}), Tokens{16}).bytes(),
            Bytes{4 * 16 * 2 * 64 * 2 * (8 + 2)})
      << "of different sizes as well";
}

TEST(HybridPages, SmallerKindsPutMoreTokensIntoAPage) {
  const HybridPages h = pages(model({full(4, 8), sliding(4, Tokens{64}, 2)}), Tokens{256});
  EXPECT_EQ(h.groups[0].block, kBlock);
  EXPECT_EQ(h.groups[1].block, Tokens{64}) << "a quarter of the heads";
  EXPECT_EQ(h.groups[0].pages, 16);
  EXPECT_EQ(h.groups[1].pages, 1);
}

// Where it does not come out even the page is padded: one of 3 heads wastes 1 of 4.
TEST(HybridPages, WhatDoesNotComeOutEvenIsWasted) {
  ModelSpec made = model({full(4, 8), sliding(4, Tokens{64}, 2)});
  auto& odd = std::get<SlidingAttention>(made.layers[1].attention);
  odd.heads = 3;
  odd.kv_heads = 3;
  const HybridPages h = pages(made, Tokens{256});
  EXPECT_EQ(h.groups[1].block, kBlock);
  EXPECT_EQ(h.groups[1].pages, 4);
  EXPECT_EQ(h.bytes(), h.slot * (4 * 20));
}

// Case 4: blocks of attention grow until one covers a state: 4 MiB / (2 x 8 x 128 x 2 B) tokens.
TEST(HybridPages, AStateIsAPage) {
  const HybridPages h = pages(shipped_model("minimax-text-01"), Tokens{131'072});
  EXPECT_EQ(h.slot, Bytes{4'194'304});
  EXPECT_EQ(h.slots, 10);
  for (const PageGroups& group : h.groups) {
    const bool state = group.layers == 70;
    EXPECT_EQ(group.block, state ? Tokens{} : Tokens{1024});
    EXPECT_EQ(group.groups, state ? 7 : 1);
    EXPECT_EQ(group.pages, state ? 1 : 128);
  }
}

// Block by block: one is held while a token of it is among the last `window`.
TEST(HybridPages, ABlockIsHeldWhileItsWindowTouchesIt) {
  for_all([] {
    const Tokens window{*rc::gen::inRange(1, 300)};
    const Tokens context{*rc::gen::inRange(1, 1000)};
    const Tokens block{*rc::gen::inRange(1, 40)};
    const HybridPages h = pages(model({full(3), sliding(3, window)}), context, block);
    std::int64_t held = 0;
    for (std::int64_t first = 0; first < context.count(); first += block.count()) {
      const std::int64_t last = std::min(first + block.count(), context.count()) - 1;
      if (last >= context.count() - window.count()) ++held;
    }
    RC_ASSERT(h.groups[1].pages == held);
    RC_ASSERT(h.groups[0].pages == share(context.count(), block.count()));
  });
}

TEST(HybridPages, HoldAllThatIsNeeded) {
  const std::vector<std::string> names = shipped_models();
  for_all([&] {
    const ModelSpec shipped = shipped_model(*rc::gen::elementOf(names));
    const Tokens context{*rc::gen::inRange<std::int64_t>(1, 200'000)};
    const Tokens block{*rc::gen::element<std::int64_t>(1, 16, 32, 100)};
    const DType kv = *rc::gen::element(DType::bf16, DType::fp8, DType::int4);
    const Parallel parallel{.tensor = *rc::gen::element(1, 2)};
    const HybridPages h = hybrid_pages(shipped, kv, parallel, block, context);
    RC_ASSERT(h.bytes() >= kv_bytes_of_sequence(shipped, kv, parallel, context));
  });
}

}  // namespace
}  // namespace terrace
