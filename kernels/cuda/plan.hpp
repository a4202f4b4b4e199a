#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "kernels/cuda/device/work.hpp"
#include "kernels/prefill.hpp"

/// How work is divided among blocks: plain host code.
namespace terrace::kernels::cuda {

/// Chunks of all sequences, in their order, and which of them have to be merged.
struct DecodePlan {
  std::vector<Chunk> chunks;
  std::vector<Parts> parts;
};

/// Each sequence becomes one chunk or several of about the same length: so many that the device,
/// which runs `slots` blocks at a time, has work for all of them to the end, if that is worth the
/// partial sums. `units` blocks work on each chunk.
DecodePlan plan_decode(std::span<const std::int32_t> kv_lens, std::optional<std::int64_t> window,
                       std::int64_t units, std::int64_t slots);

/// Ranges of `rows` rows each of every chunk of new tokens; those with most keys come first, so
/// that short ones fill what is left of the device in the end.
std::vector<RowRange> plan_prefill(const PagedPrefill& op, std::int64_t rows);

}  // namespace terrace::kernels::cuda
