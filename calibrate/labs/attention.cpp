#include "calibrate/labs/attention.hpp"

namespace terrace::labs {

std::unique_ptr<Attention> make_attention(const Shape& shape, const Weights& weights,
                                          TimedKernels& kernels, Threads& threads) {
  return shape.attention == AttentionKind::grouped
             ? grouped_attention(shape, kernels, threads)
             : latent_attention(shape, weights, kernels, threads);
}

}  // namespace terrace::labs
