#include "sim/scenario/cost_spec.hpp"

#include <filesystem>

#include "sim/cost/cpu_kernels.hpp"
#include "sim/cost/fitted_kernels.hpp"
#include "sim/cost/layer_kernels.hpp"
#include "sim/cost/roofline.hpp"
#include "sim/cost/step_model.hpp"
#include "sim/scenario/scenario.hpp"

namespace terrace {
namespace {

/// What the GPU's datasheet or its fits say.
std::unique_ptr<const Kernels> gpu_kernels(const Scenario& s) {
  const auto& measured = s.hardware.kernels;
  if (!measured || !measured->is_of(s.hardware.gpu) || backend(s) == CostBackend::roofline) {
    return roofline_kernels(s.hardware.gpu, s.serving.cost.estimate);
  }
  if (backend(s) == CostBackend::table) {
    return table_kernels(*measured, s.hardware.gpu, s.serving.cost.tables);
  }
  if (measured->of_processor()) {
    return cpu_kernels(*measured, s.hardware.gpu, s.serving.cost.estimate);
  }
  return fitted_kernels(*measured, s.hardware.gpu, s.serving.cost.estimate);
}

std::unique_ptr<const Kernels> kernels(const Scenario& s) {
  if (backend(s) != CostBackend::layers) return gpu_kernels(s);
  const std::filesystem::path profile = s.serving.cost.profile;
  UnevenDecodes uneven;
  for (const LayerGroup& group : s.model.layers) {
    const AttentionWork attention = work(group.attention, s.model.hidden, parallel(s));
    if (attention.kernels.empty()) continue;
    uneven.whole_from =
        whole_sequences_from(s.hardware.gpu.sms, attention.kernels.front().kv_heads);
    break;
  }
  return layer_kernels(LayerProfile::read(profile.parent_path(), profile.filename().string()),
                       uneven, gpu_kernels(s));
}

}  // namespace

CostBackend backend(const Scenario& s) {
  if (s.serving.cost.backend != CostBackend::automatic) return s.serving.cost.backend;
  const auto& kernels = s.hardware.kernels;
  return kernels && kernels->is_of(s.hardware.gpu) ? CostBackend::fitted : CostBackend::roofline;
}

std::unique_ptr<CostModel> make_cost_model(const Scenario& s) {
  const CostSpec& cost = s.serving.cost;
  if (cost.backend == CostBackend::constant) return make_constant(cost.constant);
  const EngineSpec& engine = s.serving.engine;
  const EfficiencySpec& platform = s.hardware.gpu.efficiency;
  const std::int64_t limit =
      capture_limit(engine.execution, engine.max_num_seqs, engine.max_num_batched_tokens.count());
  return make_step_model(s.model,
                         {.parallel = parallel(s),
                          .kv = engine.kv_cache_dtype,
                          .routing_skew = cost.routing_skew,
                          .captured = capture_sizes(limit),
                          .overhead = platform.step_overhead,
                          .async = engine.execution.async_scheduling,
                          .prompt_layer_overhead = platform.prompt_layer_overhead,
                          .eager_all_reduce = platform.eager_all_reduce},
                         kernels(s));
}

void describe(config::Fields& f, CostSpec& cost) {
  f.variant("backend", cost.backend, "what step times come from", [&] {
    if (cost.backend == CostBackend::constant) {
      describe(f, cost.constant);
      return;
    }
    if (cost.backend == CostBackend::table) {
      f.required("tables", cost.tables,
                 "directory of measured kernel times: gemm.csv, attention_decode.csv and so on");
    } else if (cost.backend == CostBackend::layers) {
      f.required("profile", cost.profile,
                 "files of a layer profile, without _dense.csv and the like at the end");
    } else {
      f.field("estimate", cost.estimate,
              "which end of the error bars of all kernels: low, base or high");
    }
    f.field("routing_skew", cost.routing_skew,
            "exponent of Zipf's law of the experts' popularity; 0: all alike",
            config::between(0, 4));
  });
}

}  // namespace terrace
