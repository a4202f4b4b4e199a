// Laws of a processor beside the roofline that stands in for what was not measured.

#include "sim/cost/cpu_kernels.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/cost/forms/cpu.hpp"
#include "sim/cost/roofline.hpp"
#include "tests/cost/forms/form_parameters.hpp"

namespace terrace {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <class Form>
KernelFit fit_of() {
  KernelFit fit;
  fit.form.text = std::string(Form::kName);
  for (const double value : forms::start_values<Form>()) {
    fit.parameters.push_back({value, value, value, 0});
  }
  return fit;
}

GpuSpec processor() {
  GpuSpec gpu;
  gpu.name = "two cores";
  gpu.sms = 2;
  gpu.l2 = Bytes{32 << 20};
  gpu.memory_bandwidth = Bandwidth{20e9};
  gpu.bf16 = FlopRate{2e11};
  return gpu;
}

std::unique_ptr<const Kernels> kernels_with(std::vector<KernelFit> fits) {
  return cpu_kernels({.gpu = "two cores", .fits = std::move(fits)}, processor(), Confidence::base);
}

const AttentionKernel kHeads{.heads = 8, .kv_heads = 2, .head_dim = 64, .value_dim = 64};
const AttentionBatch kDecodes{.decodes = 8, .context = Tokens{8 * 512}, .longest = Tokens{512}};
const PrefillChunk kChunk{Tokens{128}, Tokens{512}};
const AttentionBatch kPrompt{.prefills = {&kChunk, 1}};

TEST(CpuKernels, ARooflineStandsInForJustWhatHasNoFit) {
  const auto roof = roofline_kernels(processor())->attention(kHeads, DType::bf16);
  const auto both = kernels_with({fit_of<forms::CpuDecode>(), fit_of<forms::CpuPrefill>()});
  const auto law = both->attention(kHeads, DType::bf16);
  ASSERT_NE(law->time(kDecodes).time, roof->time(kDecodes).time);
  ASSERT_NE(law->time(kPrompt).time, roof->time(kPrompt).time);
  EXPECT_THAT(both->caveats(), IsEmpty());

  const auto decodes = kernels_with({fit_of<forms::CpuDecode>()});
  const auto of_decodes = decodes->attention(kHeads, DType::bf16);
  EXPECT_EQ(of_decodes->time(kDecodes).time, law->time(kDecodes).time);
  EXPECT_EQ(of_decodes->time(kPrompt).time, roof->time(kPrompt).time);
  EXPECT_THAT(decodes->caveats(), ElementsAre(HasSubstr("no fit of prefill attention")));

  const auto prompts = kernels_with({fit_of<forms::CpuPrefill>()});
  const auto of_prompts = prompts->attention(kHeads, DType::bf16);
  EXPECT_EQ(of_prompts->time(kDecodes).time, roof->time(kDecodes).time);
  EXPECT_EQ(of_prompts->time(kPrompt).time, law->time(kPrompt).time);
  EXPECT_THAT(prompts->caveats(), ElementsAre(HasSubstr("no fit of decode attention")));
}

TEST(CpuKernels, SaysWhatOfSparseAttentionWasNotMeasured) {
  const auto kernels = kernels_with(
      {fit_of<forms::CpuDecode>(), fit_of<forms::CpuPrefill>(), fit_of<forms::CpuMlaDecode>()});
  static_cast<void>(kernels->attention({64, 1, 128, 0}, DType::bf16));
  EXPECT_THAT(kernels->caveats(), ElementsAre(HasSubstr("the index of sparse attention")));
  AttentionKernel sparse{16, 16, 192, 128, 512, 64};
  sparse.reach = Reach::chosen;
  sparse.span = Tokens{2048};
  static_cast<void>(kernels->attention(sparse, DType::bf16));
  EXPECT_THAT(kernels->caveats(), Contains(HasSubstr("prompts of MLA: from a roofline")));
}

}  // namespace
}  // namespace terrace
