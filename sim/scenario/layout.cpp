#include "sim/scenario/layout.hpp"

namespace terrace {

std::int64_t layer_count(const ModelSpec& model) {
  std::int64_t sum = 0;
  for (const LayerGroup& group : model.layers) sum += group.count;
  return sum;
}

DeploymentSpec deployment(const Scenario& s) {
  const std::int64_t per_host = s.serving.replicas_of_host();
  return {s.hardware.gpu,     s.hardware.host,
          s.hardware.ssd,     s.hardware.drives_per_host,
          s.hardware.network, s.serving.replicas / per_host,
          per_host,           s.serving.gpus_per_replica()};
}

BlockTraffic block_traffic(const Scenario& s) {
  const EngineSpec& engine = s.serving.engine;
  const bool whole = engine.kv_layout == KvLayout::block;
  return {
      kv_bytes(s, engine.block_size),
      whole ? s.serving.gpus_per_replica() : s.serving.tensor_parallel * 2 * layer_count(s.model)};
}

}  // namespace terrace
