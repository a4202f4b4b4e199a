#include "sim/scenario/scenario.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "sim/config/node.hpp"
#include "sim/config/writer.hpp"
#include "sim/scenario/idle_rates.hpp"
#include "sim/scenario/locate.hpp"
#include "sim/workload/synthetic.hpp"
#include "sim/workload/trace.hpp"

namespace terrace {

void describe(config::Fields& f, HardwareSpec& hardware) {
  f.catalogued("gpu", "hwprofiles/gpus", hardware.gpu, "the GPU of every replica");
  f.catalogued("kernels", "hwprofiles/kernels", hardware.kernels,
               "how long its kernels take, as fitted to measurements; those of the GPU's profile "
               "if left out",
               hardware.gpu.kernels);
  f.catalogued("host", "hwprofiles/hosts", hardware.host, "the server the GPUs sit in");
  f.catalogued("ssd", "hwprofiles/ssds", hardware.ssd, "the drives of a host, all alike");
  f.field("drives_per_host", hardware.drives_per_host, "drives, striped as one array",
          config::between(1, 1024));
  f.catalogued("network", "hwprofiles/networks", hardware.network,
               "the NICs of a host and the store behind them");
}

HardwareSpec read_machine(const std::string& found, const config::Catalogue& catalogue) {
  return config::read_file<HardwareSpec>(catalogue.find(kMachineFile.folder, found).value_or(found),
                                         catalogue);
}

void describe(config::Fields& f, ServingSpec& serving) {
  f.field("replicas", serving.replicas, "engines, each with a copy of the model",
          config::between(1, 4096));
  f.field("replicas_per_host", serving.replicas_per_host,
          "engines that share a host's DRAM and drives; all of them if left out",
          config::between(1, 4096));
  f.field("tensor_parallel", serving.tensor_parallel, "GPUs that share each layer of a replica",
          config::between(1, 64));
  f.field("pipeline_parallel", serving.pipeline_parallel,
          "stages of a replica, each with consecutive layers on tensor_parallel GPUs",
          config::between(1, 64));
  f.field("data_parallel", serving.data_parallel,
          "replicas that share experts, and therefore step together; 1: none do",
          config::between(1, 4096));
  f.field(
      "expert_parallel", serving.expert_parallel,
      "whether the GPUs of tensor and data parallelism hold whole experts instead of a slice of "
      "each");
  f.field("router", serving.router, "which replica gets a request");
  f.object("engine", serving.engine, "one engine's rules");
  f.object("cost", serving.cost, "how long a step takes");
  f.check(serving.replicas % serving.replicas_of_host() == 0, "replicas_per_host",
          "the replicas do not fill whole hosts", "make it divide serving.replicas");
  f.check(serving.replicas % serving.data_parallel == 0, "data_parallel",
          "the replicas do not fill whole groups that step together",
          "make it divide serving.replicas");
  f.check(serving.cost.backend != CostBackend::constant || !serving.engine.execution.sized(),
          "engine",
          "cuda_graphs and max_cudagraph_capture_size have no effect on constant step times",
          "remove them, or choose another cost.backend");
}

void describe(config::Fields& f, LoadSpec& workload) {
  f.object("trace", workload.trace, "requests are replayed from this file");
  if (!workload.trace || f.wants_all()) describe(f, workload.synthetic);
  f.may_be_missing("clients");
}

void describe(config::Fields& f, OutputSpec& output) {
  f.field("timeseries_interval", output.timeseries_interval,
          "simulated time between two rows of timeseries.csv");
  f.field("misses", output.misses,
          "whether to record why each missed prompt token was missed; takes memory for every block "
          "ever computed");
  f.check(output.timeseries_interval >= std::chrono::milliseconds(1), "timeseries_interval",
          "'timeseries_interval' must be at least 1 ms");
}

double bytes_per_host(const TierSpec& tier, const ServingSpec& serving) {
  return config::as_real(tier.capacity.bytes) *
         static_cast<double>(tier.scope == Scope::private_to_each ? serving.replicas_of_host() : 1);
}

namespace {

std::int64_t block_of(const TierSpec& tier, const EngineSpec& engine) {
  return tier.block_size == Tokens{} ? engine.block_size.count() : tier.block_size.count();
}

/// Attention is sharded by whole heads, as in vLLM.
void check_sharding(config::Fields& f, const Scenario& s) {
  for (const LayerGroup& group : s.model.layers) {
    const std::int64_t heads =
        std::visit([](const auto& attention) { return attention.heads; }, group.attention);
    f.check(heads % s.serving.tensor_parallel == 0, "serving",
            fmt::format("the {} attention heads of {} cannot be divided among {} GPUs", heads,
                        s.model.name, s.serving.tensor_parallel),
            "choose a serving.tensor_parallel that divides them");
  }
}

void check_pipeline(config::Fields& f, const Scenario& s) {
  std::int64_t layers = 0;
  for (const LayerGroup& group : s.model.layers) layers += group.count;
  f.check(s.serving.pipeline_parallel <= layers, "serving",
          fmt::format("the {} layers of {} cannot be divided into {} stages", layers, s.model.name,
                      s.serving.pipeline_parallel),
          "lower serving.pipeline_parallel");
}

void check_experts(config::Fields& f, const Scenario& s) {
  const ServingSpec& serving = s.serving;
  const std::int64_t gpus = serving.tensor_parallel * serving.data_parallel;
  bool any = false;
  for (const LayerGroup& group : s.model.layers) {
    const auto* moe = std::get_if<MoeMlp>(&group.mlp);
    if (moe == nullptr) continue;
    any = true;
    f.check(!serving.expert_parallel || moe->experts % gpus == 0, "serving",
            fmt::format("the {} experts of {} cannot be divided among {} GPUs", moe->experts,
                        s.model.name, gpus),
            "choose serving.tensor_parallel and serving.data_parallel whose product divides them");
  }
  f.check(any || !serving.expert_parallel, "serving",
          fmt::format("expert_parallel has no effect: {} has no experts", s.model.name),
          "remove it");
  f.check(any || serving.data_parallel == 1, "serving",
          fmt::format("data_parallel has no effect: {} has no experts to share, so its replicas do "
                      "not wait for each other",
                      s.model.name),
          "remove it: serving.replicas alone is what such engines are");
  if (!any) return;
  f.check(!serving.expert_parallel || gpus > 1, "serving",
          "expert_parallel has no effect on a single GPU",
          "remove it, or raise serving.tensor_parallel or serving.data_parallel");
  f.check(serving.expert_parallel || serving.data_parallel == 1, "serving",
          "data_parallel without expert_parallel, each expert cut across all replicas, is not "
          "modelled",
          "set serving.expert_parallel: true");
}

/// Whether requests, and their order, are the same whatever the engine does.
bool is_open_loop(const LoadSpec& load) {
  if (load.trace) return true;
  const auto& clients = load.synthetic.clients;
  return std::all_of(clients.begin(), clients.end(), [](const ClientSpec& client) {
    return client.arrivals.process != ArrivalLaw::closed_loop &&
           client.content.kind != ContentLaw::conversation;
  });
}

void check_oracle(config::Fields& f, const Scenario& s, const EvictionChoice& policy,
                  const std::string& who) {
  f.check(!any_of(policy.recipe().needs(), FactNeeds::future) || is_open_loop(s.workload),
          who == "hbm" ? "serving" : "tiers",
          fmt::format("'{}' has to know all requests beforehand, but here they depend on the run",
                      policy.name()),
          "use a trace, or clients without closed_loop arrivals and conversations");
}

/// Whether requests may belong to sessions that come back.
bool has_sessions(const LoadSpec& load) {
  if (load.trace) {
    return load.trace->format == TraceFormat::automatic || load.trace->format == TraceFormat::csv;
  }
  const auto& clients = load.synthetic.clients;
  return std::any_of(clients.begin(), clients.end(), [](const ClientSpec& client) {
    return client.content.kind == ContentLaw::conversation;
  });
}

void check_prefetch(config::Fields& f, const Scenario& s, const TierSpec& tier, bool keeper_above) {
  const std::string what =
      fmt::format("prefetch: {} of tier '{}'",
                  config::Scalar<PrefetchPolicy>::format(tier.prefetch.policy), tier.name);
  f.check(!tier.prefetch.enabled() || keeper_above, "tiers",
          what + " has no inclusive DRAM tier above it to move blocks to",
          "remove it, or add a tier with medium: dram and inclusion: inclusive above");
  f.check(!tier.prefetch.enabled() || tier.medium != Medium::dram, "tiers",
          what + " has no effect: the tier lies in DRAM itself", "remove it");
  f.check(tier.prefetch.policy != PrefetchPolicy::next_turn || has_sessions(s.workload), "tiers",
          what + " has no effect: no request belongs to a session that comes back",
          "use clients with content.kind: conversation, or a trace with sessions");
}

void check_policies(config::Fields& f, const Scenario& s) {
  check_oracle(f, s, s.serving.engine.eviction, "hbm");
  f.check(s.serving.engine.enable_prefix_caching || s.serving.engine.eviction.name() == "lru",
          "serving", "serving.engine.eviction has no effect without prefix caching",
          "remove it, or set enable_prefix_caching: true");
  bool keeper_above = false;  // a DRAM tier to which blocks from below are promoted
  for (const TierSpec& tier : s.tiers) {
    if (!tier.enabled()) continue;
    check_oracle(f, s, tier.eviction, tier.name);
    f.check(tier.promotion == Promotion::on_hit || keeper_above, "tiers",
            fmt::format("promotion: {} of tier '{}' has no effect without an inclusive DRAM tier "
                        "above it",
                        config::Scalar<Promotion>::format(tier.promotion), tier.name),
            "remove it");
    check_prefetch(f, s, tier, keeper_above);
    keeper_above =
        keeper_above || (tier.medium == Medium::dram && tier.inclusion == Inclusion::inclusive);
  }
}

/// The chosen back end has what it needs.
void check_cost(config::Fields& f, const Scenario& s) {
  const CostBackend chosen = backend(s);
  const bool needs_fits = chosen == CostBackend::fitted || chosen == CostBackend::table;
  f.check(!needs_fits || s.hardware.kernels.has_value(), "serving",
          fmt::format("cost.backend: {} needs fitted kernel times, but {} has none",
                      config::Scalar<CostBackend>::format(chosen), s.hardware.gpu.name),
          "name some with hardware.kernels, or choose backend: roofline");
  f.check(
      !needs_fits || !s.hardware.kernels || s.hardware.kernels->is_of(s.hardware.gpu), "serving",
      fmt::format("cost.backend: {} needs fitted kernel times, but those there are were measured "
                  "on {} with the rates of its datasheet",
                  config::Scalar<CostBackend>::format(chosen),
                  s.hardware.kernels ? s.hardware.kernels->gpu : ""),
      "choose backend: roofline, or leave the GPU as it is");
  f.check(
      chosen != CostBackend::table || !s.hardware.kernels || !s.hardware.kernels->of_processor(),
      "serving", "cost.backend: table corrects the laws of a GPU, and these are a processor's",
      "choose backend: fitted");
  const GpuSpec& gpu = s.hardware.gpu;
  const bool uses_fits = s.hardware.kernels && s.hardware.kernels->is_of(gpu) &&
                         (needs_fits || chosen == CostBackend::layers);
  f.check((!uses_fits && chosen != CostBackend::layers) || gpu.sms > 0, "hardware",
          fmt::format("cost.backend: {} needs to know how many multiprocessors {} has",
                      config::Scalar<CostBackend>::format(chosen), gpu.name),
          "say hardware.gpu.sms, or choose backend: roofline");
  f.check(!uses_fits || gpu.l2 > Bytes{}, "hardware",
          fmt::format("cost.backend: {} needs to know the L2 cache of {}",
                      config::Scalar<CostBackend>::format(chosen), gpu.name),
          "say hardware.gpu.l2, or choose backend: roofline");
  f.check(!s.hardware.kernels || s.hardware.kernels->gpu == s.hardware.gpu.name, "hardware",
          fmt::format("the kernels are those of {}, not of {}",
                      s.hardware.kernels ? s.hardware.kernels->gpu : "", s.hardware.gpu.name),
          "leave hardware.kernels out, or name those of the GPU");
  const bool moe = std::any_of(s.model.layers.begin(), s.model.layers.end(), [](const auto& group) {
    return std::holds_alternative<MoeMlp>(group.mlp);
  });
  f.check(moe || s.serving.cost.routing_skew == 0, "serving",
          "cost.routing_skew has no effect on a model without experts", "remove it");
  f.check(!s.model.encoder || !s.serving.engine.enable_prefix_caching, "serving",
          fmt::format("prompts of {} go through an encoder, whose output no prefix tells",
                      s.model.name),
          "set serving.engine.enable_prefix_caching: false");
}

/// What no section can tell alone.
void check_whole(config::Fields& f, const Scenario& s) {
  const EngineSpec& engine = s.serving.engine;
  std::set<std::string> names;
  std::int64_t above = engine.block_size.count();
  bool shared_above = false;
  double dram = 0;
  double nvme = 0;
  for (const TierSpec& tier : s.tiers) {
    const std::string who = fmt::format("tier '{}'", tier.name);
    f.check(tier.name != "hbm", "tiers", "the name 'hbm' is reserved for the memory of the GPUs",
            "give the tier another name");
    f.check(names.insert(tier.name).second, "tiers",
            fmt::format("{} is not the only one of this name", who), "give each tier its own name");
    if (!tier.enabled()) continue;
    f.check(block_of(tier, engine) % above == 0, "tiers",
            fmt::format("the blocks of {}, {} tokens, are no multiple of the {} tokens above it",
                        who, block_of(tier, engine), above));
    above = block_of(tier, engine);
    const Bytes block = kv_bytes(s, Tokens{above});
    f.check(tier.capacity.bytes >= block, "tiers",
            fmt::format("{} holds {} bytes, but one of its blocks of {} tokens takes {}", who,
                        tier.capacity.bytes.count(), above, block.count()),
            "raise its capacity; 0 switches it off");
    f.check(!(shared_above && tier.scope == Scope::private_to_each), "tiers",
            fmt::format("{} is private, but lies below a shared one: whose part would get what "
                        "the shared one passes down?",
                        who));
    shared_above = shared_above || tier.scope == Scope::shared;
    if (!tier.capacity.unlimited()) {
      if (tier.medium == Medium::dram) dram += bytes_per_host(tier, s.serving);
      if (tier.medium == Medium::nvme) nvme += bytes_per_host(tier, s.serving);
    }
    f.check(tier.medium != Medium::nvme || s.hardware.ssd.has_value(), "tiers",
            fmt::format("{} lies on NVMe, but the hosts have no drives", who), "add hardware.ssd");
    f.check(tier.medium != Medium::network || s.hardware.network.has_value(), "tiers",
            fmt::format("{} lies on the network, but there is none", who), "add hardware.network");
    f.check(engine.enable_prefix_caching, "tiers",
            fmt::format("{} would never be used without prefix caching", who),
            "set serving.engine.enable_prefix_caching: true, or remove the tiers");
  }
  check_policies(f, s);
  const double dram_there = config::as_real(s.hardware.host.dram);
  f.check(dram <= dram_there, "tiers",
          fmt::format("the DRAM tiers take {:.4g} GB of each host, which has {:.4g} GB",
                      dram * 1e-9, dram_there * 1e-9));
  if (s.hardware.ssd) {
    const double nvme_there =
        config::as_real(s.hardware.ssd->capacity) * static_cast<double>(s.hardware.drives_per_host);
    f.check(nvme <= nvme_there, "tiers",
            fmt::format("the NVMe tiers take {:.4g} TB of each host, whose drives hold {:.4g} TB",
                        nvme * 1e-12, nvme_there * 1e-12),
            "raise hardware.drives_per_host");
  }
  check_sharding(f, s);
  check_cost(f, s);
  check_pipeline(f, s);
  check_experts(f, s);
  f.check(kv_bytes(s, Tokens{1}) > Bytes{}, "model",
          "no layer of this model keeps keys and values of its tokens",
          "there is no KV cache to simulate; 'terrace model show' tells what it keeps");
  f.check(!s.tiers.empty() || engine.load_wait == LoadWait::park, "serving",
          "serving.engine.load_wait has no effect without tiers", "remove it, or add tiers");
  f.check(!s.tiers.empty() || engine.load == LoadDecision::always, "serving",
          "serving.engine.load has no effect without tiers", "remove it, or add tiers");
}

}  // namespace

void describe(config::Fields& f, Scenario& s) {
  f.field("name", s.name, "what results call this run; the name of the file if left out");
  f.field("seed", s.seed, "of all random draws");
  f.catalogued("model", "models", s.model, "the LLM that is served");
  f.catalogued("hardware", kMachineFile.folder, s.hardware,
               "what it is served on: its parts, or the name of a measured machine that has them");
  f.object("serving", s.serving, "how it is served");
  f.list("tiers", s.tiers, "memories below HBM, from the nearest to the farthest");
  f.object("workload", s.workload, "the requests", true);
  f.object("output", s.output, "what is recorded");
  check_whole(f, s);
}

namespace {

/// A path in a scenario means: beside that scenario, unless it is absolute or exists from here.
/// `suffix` is what a file of that name has in addition.
void resolve_path(std::string& path, const std::string& scenario_path,
                  std::string_view suffix = {}) {
  namespace fs = std::filesystem;
  if (path.empty()) return;
  const fs::path beside = fs::path(scenario_path).parent_path() / path;
  const auto exists = [&](fs::path file) {
    std::error_code ignored;
    return fs::exists(file += suffix, ignored);
  };
  if (!exists(path) && exists(beside)) path = beside.string();
}

}  // namespace

Parallel parallel(const Scenario& scenario) {
  const ServingSpec& s = scenario.serving;
  return {.tensor = static_cast<int>(s.tensor_parallel),
          .expert = s.expert_parallel ? static_cast<int>(s.tensor_parallel * s.data_parallel) : 1,
          .pipeline = static_cast<int>(s.pipeline_parallel)};
}

Bytes kv_bytes(const Scenario& scenario, Tokens tokens) {
  return kv_bytes_per_token_per_gpu(scenario.model, scenario.serving.engine.kv_cache_dtype,
                                    parallel(scenario)) *
         (scenario.serving.gpus_per_replica() * tokens.count());
}

std::unique_ptr<Workload> make_workload(const Scenario& scenario) {
  const auto seed = static_cast<std::uint64_t>(scenario.seed);
  if (scenario.workload.trace) return open_trace(*scenario.workload.trace, seed);
  return make_synthetic(scenario.workload.synthetic, seed);
}

std::optional<std::int64_t> most_requests(const LoadSpec& load) {
  if (load.trace) return load.trace->max_requests;
  std::optional<std::int64_t> sum = 0;
  for (const ClientSpec& client : load.synthetic.clients) {
    if (!client.max_requests) {
      sum.reset();
      break;
    }
    *sum += *client.max_requests;
  }
  const auto& all = load.synthetic.max_requests;
  if (all) return sum ? std::min(*all, *sum) : *all;
  return sum;
}

LoadedScenario parse_scenario(const std::string& name, std::string_view text,
                              const config::Catalogue& catalogue, const Overrides& overrides) {
  config::Diagnostics diagnostics;
  config::Node root = config::parse_yaml(name, text, diagnostics);
  diagnostics.raise();
  if (overrides.trace) {
    if (const auto* workload = root.find("workload");
        workload != nullptr && workload->value.find("trace") == nullptr) {
      std::erase_if(root.members, [](const auto& member) { return member.key == "workload"; });
    }
    config::apply_text_override(root, "workload.trace.path", *overrides.trace, diagnostics);
  }
  for (const std::string& set : overrides.sets) config::apply_override(root, set, diagnostics);
  if (overrides.seed) {
    config::apply_override(root, fmt::format("seed={}", *overrides.seed), diagnostics);
  }
  diagnostics.raise();

  LoadedScenario loaded = read_scenario(name, root, catalogue, diagnostics);
  diagnostics.raise();
  return loaded;
}

LoadedScenario read_scenario(const std::string& name, const config::Node& root,
                             const config::Catalogue& catalogue, config::Diagnostics& diagnostics,
                             config::EntryCache* cache) {
  LoadedScenario loaded;
  loaded.scenario.name = std::filesystem::path(name).stem().string();
  config::Reader reader(root, "the scenario", catalogue, diagnostics, cache);
  reader.read(loaded.scenario);
  if (auto& trace = loaded.scenario.workload.trace) resolve_path(trace->path, name);
  resolve_path(loaded.scenario.serving.cost.profile, name, "_dense.csv");
  resolve_path(loaded.scenario.serving.cost.tables, name);
  loaded.values = reader.resolved();
  if (diagnostics.ok()) check_idle_rates(loaded.scenario, loaded.values, diagnostics);
  return loaded;
}

LoadedScenario load_scenario(const std::string& path, const config::Catalogue& catalogue,
                             const Overrides& overrides) {
  return parse_scenario(path, config::read_text_file(path), catalogue, overrides);
}

std::string resolved_yaml(const Scenario& scenario) {
  Scenario copy = scenario;
  return config::Writer().write(copy);
}

}  // namespace terrace
