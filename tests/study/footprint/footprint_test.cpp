// Footprints against published figures, closed forms, and what a run makes of the same machine.

#include "sim/study/footprint/footprint.hpp"

#include <numeric>
#include <optional>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "sim/scenario/simulation.hpp"
#include "tests/for_all.hpp"
#include "tests/model/catalogue.hpp"

namespace terrace {
namespace {

using tests::for_all;
using tests::shipped_gpu;
using tests::shipped_model;
using tests::shipped_models;

constexpr std::int64_t k128 = 131'072;

FootprintSeries ask(const std::string& model, std::int64_t context, DType kv = DType::bf16,
                    int tensor = 1) {
  FootprintQuestion question;
  question.models = {shipped_model(model)};
  question.contexts = {Tokens{context}};
  question.kv = {kv};
  question.tensor = {tensor};
  return footprint(question).front();
}

double gib(Bytes bytes) { return static_cast<double>(bytes.count()) / 0x1p30; }

Bytes part(const FootprintSeries& series, KvPart wanted) {
  return series.parts[static_cast<std::size_t>(wanted)];
}

TEST(Footprint, GoldenSizes) {
  const struct {
    const char* model;
    std::int64_t per_token;
    double gib;
  } kGolden[] = {{"llama-2-7b", 524'288, 64},    {"llama-3.1-8b", 131'072, 16},
                 {"llama-3.1-70b", 327'680, 40}, {"falcon-7b", 8'192, 1},
                 {"qwen3-32b", 262'144, 32},     {"deepseek-v3", 70'272, 8.578125},
                 {"gpt-oss-120b", 73'728, 9}};
  for (const auto& golden : kGolden) {
    const FootprintSeries series = ask(golden.model, k128);
    EXPECT_EQ(series.token, Bytes{golden.per_token}) << golden.model;
    EXPECT_EQ(gib(series.points.front().held), golden.gib) << golden.model;
    EXPECT_EQ(series.points.front().held_in_blocks, series.points.front().held) << golden.model;
  }
}

// LLaMA-7B as the first tutorials compute it: half a MiB per token, 1 GiB for its whole context.
TEST(Footprint, ASequenceOfLlama7bIsAGibibyte) {
  const FootprintSeries series = ask("llama-2-7b", 2048, DType::fp16);
  EXPECT_EQ(series.token, Bytes{524'288});
  EXPECT_EQ(series.points.front().needed, Bytes{std::int64_t{1} << 30U});
}

TEST(Footprint, WindowsNeedLessThanTheyHold) {
  for (const std::int64_t context : {128, 129, 4'096, 131'072}) {
    const FootprintSeries series = ask("gpt-oss-120b", context);
    const FootprintPoint& p = series.points.front();
    EXPECT_EQ(p.held, Bytes{73'728 * context});
    EXPECT_EQ(p.needed, Bytes{36'864 * context + 4'718'592}) << "18 windows of 128 x 2,048 B";
  }
  const FootprintSeries series = ask("gpt-oss-120b", 1);
  EXPECT_EQ(part(series, KvPart::full), Bytes{36'864});
  EXPECT_EQ(part(series, KvPart::windowed), Bytes{36'864});
}

TEST(Footprint, KvHeadsAreSharedAndLatentsAreNot) {
  for (const int gpus : {1, 2, 4, 8, 16, 32}) {
    EXPECT_EQ(ask("llama-3.1-8b", 1, DType::bf16, gpus).token_per_gpu,
              Bytes{131'072 / std::min(gpus, 8)});
    const FootprintSeries mla = ask("deepseek-v3.2", 1, DType::fp8, gpus);
    EXPECT_EQ(part(mla, KvPart::latent), Bytes{61 * 576});
    EXPECT_EQ(part(mla, KvPart::index), Bytes{61 * 132});
    EXPECT_EQ(mla.token_per_gpu, mla.token);
  }
}

TEST(Footprint, TheEncodersOutputIsKeptOnce) {
  const FootprintSeries whisper = ask("whisper-large-v3", 448);
  EXPECT_EQ(part(whisper, KvPart::cross), Bytes{1500 * 163'840});
  EXPECT_EQ(whisper.points.front().held, Bytes{(448 + 1500) * 163'840});
}

TEST(Footprint, PartsMakeTheWhole) {
  for (const std::string& name : shipped_models()) {
    for (const DType kv : {DType::bf16, DType::fp8, DType::int4}) {
      for (const int gpus : {1, 2}) {
        const FootprintSeries series = ask(name, 12'345, kv, gpus);
        const KvParts parts = parts_at(series, Tokens{12'345});
        EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), Bytes{}), series.points.front().held)
            << name;
      }
    }
  }
}

TEST(Footprint, OrderOfSizes) {
  const std::vector<std::string> names = shipped_models();
  for_all([&] {
    const auto context = *rc::gen::inRange<std::int64_t>(1, 300'000);
    const FootprintSeries series = ask(*rc::gen::elementOf(names), context);
    const FootprintPoint& p = series.points.front();
    RC_ASSERT(p.needed <= p.held);
    RC_ASSERT(p.held <= p.held_in_blocks);
    // Less than a block is wasted, and exactly what is missing from the last one.
    RC_ASSERT(p.held_in_blocks - p.held == series.token_per_gpu * ((16 - context % 16) % 16));
  });
}

// The scenario that the same options stand for.
Scenario equivalent(const std::string& model, const std::string& gpu, const std::string& kv,
                    int gpus, const EngineSpec& engine) {
  return parse_scenario("test",
                        fmt::format(R"(
model: {}
hardware: {{gpu: {}, host: dual-xeon-ddr5-2tib}}
serving:
  tensor_parallel: {}
  cost: {{backend: constant, per_step: 1 ms}}
  engine: {{kv_cache_dtype: {}, block_size: {}, gpu_memory_utilization: {}, max_num_seqs: {},
           max_num_batched_tokens: {}}}
workload:
  max_requests: 1
  clients:
    - {{name: one, arrivals: {{process: poisson, rate: 1 /s}},
       prompt: {{distribution: constant, value: 8}}, output: {{distribution: constant, value: 8}}}}
)",
                                    model, gpu, gpus, kv, engine.block_size.count(),
                                    engine.gpu_memory_utilization, engine.max_num_seqs,
                                    engine.max_num_batched_tokens.count()),
                        config::Catalogue({TERRACE_SOURCE_DIR}))
      .scenario;
}

TEST(Footprint, HasAsManyBlocksAsARun) {
  int fitted = 0;
  for_all(
      [&] {
        const auto model =
            *rc::gen::element<std::string>("llama-3.1-8b", "llama-3.1-70b", "gpt-oss-120b",
                                           "deepseek-v2-lite", "gemma-3-27b", "minimax-text-01");
        const auto gpu = *rc::gen::element<std::string>("h100-sxm", "l40s", "b200-sxm");
        FootprintQuestion q;
        q.engine.block_size = Tokens{*rc::gen::element<std::int64_t>(16, 32, 64)};
        q.engine.gpu_memory_utilization = *rc::gen::element(0.8, 0.9, 0.95);
        q.engine.max_num_seqs = *rc::gen::element<std::int64_t>(16, 256);
        q.engine.max_num_batched_tokens = Tokens{*rc::gen::element<std::int64_t>(2048, 8192)};
        q.models = {shipped_model(model)};
        q.contexts = {Tokens{10'000}};
        q.kv = {*rc::gen::element(DType::bf16, DType::fp8)};
        q.tensor = {*rc::gen::element(1, 2, 4, 8)};
        q.gpus = {shipped_gpu(gpu)};
        const FootprintSeries series = footprint(q).front();
        const Scenario scenario = equivalent(
            model, gpu, config::Scalar<DType>::format(q.kv.front()), q.tensor.front(), q.engine);
        std::int64_t blocks = 0;
        try {
          const Simulation simulation(scenario, {});
          blocks = simulation.dimensions().hbm_blocks;
          RC_ASSERT(simulation.dimensions().weights_per_gpu == series.weights);
        } catch (const Infeasible&) {
        }
        RC_ASSERT(series.gpus.front().blocks == blocks);
        RC_ASSERT(series.gpus.front().room == (blocks > 0));
        if (blocks == 0 || series.fixed > Bytes{}) return;
        ++fitted;
        const std::int64_t each = q.engine.blocks(Tokens{10'000});
        const std::int64_t n = series.points.front().gpus.front().held;
        RC_ASSERT(n * each <= blocks - 1);
        RC_ASSERT((n + 1) * each > blocks - 1);
      },
      100);
  EXPECT_GT(fitted, 20);
}

// A tier of a run holds capacity / block bytes blocks; without fixed parts sequences are blocks.
TEST(Footprint, StoresHoldThePartsOfAllGpus) {
  FootprintQuestion q;
  q.models = {shipped_model("deepseek-v3"), shipped_model("llama-3.1-8b")};
  q.contexts = {Tokens{k128}};
  q.kv = {DType::bf16};
  q.tensor = {1, 8};
  q.stores = {{"dram", Bytes{std::int64_t{1} << 40U}}};
  const std::vector<FootprintSeries> all = footprint(q);
  ASSERT_EQ(all.size(), 4U);
  const auto fit = [&](std::size_t i) { return all[i].points.front().stores.front().held; };
  EXPECT_EQ(fit(0), 119) << "1 TiB / 8.58 GiB";
  EXPECT_EQ(fit(1), 14) << "every one of eight GPUs has all latents";
  EXPECT_EQ(fit(2), 64);
  EXPECT_EQ(fit(3), 64) << "eight GPUs with a KV head each";
}

TEST(Footprint, MoreMemoryHoldsNoFewer) {
  for_all([] {
    FootprintQuestion q;
    q.models = {shipped_model(*rc::gen::element<std::string>("gpt-oss-20b", "gemma-3-4b"))};
    q.contexts = {Tokens{*rc::gen::inRange<std::int64_t>(1, 100'000)}};
    q.kv = {DType::bf16};
    q.tensor = {1};
    GpuSpec gpu = shipped_gpu("l4");
    for (int i = 0; i < 2; ++i) {
      q.gpus.push_back(gpu);
      gpu.memory = gpu.memory * *rc::gen::inRange<std::int64_t>(1, 5);
    }
    const FootprintPoint p = footprint(q).front().points.front();
    RC_ASSERT(p.gpus[0].held <= p.gpus[1].held);
    RC_ASSERT(p.gpus[0].hybrid <= p.gpus[1].hybrid);
  });
}

}  // namespace
}  // namespace terrace
