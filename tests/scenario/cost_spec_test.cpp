// What a scenario may say of step times, and what it is told if it asks for what there is not.

#include "sim/scenario/cost_spec.hpp"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/config/diagnostics.hpp"
#include "sim/study/run.hpp"
#include "tests/app/program.hpp"
#include "tests/cost/profile_files.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Sets = std::vector<std::string>;

std::string chat(const std::string& gpu = "h200-sxm", const std::string& model = "llama-3.1-8b") {
  return fmt::format(R"(
model: {}
hardware: {{gpu: {}, host: dual-xeon-ddr5-2tib}}
workload:
  max_requests: 20
  clients:
    - name: chat
      arrivals: {{process: poisson, rate: 5 /s}}
      prompt: {{distribution: constant, value: 200}}
      output: {{distribution: constant, value: 20}}
)",
                     model, gpu);
}

/// What is wrong with a scenario, or with what it names.
std::string complaint(const std::string& yaml, const Sets& sets = {}) {
  try {
    static_cast<void>(make_cost_model(testing::parse(yaml, sets)));
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return "nothing";
}

CostBackend chosen(const std::string& yaml, const Sets& sets = {}) {
  return backend(testing::parse(yaml, sets));
}

TEST(CostSpec, AutomaticTakesTheFitsOfJustThisGpu) {
  EXPECT_EQ(chosen(chat()), CostBackend::fitted);
  EXPECT_EQ(chosen(chat("b200-sxm")), CostBackend::roofline);
  EXPECT_EQ(chosen(chat(), {"hardware.gpu.memory_bandwidth=3 TB/s"}), CostBackend::roofline);
  EXPECT_EQ(chosen(chat(), {"hardware.gpu.bf16=500 TFLOP/s"}), CostBackend::roofline);
  EXPECT_THAT(complaint(chat(), {"hardware.kernels=h100-sxm"}),
              HasSubstr("the kernels are those of H100 SXM, not of H200 SXM"));
  EXPECT_EQ(chosen(chat(), {"hardware.gpu.nvlink=1 GB/s"}), CostBackend::fitted);
  EXPECT_EQ(chosen(chat(), {"serving.cost.backend=roofline"}), CostBackend::roofline);
}

TEST(CostSpec, FittedNeedsFitsOfJustThisGpu) {
  const std::string fitted = "serving.cost.backend=fitted";
  EXPECT_EQ(complaint(chat(), {fitted}), "nothing");
  EXPECT_THAT(complaint(chat("b200-sxm"), {fitted}),
              AllOf(HasSubstr("cost.backend: fitted needs fitted kernel times, but B200 SXM"),
                    HasSubstr("hardware.kernels")));
  for (const char* change : {"hardware.kernels=h100-sxm", "hardware.gpu.memory_bandwidth=3 TB/s",
                             "hardware.gpu.bf16=500 TFLOP/s", "hardware.gpu.name=H300"}) {
    EXPECT_THAT(complaint(chat(), {fitted, change}),
                AllOf(HasSubstr("with the rates of its datasheet"), HasSubstr("roofline")))
        << change;
  }
  EXPECT_THAT(complaint(chat(), {fitted, "hardware.kernels=h300"}), HasSubstr("h200-sxm"));
}

TEST(CostSpec, FitsNeedTheShapeOfTheGpu) {
  EXPECT_THAT(complaint(chat(), {"hardware.gpu.sms=0"}),
              HasSubstr("how many multiprocessors H200 SXM has"));
  EXPECT_THAT(complaint(chat(), {"hardware.gpu.l2=0 B"}), HasSubstr("the L2 cache of H200 SXM"));
  EXPECT_EQ(complaint(chat(), {"hardware.gpu.sms=0", "serving.cost.backend=roofline"}), "nothing");
}

TEST(CostSpec, TablesAndProfilesThatAreMissingAreNamed) {
  EXPECT_THAT(complaint(chat(), {"serving.cost={backend: table, tables: no-such-folder}"}),
              HasSubstr("no-such-folder"));
  EXPECT_THAT(complaint(chat(), {"serving.cost={backend: table}"}), HasSubstr("'tables'"));
  EXPECT_THAT(complaint(chat("b200-sxm"), {"serving.cost={backend: table, tables: x}"}),
              HasSubstr("cost.backend: table needs fitted kernel times"));
  EXPECT_THAT(complaint(chat(), {"serving.cost={backend: layers, profile: no-such/profile}"}),
              HasSubstr("no-such/profile_"));
  EXPECT_THAT(complaint(chat(), {"serving.cost={backend: layers}"}), HasSubstr("'profile'"));
}

TEST(CostSpec, KeysOfOtherBackEndsAreUnknown) {
  for (const char* cost : {"{backend: table, tables: x, estimate: low}",
                           "{backend: layers, profile: x, estimate: low}",
                           "{backend: constant, per_step: 1 ms, estimate: low}"}) {
    EXPECT_THAT(complaint(chat(), {std::string("serving.cost=") + cost}),
                HasSubstr("unknown key 'estimate'"))
        << cost;
  }
  EXPECT_THAT(complaint(chat(), {"serving.cost={backend: fitted, tables: x}"}),
              HasSubstr("unknown key 'tables'"));
  EXPECT_THAT(complaint(chat(), {"serving.cost={backend: roofline, per_step: 1 ms}"}),
              HasSubstr("unknown key 'per_step'"));
  EXPECT_THAT(complaint(chat(), {"serving.cost.backend=fited"}), HasSubstr("'fitted'"));
  EXPECT_THAT(complaint(chat(), {"serving.cost.estimate=lo"}), HasSubstr("'low'"));
}

TEST(CostSpec, EfficienciesOfAnotherBackEndHaveNoEffect) {
  const std::string rate = "hardware.gpu.efficiency.gemm_compute=0.5";
  const std::string host = "hardware.gpu.efficiency.step_overhead=1 ms";
  const std::string constant = "serving.cost={backend: constant, per_step: 1 ms}";
  EXPECT_THAT(complaint(chat(), {rate}), HasSubstr("has no effect on the fitted kernel times"));
  EXPECT_THAT(complaint(chat(), {rate}), HasSubstr("--set " + rate));
  EXPECT_EQ(complaint(chat(), {rate, "serving.cost.backend=roofline"}), "nothing");
  EXPECT_EQ(complaint(chat(), {host}), "nothing");
  EXPECT_THAT(complaint(chat(), {host, constant}), HasSubstr("on constant step times"));
  EXPECT_EQ(complaint(chat(), {constant}), "nothing") << "what the profile has is no mistake";
}

TEST(CostSpec, NoEfficiencyOfRooflinesHasAnEffectWhereAllIsFitted) {
  for (const char* set :
       {"gemm_compute=0.5", "gemm_memory=0.5", "attention_compute=0.5", "attention_memory=0.5",
        "kernel_launch=1 us", "product_error=0.5", "decode_error=0.5", "prefill_error=0.5"}) {
    const std::string rate = std::string("hardware.gpu.efficiency.") + set;
    for (const char* model : {"llama-3.1-8b", "deepseek-v2-lite"}) {
      EXPECT_THAT(complaint(chat("h200-sxm", model), {rate}),
                  HasSubstr("has no effect on the fitted kernel times"))
          << set << " of " << model;
    }
    EXPECT_EQ(complaint(chat(), {rate, "serving.cost.backend=roofline"}), "nothing") << set;
  }
}

TEST(CostSpec, OverheadsAreNotNegative) {
  for (const char* field :
       {"kernel_launch", "step_overhead", "prompt_layer_overhead", "eager_all_reduce"}) {
    EXPECT_NE(complaint(chat(), {fmt::format("hardware.gpu.efficiency.{}=-1 ms", field)}),
              "nothing")
        << field;
  }
  for (const char* field : {"per_step", "per_prefill_token", "per_decode"}) {
    EXPECT_NE(
        complaint(chat(), {fmt::format("serving.cost={{backend: constant, {}: -1 ms}}", field)}),
        "nothing")
        << field;
  }
}

TEST(CostSpec, KnobsWithoutEffectAreRefused) {
  EXPECT_THAT(complaint(chat(), {"serving.cost.routing_skew=1"}),
              HasSubstr("cost.routing_skew has no effect on a model without experts"));
  EXPECT_EQ(complaint(chat("h200-sxm", "qwen3-30b-a3b"), {"serving.cost.routing_skew=1"}),
            "nothing");
  EXPECT_THAT(complaint(chat("h200-sxm", "qwen3-30b-a3b"), {"serving.cost.routing_skew=-1"}),
              HasSubstr("routing_skew"));
}

TEST(CostSpec, AnEncodersOutputIsToldByNoPrefix) {
  const std::string whisper = chat("h200-sxm", "whisper-large-v3");
  EXPECT_THAT(complaint(whisper),
              AllOf(HasSubstr("go through an encoder"), HasSubstr("enable_prefix_caching: false")));
  EXPECT_EQ(complaint(whisper, {"serving.engine.enable_prefix_caching=false"}), "nothing");
}

TEST(CostSpec, LayersOfUnknownKindAreNamed) {
  const auto kind = [](const std::string& attention, const std::string& mlp) {
    const std::string scenario = chat();
    return complaint(testing::kTinyModel + scenario.substr(scenario.find("hardware:")),
                     {"model.layers[0].attention=" + attention, "model.layers[0].mlp=" + mlp});
  };
  const std::string dense = "{kind: dense, width: 64, gated: true}";
  const std::string full = "{kind: full, heads: 2, kv_heads: 1, head_dim: 16}";
  EXPECT_EQ(kind(full, dense), "nothing");
  EXPECT_THAT(kind("{kind: ful, heads: 2}", dense), HasSubstr("'full'"));
  EXPECT_THAT(kind(full, "{kind: moes}"), HasSubstr("'moe'"));
  EXPECT_THAT(kind(full, "{kind: none, width: 3}"), HasSubstr("unknown key 'width'"));
  EXPECT_THAT(kind("{kind: sliding, heads: 2, kv_heads: 1, head_dim: 16, window: 0}", dense),
              HasSubstr("window"));
  EXPECT_THAT(kind("{kind: chunked, heads: 2, kv_heads: 1, head_dim: 16, chunk: 0}", dense),
              HasSubstr("chunk"));
  EXPECT_THAT(kind("{kind: cross, heads: 2, kv_heads: 1, head_dim: 16}", dense),
              HasSubstr("cross-attention has nothing to attend to"));
  EXPECT_THAT(kind(full, "{kind: moe, experts: 4, top_k: 5, width: 8, gated: true}"),
              HasSubstr("top_k"));
}

TEST(CostSpec, HeadsHaveToDivide) {
  EXPECT_THAT(complaint(chat(), {"serving.tensor_parallel=3"}),
              HasSubstr("the 32 attention heads of llama-3.1-8b cannot be divided among 3 GPUs"));
  EXPECT_THAT(complaint(chat(), {"serving.pipeline_parallel=33"}),
              HasSubstr("the 32 layers of llama-3.1-8b cannot be divided into 33 stages"));
}

TEST(CostSpec, UncertaintyNeedsErrorBars) {
  const testing::Workplace place;
  place.write("small.yaml", testing::kSmall);
  const auto refused = [&](const Sets& sets) {
    std::vector<std::string> words;
    for (const std::string& set : sets) {
      words.emplace_back("--set");
      words.push_back(set);
    }
    const testing::Outcome outcome = place.terrace("run small.yaml --uncertainty", words);
    EXPECT_EQ(outcome.status, 2);
    return outcome.err;
  };
  EXPECT_THAT(refused({"serving.cost={backend: constant, per_step: 1 ms}"}),
              HasSubstr("cost.backend: constant has no error bars"));
  EXPECT_THAT(refused({"serving.cost.estimate=low"}), HasSubstr("takes both ends"));
}

TEST(CostSpec, ARunTellsWhatStoodIn) {
  // Heads of 96 elements, as Phi-3 has them, were not measured.
  const Summary summary = terrace::run(testing::parse(chat("h200-sxm", "phi-3-mini")));
  EXPECT_THAT(summary.caveats, Contains(HasSubstr("no decode fit for")));
  EXPECT_EQ(summary.extrapolated_steps, 0);
  EXPECT_THAT(terrace::run(testing::parse(chat())).caveats,
              ElementsAre(HasSubstr("steps with prompts and decodes")));
}

class LayerProfileRun : public tests::ProfileFiles {
 protected:
  void SetUp() override {
    ProfileFiles::SetUp();
    write("dense", "layer,tokens,time_us\nqkv_proj,1,10\nqkv_proj,512,110\n");
    write("per_sequence", "layer,sequences,time_us\nlm_head,1,100\nlm_head,11,200\n");
    write("attention",
          "n_decode,kv_decode,prefill_chunk,kv_prefill,time_us\n"
          "1,16,0,0,8\n1,4096,0,0,10\n64,16,0,0,12\n64,4096,0,0,18\n"
          "0,0,16,0,5\n0,0,16,4096,6\n0,0,512,0,9\n0,0,512,4096,12\n"
          "1,16,16,0,12\n64,4096,512,4096,22\n");
  }
  [[nodiscard]] Sets layers() const {
    return {"serving.cost={backend: layers, profile: " + (folder_ / "m").string() + "}"};
  }
};

/// Counts the steps of more prompt tokens than the profile knows.
struct LargeSteps final : Observer {
  std::int64_t count = 0;
  void on_step(const StepRecord& step) override {
    Tokens fresh;
    for (const PrefillChunk& chunk : step.plan.chunks) fresh += chunk.fresh;
    count += fresh > Tokens{512} ? 1 : 0;
    EXPECT_EQ(step.extrapolated, fresh > Tokens{512});
  }
};

TEST_F(LayerProfileRun, StepsBeyondTheProfileAreCounted) {
  const Summary within = terrace::run(testing::parse(chat(), layers()));
  EXPECT_EQ(within.extrapolated_steps, 0);
  EXPECT_THAT(within.caveats, Contains(AllOf(HasSubstr("not in the layer profile"),
                                             HasSubstr("gate_up_proj"), HasSubstr("o_proj"))));
  Sets sets = layers();
  sets.emplace_back("workload.clients[0].prompt={distribution: constant, value: 800}");
  LargeSteps large;
  const Summary beyond = terrace::run(testing::parse(chat(), sets), {{&large}, {}});
  EXPECT_EQ(beyond.extrapolated_steps, large.count);
  EXPECT_GT(large.count, 10);
  EXPECT_GT(beyond.steps, 100);
}

TEST_F(LayerProfileRun, LayersWithoutKeysMayComeFirst) {
  Sets sets = layers();
  sets.emplace_back("serving.tensor_parallel=8");
  EXPECT_EQ(complaint(chat("h200-sxm", "qwen3.5-397b-a17b"), sets), "nothing");
  EXPECT_EQ(complaint(chat("h200-sxm", "minimax-text-01"), sets), "nothing");
}

TEST_F(LayerProfileRun, ShortDecodesOfALongInput) {
  // They attend to more tokens of the input than they have of their own.
  Sets sets = layers();
  sets.emplace_back("serving.engine.enable_prefix_caching=false");
  const Summary summary = terrace::run(testing::parse(chat("h200-sxm", "whisper-large-v3"), sets));
  EXPECT_EQ(summary.all.completed, 20);
}

TEST_F(LayerProfileRun, NeedsToKnowTheGpusMultiprocessors) {
  Sets sets = layers();
  sets.emplace_back("hardware.gpu.sms=0");
  EXPECT_THAT(complaint(chat("b200-sxm"), sets), HasSubstr("multiprocessors"));
}

TEST(TableRun, StepsBeyondTheTablesAreCounted) {
  const char* data = std::getenv("TERRACE_DATA");
  const std::string folder = std::string(data == nullptr ? "" : data) + "/silicon/h200_sxm";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "TERRACE_DATA has no silicon/h200_sxm";
  Sets sets = {"serving.cost={backend: table, tables: " + folder + "}"};
  EXPECT_EQ(terrace::run(testing::parse(chat(), sets)).extrapolated_steps, 0);
  sets.emplace_back("workload.clients[0].prompt={distribution: constant, value: 100000}");
  sets.emplace_back("serving.engine.max_num_batched_tokens=100000");
  const Summary beyond = terrace::run(testing::parse(chat(), sets));
  EXPECT_GE(beyond.extrapolated_steps, 20);
  EXPECT_LE(beyond.extrapolated_steps, beyond.steps);
}

}  // namespace
}  // namespace terrace
