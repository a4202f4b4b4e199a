#include "sim/kv/capacity.hpp"

#include <fmt/format.h>

namespace terrace {

std::int64_t hbm_blocks(const HbmBudget& budget) {
  const std::int64_t blocks = budget.for_kv().count() / budget.block.count();
  if (budget.for_kv() > Bytes{} && blocks >= 2) return blocks;
  const auto gib = [](Bytes bytes) { return static_cast<double>(bytes.count()) / (1ULL << 30U); };
  throw Infeasible(fmt::format(
      "the model does not fit: {:.1f} GiB of GPU memory x {} leaves {:.1f} GiB for KV after {:.1f} "
      "GiB of weights and {:.1f} GiB of reserve; raise serving.tensor_parallel, take a GPU with "
      "more memory, or a smaller weight_dtype",
      gib(budget.memory), budget.utilization, gib(budget.for_kv()), gib(budget.weights),
      gib(budget.reserve)));
}

}  // namespace terrace
