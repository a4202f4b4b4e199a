#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/config/catalogue.hpp"
#include "sim/config/fields.hpp"
#include "sim/config/reader.hpp"
#include "sim/cost/kernel_profile.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/kv/tier_spec.hpp"
#include "sim/model/model.hpp"
#include "sim/scenario/cost_spec.hpp"
#include "sim/serving/engine_spec.hpp"
#include "sim/serving/routers/policy.hpp"
#include "sim/workload/spec.hpp"
#include "sim/workload/trace_spec.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

/// A machine: what files of hwprofiles/measured hold, and what a scenario says in their place.
struct HardwareSpec {
  GpuSpec gpu;
  std::optional<KernelProfile> kernels;  // of this GPU
  HostSpec host;
  std::optional<SsdSpec> ssd;
  std::int64_t drives_per_host = 1;
  std::optional<NetworkSpec> network;
};

struct ServingSpec {
  std::int64_t replicas = 1;
  std::optional<std::int64_t> replicas_per_host;  // all on one host if left out
  std::int64_t tensor_parallel = 1;
  std::int64_t pipeline_parallel = 1;
  std::int64_t data_parallel = 1;  // replicas that step together
  bool expert_parallel = false;
  RouterName router;
  EngineSpec engine;
  CostSpec cost;

  [[nodiscard]] std::int64_t gpus_per_replica() const {
    return tensor_parallel * pipeline_parallel;
  }
  [[nodiscard]] std::int64_t replicas_of_host() const {
    return replicas_per_host.value_or(replicas);
  }
};

/// Requests from generators, or from a trace.
struct LoadSpec {
  std::optional<TraceSpec> trace;
  WorkloadSpec synthetic;
};

struct OutputSpec {
  Duration timeseries_interval = std::chrono::seconds(1);
  bool misses = false;
};

/// Everything that determines a run: the same scenario gives the same results, to the byte.
struct Scenario {
  std::string name;
  std::int64_t seed = 0;
  ModelSpec model;
  HardwareSpec hardware;
  ServingSpec serving;
  std::vector<TierSpec> tiers;
  LoadSpec workload;
  OutputSpec output;
};

void describe(config::Fields& f, HardwareSpec& hardware);

/// The machine that find_machine() found. Throws config::ConfigError with every mistake in it.
HardwareSpec read_machine(const std::string& found, const config::Catalogue& catalogue);

void describe(config::Fields& f, ServingSpec& serving);
void describe(config::Fields& f, LoadSpec& workload);
void describe(config::Fields& f, OutputSpec& output);
void describe(config::Fields& f, Scenario& scenario);

/// How the model is spread over GPUs. Experts that are not sharded as MLPs are lie on all GPUs of
/// the replicas that step together.
Parallel parallel(const Scenario& scenario);

/// KV of so many tokens on all GPUs of a replica together, replicated heads included.
Bytes kv_bytes(const Scenario& scenario, Tokens tokens);

/// Of host memory or drives, what a tier takes on each host; not a whole number of bytes that an
/// integer need hold, as a tier may be unlimited.
double bytes_per_host(const TierSpec& tier, const ServingSpec& serving);

/// The requests of the scenario, from the first. Throws config::ConfigError if its trace cannot be
/// read.
std::unique_ptr<Workload> make_workload(const Scenario& scenario);

/// How many requests the workload can send at most, if it says.
std::optional<std::int64_t> most_requests(const LoadSpec& load);

/// What the command line lays over a scenario file.
struct Overrides {
  std::vector<std::string> sets;  // "serving.replicas=2"
  std::optional<std::int64_t> seed;
  std::optional<std::string> trace;  // replaces the workload by this trace
};

/// A scenario, and where each of its values came from.
struct LoadedScenario {
  Scenario scenario;
  std::vector<config::Resolved> values;
};

/// Reads a scenario file. Throws config::ConfigError with every mistake in it.
LoadedScenario load_scenario(const std::string& path, const config::Catalogue& catalogue,
                             const Overrides& overrides = {});

/// The same from text; `name` stands for the file in messages.
LoadedScenario parse_scenario(const std::string& name, std::string_view text,
                              const config::Catalogue& catalogue, const Overrides& overrides = {});

/// The same from a tree that was read before, with all that is laid over it. Mistakes go to
/// `diagnostics`; the scenario is of no use then.
LoadedScenario read_scenario(const std::string& name, const config::Node& root,
                             const config::Catalogue& catalogue, config::Diagnostics& diagnostics,
                             config::EntryCache* cache = nullptr);

/// The scenario as YAML, every value spelled out; it reads back to the same scenario.
std::string resolved_yaml(const Scenario& scenario);

}  // namespace terrace
