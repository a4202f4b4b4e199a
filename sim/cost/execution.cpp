#include "sim/cost/execution.hpp"

#include <algorithm>

namespace terrace {

std::int64_t capture_limit(const ExecutionSpec& execution, std::int64_t max_num_seqs,
                           std::int64_t max_batched_tokens) {
  if (!execution.cuda_graphs) return 0;
  const std::int64_t usual = max_num_seqs < 256 ? 2 * max_num_seqs : 512;
  return std::min(execution.max_cudagraph_capture_size.value_or(usual), max_batched_tokens);
}

std::vector<std::int64_t> capture_sizes(std::int64_t limit) {
  std::vector<std::int64_t> sizes;
  for (std::int64_t size = 1; size <= limit;) {
    sizes.push_back(size);
    size += size < 8 ? size : size < 256 ? 8 : 16;
  }
  return sizes;
}

void describe(config::Fields& f, ExecutionSpec& execution) {
  f.field("cuda_graphs", execution.cuda_graphs,
          "whether steps of few tokens are replayed from CUDA graphs");
  f.field("max_cudagraph_capture_size", execution.max_cudagraph_capture_size,
          "tokens of the largest batch that is captured; twice max_num_seqs, at most 512, if left "
          "out",
          config::between(1, 65536));
  f.field(
      "async_scheduling", execution.async_scheduling,
      "whether a step is decided while the one before it runs, so that who arrives meanwhile waits "
      "one step longer (vLLM's default since 0.14)");
  f.check(execution.cuda_graphs || !execution.max_cudagraph_capture_size,
          "max_cudagraph_capture_size", "has no effect without CUDA graphs",
          "leave it out, or cuda_graphs: true");
}

}  // namespace terrace
