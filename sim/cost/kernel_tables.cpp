#include "sim/cost/kernel_tables.hpp"

#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/mla_decode.hpp"
#include "sim/cost/forms/mla_prefill.hpp"
#include "sim/cost/forms/prefill.hpp"

namespace terrace {
namespace {

double real(std::int64_t n) { return static_cast<double>(n); }

}  // namespace

const KernelTables::Table* KernelTables::find(std::string_view form, DType dtype,
                                              std::optional<std::int64_t> head_dim) const {
  for (const Table& table : tables_) {
    if (table.form == form && bits(table.dtype) == bits(dtype) &&
        (!head_dim || !table.head_dim || table.head_dim == head_dim)) {
      return &table;
    }
  }
  return nullptr;
}

std::optional<KernelResidual> KernelTables::gemm(DType weights, std::int64_t n,
                                                 std::int64_t k) const {
  const Table* table = find(forms::Gemm::kName, weights, {});
  if (table == nullptr) return std::nullopt;
  return KernelResidual(table->residuals.shape(real(n), real(k)), 1);
}

std::optional<KernelResidual> KernelTables::attention(std::string_view form, DType kv,
                                                      std::int64_t head_dim, std::int64_t heads,
                                                      std::int64_t kv_heads) const {
  const Table* table = find(form, kv, head_dim);
  if (table == nullptr) return std::nullopt;
  const ResidualTable::Pair shape = head_shape(heads, kv_heads);
  return KernelResidual(table->residuals.shape(shape[0], shape[1]), real(kv_heads));
}

std::optional<KernelResidual> KernelTables::decode(DType kv, std::int64_t head_dim,
                                                   std::int64_t heads,
                                                   std::int64_t kv_heads) const {
  return attention(forms::Decode::kName, kv, head_dim, heads, kv_heads);
}

std::optional<KernelResidual> KernelTables::prefill(DType kv, std::int64_t head_dim,
                                                    std::int64_t heads,
                                                    std::int64_t kv_heads) const {
  return attention(forms::Prefill::kName, kv, head_dim, heads, kv_heads);
}

std::optional<KernelResidual> KernelTables::mla(std::string_view form, DType kv,
                                                std::int64_t heads) const {
  const Table* table = find(form, kv, {});
  if (table == nullptr) return std::nullopt;
  return KernelResidual(table->residuals.shape(real(heads), 1), 1);
}

std::optional<KernelResidual> KernelTables::mla_decode(DType kv, std::int64_t heads) const {
  return mla(forms::MlaDecode::kName, kv, heads);
}

std::optional<KernelResidual> KernelTables::mla_prefill(DType kv, std::int64_t heads) const {
  return mla(forms::MlaPrefill::kName, kv, heads);
}

std::optional<Estimate> KernelTables::collective(Collective op, Bytes bytes, int gpus) const {
  const auto found = collectives_.find({op, gpus});
  if (found == collectives_.end()) return std::nullopt;
  return found->second.at(bytes);
}

}  // namespace terrace
