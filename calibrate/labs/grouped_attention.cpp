#include <cmath>
#include <cstddef>
#include <optional>

#include "calibrate/labs/attention.hpp"

namespace terrace::labs {
namespace {

/// MHA, GQA (Ainslie et al., 2023) or MQA (Shazeer, 2019), over keys that are kept rotated.
class GroupedAttention final : public Attention {
 public:
  GroupedAttention(const Shape& shape, TimedKernels& kernels, Threads& threads)
      : shape_(shape),
        kernels_(kernels),
        threads_(threads),
        queries_(kernels.set(), shape.element),
        keys_(kernels.set(), shape.element),
        values_(kernels.set(), shape.element),
        rotation_(shape.head_dim) {}

  void run(std::int64_t layer, const StepPlan& plan, KvPool& pool, float* projected,
           Buffer& attended) override {
    split(plan, projected);
    pool.write(layer, 0, plan.slots, keys_.as_const());
    pool.write(layer, 1, plan.slots, values_.as_const());

    const kernels::PagedKv kv = pool.kv(layer);
    const float scale = 1 / std::sqrt(static_cast<float>(shape_.head_dim));
    const std::int64_t decodes = plan.decodes();
    if (decodes > 0) {
      kernels_.run(kernels::PagedDecode{queries_.as_const(), shape_.heads, kv, plan.decode.view(),
                                        scale, std::nullopt, attended.array()});
    }
    if (plan.rows() > decodes) {
      const std::int64_t skipped = decodes * query_numbers();
      kernels_.run(kernels::PagedPrefill{after(queries_.as_const(), skipped), plan.indptr,
                                         shape_.heads, kv, plan.prefill.view(), scale, std::nullopt,
                                         after(attended.array(), skipped)});
    }
  }

 private:
  [[nodiscard]] std::int64_t query_numbers() const { return shape_.heads * shape_.head_dim; }

  /// Rotates queries and keys, and rounds all of a row.
  void split(const StepPlan& plan, float* projected) {
    const std::int64_t rows = plan.rows();
    const std::int64_t queries = query_numbers();
    const std::int64_t keys = shape_.token_numbers();
    queries_.reserve(rows * queries);
    keys_.reserve(rows * keys);
    values_.reserve(rows * keys);
    rotation_.prepare(plan.longest);
    each_row(threads_, rows, shape_.in_rows(), [&](std::int64_t row) {
      float* x = projected + row * shape_.in_rows();
      const std::int64_t position = plan.positions[static_cast<std::size_t>(row)];
      for (std::int64_t h = 0; h < shape_.heads + shape_.kv_heads; ++h) {
        rotation_.turn(x + h * shape_.head_dim, position);
      }
      round_row(x, queries, queries_.host(), row * queries);
      round_row(x + queries, keys, keys_.host(), row * keys);
      round_row(x + queries + keys, keys, values_.host(), row * keys);
    });
    queries_.upload(rows * queries);
    keys_.upload(rows * keys);
    values_.upload(rows * keys);
  }

  Shape shape_;
  TimedKernels& kernels_;
  Threads& threads_;
  Buffer queries_;
  Buffer keys_;
  Buffer values_;
  Rotation rotation_;
};

}  // namespace

std::unique_ptr<Attention> grouped_attention(const Shape& shape, TimedKernels& kernels,
                                             Threads& threads) {
  return std::make_unique<GroupedAttention>(shape, kernels, threads);
}

}  // namespace terrace::labs
