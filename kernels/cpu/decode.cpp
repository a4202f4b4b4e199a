#include "kernels/cpu/cpu_set.hpp"
#include "kernels/cpu/split_decode.hpp"

namespace terrace::kernels {

void CpuSet::compute(const PagedDecode& op) {
  cpu::run(cpu::SplitDecode{op.q, op.heads, op.kv, op.kv.head_dim, op.table, op.scale, op.window,
                            op.out},
           threads_, vectors_);
}

void CpuSet::compute(const MlaDecode& op) {
  // One kv head, whose values are the beginnings of its keys.
  PagedKv kv =
      paged_kv(KvLayout::hnd, op.kv.tokens, op.kv.tokens, 1, op.kv.page, PagedLatent::kWidth);
  kv.key_scale = kv.value_scale = op.kv.scale;
  cpu::run(cpu::SplitDecode{op.q, op.heads, kv, PagedLatent::kLatent, op.table, op.scale,
                            std::nullopt, op.out},
           threads_, vectors_);
}

}  // namespace terrace::kernels
