#include "sim/app/model_options.hpp"

#include <algorithm>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "sim/app/exit_code.hpp"
#include "sim/base/text.hpp"
#include "sim/config/scalar.hpp"

namespace terrace::app {
namespace {

std::int64_t heads_of(const Attention& attention) {
  return std::visit([](const auto& a) { return a.heads; }, attention);
}

}  // namespace

void check_tensor_parallel(const ModelSpec& model, std::int64_t gpus) {
  if (gpus < 1 || gpus > kMostGpus) {
    throw UsageError(fmt::format("--tp {}: between 1 and {} GPUs", gpus, kMostGpus));
  }
  for (const LayerGroup& group : model.layers) {
    const std::int64_t heads = heads_of(group.attention);
    if (heads % gpus == 0) continue;
    std::vector<std::int64_t> possible;
    for (std::int64_t n = 1; n <= std::min(heads, kMostGpus); ++n) {
      if (heads % n == 0) possible.push_back(n);
    }
    throw UsageError(
        fmt::format("--tp {}: the {} attention heads of {} cannot be divided among {} "
                    "GPUs; possible are {}",
                    gpus, heads, model.name, gpus, fmt::join(possible, ", ")));
  }
}

}  // namespace terrace::app
