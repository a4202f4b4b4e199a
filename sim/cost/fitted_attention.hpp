#pragma once

#include <memory>

#include "sim/cost/fitted_law.hpp"
#include "sim/cost/forms/form.hpp"
#include "sim/cost/kernels.hpp"

namespace terrace {

/// The laws of one layer's attention by heads.
struct HeadLaws {
  CorrectedLaw decode;
  CorrectedLaw prefill;
  Law mixed;  // of steps with both; empty: their sum
};

/// The same of MLA; `gemm` is of the products that spell keys and values out. A law that is asked
/// for decodes alone needs neither `prefill` nor `gemm`.
struct MlaLaws {
  CorrectedLaw decode;
  Law prefill;
  Law gemm;
};

std::unique_ptr<AttentionLaw> fitted_head_attention(const AttentionKernel& kernel, DType kv,
                                                    const forms::Chip& chip, HeadLaws laws);

std::unique_ptr<AttentionLaw> fitted_mla_attention(const AttentionKernel& kernel, DType kv,
                                                   const forms::Chip& chip, MlaLaws laws);

}  // namespace terrace
