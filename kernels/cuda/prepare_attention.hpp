#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "kernels/cuda/device/decode_kernel.hpp"
#include "kernels/cuda/device/merge_kernel.hpp"
#include "kernels/cuda/device/mla_decode_kernel.hpp"
#include "kernels/cuda/device/prefill_kernel.hpp"
#include "kernels/cuda/plan.hpp"
#include "kernels/cuda/prepare.hpp"

namespace terrace::kernels::cuda {

/// Calls f with an object of the type of cached elements, of those that kernels multiply.
template <class F>
Start with_cached(Element type, const F& f) {
  switch (type) {
    case Element::bf16:
      return f(Bf16{});
    case Element::fp16:
      return f(Fp16{});
    case Element::fp8_e4m3:
      return f(Fp8E4m3{});
    case Element::fp32:
      break;
  }
  throw Unsupported("no attention kernel for a cache of fp32; take bf16, fp16 or fp8");
}

/// Calls f with the head dimension as an integral constant.
template <class F>
Start with_head_dim(std::int64_t dim, const F& f) {
  switch (dim) {
    case 64:
      return f(std::integral_constant<int, 64>());
    case 128:
      return f(std::integral_constant<int, 128>());
    case 256:
      return f(std::integral_constant<int, 256>());
    default:
      throw Unsupported("no attention kernel for a head dimension of " + std::to_string(dim) +
                        "; there are 64, 128 and 256");
  }
}

inline PagedRows paged_rows(const PagedKv& kv) {
  const std::int64_t size = bytes_of(kv.keys.type);
  const PagedRows rows{static_cast<const std::byte*>(kv.keys.begin),
                       static_cast<const std::byte*>(kv.values.begin),
                       kv.block_stride * size,
                       kv.head_stride * size,
                       kv.token_stride * size,
                       std::countr_zero(static_cast<std::uint64_t>(kv.page))};
  if (!std::has_single_bit(static_cast<std::uint64_t>(kv.page))) {
    throw Unsupported("pages of " + std::to_string(kv.page) + " tokens; they must be a power of 2");
  }
  const auto begins =
      reinterpret_cast<std::uintptr_t>(rows.keys) | reinterpret_cast<std::uintptr_t>(rows.values);
  const auto strides =
      static_cast<std::uint64_t>(rows.block_stride | rows.head_stride | rows.token_stride);
  if ((begins | strides) % sizeof(Vector16) != 0) {
    throw Unsupported("rows of keys and values that do not begin at multiples of 16 bytes");
  }
  return rows;
}

/// Kernels load two numbers of a query at a time.
inline void check_queries(ConstArray q) {
  if (reinterpret_cast<std::uintptr_t>(q.begin) %
          static_cast<std::uint64_t>(2 * bytes_of(q.type)) !=
      0) {
    throw Unsupported("queries that do not begin at a multiple of two numbers");
  }
}

/// What a prepared decode keeps on the device.
struct DecodeMemory {
  std::shared_ptr<const std::int32_t> blocks;
  std::shared_ptr<const Chunk> chunks;
  std::shared_ptr<const Parts> parts;
  std::shared_ptr<float> sums, largest, weight;
};

template <class R>
DecodeMemory place_plan(R& runtime, const BlockTable& table, const DecodePlan& plan,
                        std::int64_t heads, std::int64_t value_dim, DecodeTask& task) {
  const std::int64_t partial_rows =
      plan.parts.empty() ? 0 : heads * static_cast<std::int64_t>(plan.chunks.size());
  DecodeMemory memory{uploaded(runtime, table.blocks),
                      uploaded(runtime, std::span<const Chunk>(plan.chunks)),
                      uploaded(runtime, std::span<const Parts>(plan.parts)),
                      room_for<R, float>(runtime, partial_rows * value_dim),
                      room_for<R, float>(runtime, partial_rows),
                      room_for<R, float>(runtime, partial_rows)};
  task.blocks = memory.blocks.get();
  task.width = table.width;
  task.chunks = memory.chunks.get();
  task.partials = {memory.sums.get(), memory.largest.get(), memory.weight.get()};
  return memory;
}

/// Decode of any kind: `Kernel` does each chunk with `units` blocks.
template <class Kernel, class R>
Start prepare_chunks(R& runtime, DecodeTask task, const BlockTable& table,
                     std::optional<std::int64_t> window, std::int64_t units,
                     std::int64_t value_dim) {
  const DecodePlan plan =
      plan_decode(table.kv_lens, window, units, runtime.template residents<Kernel>());
  const auto chunks = static_cast<std::int64_t>(plan.chunks.size());
  const std::int64_t merges = static_cast<std::int64_t>(plan.parts.size()) * task.heads;
  const DecodeMemory memory = place_plan(runtime, table, plan, task.heads, value_dim, task);
  using Merge = MergeKernel<typename R::Machine>;
  if (merges > 0) static_cast<void>(runtime.template residents<Merge>());
  const Merge merge{task, memory.parts.get(), static_cast<std::int32_t>(value_dim)};
  return [&runtime, memory, kernel = Kernel{task}, merge, blocks = chunks * units, merges] {
    if (blocks > 0) runtime.launch(kernel, blocks);
    if (merges > 0) runtime.launch(merge, merges);
  };
}

template <class R>
Start prepare(R& runtime, const PagedDecode& op) {
  check(op);
  check_queries(op.q);
  DecodeTask task;
  task.q = op.q;
  task.out = op.out;
  task.heads = static_cast<std::int32_t>(op.heads);
  task.group = static_cast<std::int32_t>(op.heads / op.kv.kv_heads);
  task.score_scale = op.scale * op.kv.key_scale * std::numbers::log2e_v<float>;
  task.value_scale = op.kv.value_scale;
  const std::int64_t units = op.kv.kv_heads * ((task.group + 15) / 16);
  return with_cached(op.kv.keys.type, [&]<class T>(T) {
    return with_head_dim(op.kv.head_dim, [&]<int Dim>(std::integral_constant<int, Dim>) {
      task.kv = paged_rows(op.kv);
      using Kernel = DecodeKernel<typename R::Machine, T, Dim>;
      return prepare_chunks<Kernel>(runtime, task, op.table, op.window, units, Dim);
    });
  });
}

template <class R>
Start prepare(R& runtime, const MlaDecode& op) {
  check(op);
  check_queries(op.q);
  DecodeTask task;
  task.q = op.q;
  task.out = op.out;
  task.heads = task.group = static_cast<std::int32_t>(op.heads);
  task.score_scale = op.scale * op.kv.scale * std::numbers::log2e_v<float>;
  task.value_scale = op.kv.scale;
  task.kv = paged_rows(
      paged_kv(KvLayout::hnd, op.kv.tokens, op.kv.tokens, 1, op.kv.page, PagedLatent::kWidth));
  const auto with_rows = [&]<class Kernel>(std::type_identity<Kernel>) {
    const std::int64_t units = (op.heads + Kernel::kRows - 1) / Kernel::kRows;
    return prepare_chunks<Kernel>(runtime, task, op.table, std::nullopt, units,
                                  PagedLatent::kLatent);
  };
  return with_cached(op.kv.tokens.type, [&]<class T>(T) {
    using M = typename R::Machine;
    return op.heads > 16 ? with_rows(std::type_identity<MlaDecodeKernel<M, T, 2>>())
                         : with_rows(std::type_identity<MlaDecodeKernel<M, T, 1>>());
  });
}

template <class Kernel, class R>
Start prepare_ranges(R& runtime, const PagedPrefill& op) {
  static_cast<void>(runtime.template residents<Kernel>());
  const std::vector<RowRange> ranges = plan_prefill(op, Kernel::kRows);
  const auto on_device = uploaded(runtime, std::span<const RowRange>(ranges));
  const auto blocks = uploaded(runtime, op.table.blocks);
  PrefillTask task;
  task.q = op.q;
  task.out = op.out;
  task.heads = static_cast<std::int32_t>(op.heads);
  task.group = static_cast<std::int32_t>(op.heads / op.kv.kv_heads);
  task.kv = paged_rows(op.kv);
  task.blocks = blocks.get();
  task.width = op.table.width;
  task.ranges = on_device.get();
  constexpr std::int64_t kNoWindow = std::numeric_limits<std::int32_t>::max();
  const std::int64_t window = op.window.value_or(kNoWindow);
  task.window = static_cast<std::int32_t>(window < kNoWindow ? window : 0);
  task.score_scale = op.scale * op.kv.key_scale * std::numbers::log2e_v<float>;
  task.value_scale = op.kv.value_scale;
  const std::int64_t count = static_cast<std::int64_t>(ranges.size()) * op.kv.kv_heads;
  return [&runtime, on_device, blocks, kernel = Kernel{task}, count] {
    if (count > 0) runtime.launch(kernel, count);
  };
}

template <class R>
Start prepare(R& runtime, const PagedPrefill& op) {
  check(op);
  check_queries(op.q);
  return with_cached(op.kv.keys.type, [&]<class T>(T) {
    return with_head_dim(op.kv.head_dim, [&]<int Dim>(std::integral_constant<int, Dim>) {
      return prepare_ranges<PrefillKernel<typename R::Machine, T, Dim>>(runtime, op);
    });
  });
}

}  // namespace terrace::kernels::cuda
