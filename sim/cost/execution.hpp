#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/config/fields.hpp"

namespace terrace {

/// How an engine gets its kernels onto the GPU, under vLLM's names: what the time between them, and
/// the size to which a batch is padded, depend on.
struct ExecutionSpec {
  bool cuda_graphs = true;
  std::optional<std::int64_t> max_cudagraph_capture_size;
  bool async_scheduling = false;

  /// Whether something else was said of graphs than what is usual.
  [[nodiscard]] bool sized() const { return !cuda_graphs || max_cudagraph_capture_size; }

  friend bool operator==(const ExecutionSpec&, const ExecutionSpec&) = default;
};

/// Tokens of the largest batch that is replayed from a CUDA graph, before the sizes below are
/// looked at; 0 if there are no graphs. vLLM 0.19's default is twice the sequences that may run, at
/// most 512; no batch has more than `max_batched_tokens`.
std::int64_t capture_limit(const ExecutionSpec& execution, std::int64_t max_num_seqs,
                           std::int64_t max_batched_tokens);

/// Sizes of captured batches, in tokens, ascending: 1, 2, 4, by 8 to 256, then by 16, up to `limit`
/// (vllm/config/vllm.py, VllmConfig._set_cudagraph_sizes). A batch runs padded to the next of them,
/// a larger one without graph. None if `limit` < 1.
std::vector<std::int64_t> capture_sizes(std::int64_t limit);

void describe(config::Fields& f, ExecutionSpec& execution);

}  // namespace terrace
