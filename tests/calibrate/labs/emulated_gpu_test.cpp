// The lab's model and engine on the CUDA kernels, emulated, in memory that the host cannot touch:
// what a missing upload or download would be seen by without a GPU.

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calibrate/labs/lab.hpp"
#include "calibrate/labs/transformer.hpp"
#include "calibrate/measuring/kernel_proof.hpp"
#include "kernels/cpu/cpu_set.hpp"
#include "kernels/gemm.hpp"
#include "tests/calibrate/labs/far_set.hpp"
#include "tests/kernels/simt/simt_set.hpp"
#include "tests/kernels/through_set.hpp"

namespace terrace::labs {
namespace {

/// The CUDA kernels, and the processor's products in place of the GPU's library.
class EmulatedGpu final : public kernels::tests::ThroughSet {
 public:
  EmulatedGpu() : ThroughSet(kernels::simt::simt_set(1)) {}

  using ThroughSet::prepare;
  kernels::Start prepare(const kernels::Gemm& op) override { return products_.prepare(op); }

 private:
  kernels::CpuSet products_{1};
};

/// As small as the kernels allow.
Shape tiny(AttentionKind kind) {
  Shape shape;
  shape.layers = 2;
  shape.width = 64;
  shape.attention = kind;
  shape.heads = 2;
  shape.kv_heads = 1;
  shape.head_dim = 64;
  shape.mlp = 96;
  shape.vocabulary = 200;
  return shape;
}

/// Logits of a prompt in two chunks and of some tokens more, one by one.
std::vector<float> logits(kernels::KernelSet& set, const Shape& shape) {
  Transformer model(shape, 4, set);
  std::vector<float> all;
  std::vector<std::int32_t> text;
  for (std::int32_t i = 0; i < 40; ++i) text.push_back(i * 37 % 200);
  const std::vector<std::int32_t> blocks = {2, 0, 3};
  std::int64_t computed = 0;
  for (const std::size_t chunk : {20U, 17U, 1U, 1U, 1U}) {
    const SequenceStep step{std::span(text).subspan(static_cast<std::size_t>(computed), chunk),
                            computed, blocks};
    const std::vector<float> some = model.step(std::span(&step, 1));
    all.insert(all.end(), some.begin(), some.end());
    computed += static_cast<std::int64_t>(chunk);
  }
  return all;
}

TEST(EmulatedGpuLab, LogitsDifferByRoundingFromTheProcessors) {
  for (const AttentionKind kind : {AttentionKind::grouped, AttentionKind::latent}) {
    tests::FarSet gpu(std::make_shared<EmulatedGpu>());
    kernels::CpuSet cpu(1);
    const std::vector<float> expected = logits(cpu, tiny(kind));
    const std::vector<float> got = logits(gpu, tiny(kind));
    ASSERT_EQ(got.size(), expected.size());
    double off = 0;
    double size = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      off += std::pow(static_cast<double>(got[i]) - static_cast<double>(expected[i]), 2);
      size += std::pow(static_cast<double>(expected[i]), 2);
    }
    EXPECT_GT(off, 0) << "these are other kernels";
    EXPECT_LT(std::sqrt(off / size), 0.01);  // as where a cache is used, and where none is
  }
}

TEST(EmulatedGpuLab, AnswersAreThoseOfTheProcessorWithBlocksThatGoAndComeBack) {
  LabRules rules;
  rules.shape = tiny(AttentionKind::grouped);
  rules.cache = CacheMode::tiered;
  rules.shape.page = 8;
  rules.context = 96;
  rules.pool_blocks = 20;
  rules.step_tokens = 40;
  rules.tiers = {6, 60};
  rules.file = {testing::TempDir(), 4};
  const std::vector<Conversation> dialogues = make_dialogues({5, 2, 20, 8, 5});
  kernels::CpuSet cpu(1);
  const LabResult expected = run_lab(rules, dialogues, cpu);
  tests::FarSet gpu(std::make_shared<EmulatedGpu>());
  const LabResult result = run_lab(rules, dialogues, gpu);
  EXPECT_EQ(result.answers, expected.answers);
  for (const TierCounts& tier : result.tiers) EXPECT_GT(tier.read, 0);
}

/// What roundings of 16-bit operands explain stays within the bounds that calibration sets.
TEST(EmulatedGpuLab, ProofsOfTheEmulatedKernelsHold) {
  using kernels::Element;
  using namespace kernels::proof;
  tests::FarSet gpu(std::make_shared<EmulatedGpu>());
  const std::vector<calibrate::TimedKernel> all = {
      DecodeKernel{.head_dim = 64, .group = 4},
      DecodeKernel{.cached = Element::fp8_e4m3, .head_dim = 64, .group = 8},
      DecodeKernel{.head_dim = 64, .group = 4, .windowed = true},
      MlaDecodeKernel{16},
      PrefillKernel{.head_dim = 64, .group = 4},
      BytesKernel::gather,
      BytesKernel::scatter,
      BytesKernel::copy,
      BytesKernel::read,
      BytesKernel::write};
  for (const calibrate::TimedKernel& kernel : all) {
    const calibrate::KernelFinding finding = calibrate::prove(kernel, gpu, nullptr);
    EXPECT_TRUE(finding.ok()) << finding.kernel << ": " << finding.what();
    EXPECT_LT(finding.error, 0.5 * finding.bound + 1e-12) << finding.kernel << " is near its bound";
  }
}

TEST(EmulatedGpuLab, SaysWhichElementsThereAreKernelsFor) {
  tests::FarSet gpu(std::make_shared<EmulatedGpu>());
  Shape shape = tiny(AttentionKind::grouped);
  shape.element = kernels::Element::fp32;
  try {
    logits(gpu, shape);
    FAIL() << "a cache of fp32";
  } catch (const kernels::Unsupported& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("take bf16, fp16 or fp8"));
  }
}

}  // namespace
}  // namespace terrace::labs
