#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/cost/collective_table.hpp"
#include "sim/cost/forms/form.hpp"
#include "sim/cost/kernel_profile.hpp"
#include "sim/cost/kernels.hpp"
#include "sim/cost/residual_table.hpp"
#include "sim/model/dtype.hpp"

namespace terrace {

/// What the laws of a kernel profile leave of one kernel, by call: a time is the law's times at()'s
/// factor. Tables were measured on replayed buffers and are compared with the law of such calls; a
/// serving step takes the law of a cold call, with the factor of the same place.
class KernelResidual {
 public:
  KernelResidual(ResidualTable::Shape shape, double per_call)
      : shape_(std::move(shape)), per_call_(per_call) {}

  /// Products: m tokens. Attention: sequences, and the tokens that each attends to (decode) or has
  /// (prefill). About 100 ns. REQUIRES: both > 0.
  [[nodiscard]] ResidualTable::Looked at(double calls, double length = 1) const {
    return shape_.at(calls * per_call_, length);
  }

 private:
  ResidualTable::Shape shape_;
  double per_call_;
};

/// Measured kernel times of one GPU beside the laws that were fitted to them.
///
/// Attention resembles itself where queries per KV head and all sequences' KV heads agree: 8
/// sequences of 4 KV heads are 4 of 8. Its tables are of these two, so that numbers of KV heads
/// that were not measured find their like.
class KernelTables {
 public:
  /// What tells the residuals of one shape of attention from those of another.
  static ResidualTable::Pair head_shape(std::int64_t heads, std::int64_t kv_heads) {
    return {static_cast<double>(heads) / static_cast<double>(kv_heads),
            static_cast<double>(kv_heads)};
  }

  /// The measurements of one fit.
  struct Table {
    std::string_view form;
    DType dtype = DType::bf16;
    std::optional<std::int64_t> head_dim;
    ResidualTable residuals;         // shapes: (n, k), (queries per KV head, KV heads), (heads, 1)
    std::vector<Duration> measured;  // of its points
  };

  /// The files that `read` looks for; some may be missing.
  static std::vector<std::filesystem::path> files(const std::filesystem::path& directory);

  /// Reads what there is of attention_decode.csv, attention_prefill.csv, gemm.csv, mla_decode.csv,
  /// mla_prefill.csv, allreduce.csv and nccl.csv, with the columns that NVIDIA's aiconfigurator
  /// publishes and latency_us. Left out are: data types and head sizes without a fit in the
  /// profile; all but the most frequent `kernel` of a fit, since times jump from one to the other;
  /// all-reduce that is not `graph`; NCCL that is not `half`. Throws ConfigError with
  /// file:line:column, or if the directory has none of these.
  static KernelTables read(const std::filesystem::path& directory, const KernelProfile& profile,
                           const forms::Chip& chip);

  /// None if no table is of a data type that wide, and of that head_dim. Some 10 ms each: look a
  /// kernel up once.
  [[nodiscard]] std::optional<KernelResidual> gemm(DType weights, std::int64_t n,
                                                   std::int64_t k) const;
  [[nodiscard]] std::optional<KernelResidual> decode(DType kv, std::int64_t head_dim,
                                                     std::int64_t heads,
                                                     std::int64_t kv_heads) const;
  [[nodiscard]] std::optional<KernelResidual> prefill(DType kv, std::int64_t head_dim,
                                                      std::int64_t heads,
                                                      std::int64_t kv_heads) const;
  [[nodiscard]] std::optional<KernelResidual> mla_decode(DType kv, std::int64_t heads) const;
  [[nodiscard]] std::optional<KernelResidual> mla_prefill(DType kv, std::int64_t heads) const;

  /// `bytes` as Kernels::collective has them. None if that was not measured of so many GPUs.
  /// All-reduce is the engine's own where allreduce.csv has it, else NCCL's.
  [[nodiscard]] std::optional<Estimate> collective(Collective op, Bytes bytes, int gpus) const;

  [[nodiscard]] std::span<const Table> tables() const { return tables_; }

  using Collectives = std::map<std::pair<Collective, std::int64_t>, CollectiveTable>;  // op, GPUs
  [[nodiscard]] const Collectives& collectives() const { return collectives_; }

 private:
  [[nodiscard]] const Table* find(std::string_view form, DType dtype,
                                  std::optional<std::int64_t> head_dim) const;
  [[nodiscard]] std::optional<KernelResidual> attention(std::string_view form, DType kv,
                                                        std::int64_t head_dim, std::int64_t heads,
                                                        std::int64_t kv_heads) const;
  [[nodiscard]] std::optional<KernelResidual> mla(std::string_view form, DType kv,
                                                  std::int64_t heads) const;

  std::vector<Table> tables_;
  Collectives collectives_;
};

}  // namespace terrace
