#include "sim/study/plan/spec.hpp"

namespace terrace {

using config::at_least;
using config::between;
using config::kNotNegative;
using config::kPositive;
using config::Limits;

namespace {

constexpr Limits kPart{0, 1, true};

}  // namespace

void describe(config::Fields& f, DemandSpec& demand) {
  f.field("load", demand.load,
          "at the peak of the day, today, times what the scenario sends: 3 triples every rate",
          kPositive);
  f.field("growth", demand.growth, "of the load, each year: 0.3 is 30 %", between(0, 10));
  f.field("horizon", demand.horizon, "until when the machines bought now have to suffice",
          between(0, 30));
  f.field("mean_load", demand.mean_load,
          "mean load over peak load, for energy, wear and the cost of tokens", kPart);
  f.values("slo", demand.slo,
           "what latencies must not exceed, as in chat.ttft_p99=2s or tpot_p99=50ms; those of the "
           "scenario's clients, at their p99, if left out");
  f.check(demand.growth == 0 || demand.horizon > Years{0}, "growth",
          "'growth' has no effect without a 'horizon'", "add one, as in horizon: 2 years");
  f.check(demand.growth != 0 || demand.horizon == Years{0}, "horizon",
          "'horizon' has no effect without 'growth'", "add one, as in growth: 0.3");
}

void describe(config::Fields& f, DriveOptionSpec& drives) {
  f.required("ssd", drives.ssd, "of the catalogue: terrace list ssds");
  f.values("capacities", drives.capacities, "of one drive; that of the profile if left out", false,
           kPositive);
  f.values("counts", drives.counts, "drives in a node, striped as one array; 0: none", true,
           between(0, 1024));
  f.object("price", drives.price, "of one drive, by its capacity; the profile's if left out");
}

void describe(config::Fields& f, MachineSpec& machine) {
  f.field("name", machine.name, "what reports call it; such as '8 x H200 SXM' if left out");
  f.required("gpu", machine.gpu, "of the catalogue: terrace list gpus");
  f.field("gpus", machine.gpus, "in a node", between(1, 1024));
  f.required("host", machine.host, "of the catalogue: terrace list hosts");
  f.values("tensor_parallel", machine.tensor_parallel,
           "GPUs that share each layer of a replica; 1 if left out. A node has as many replicas as "
           "its GPUs make",
           false, at_least(1));
  f.values("dram", machine.dram, "installed in a node; what the host's profile has if left out",
           false, kPositive);
  f.list("drives", machine.drives, "drives that a node may have, alternatives; none if left out");
  f.object("gpu_price", machine.gpu_price, "of one GPU; the profile's if left out");
  f.object("dram_price", machine.dram_price, "of DRAM modules; the host's if left out");
  f.object("chassis", machine.chassis,
           "of a node without GPUs, DRAM and drives; assumed to be 35 % of the GPUs if left out");
  f.field("rack_units", machine.rack_units, "height of a node", at_least(1));
  f.field("most_nodes", machine.most_nodes, "that are tried", between(1, 4096));
}

void describe(config::Fields& f, LimitsSpec& limits) {
  f.field("budget", limits.budget, "for the purchase of all nodes, spare ones included", kPositive);
  f.field("power", limits.power, "of all nodes at their most, cooling left out", kPositive);
  f.field("rack_units", limits.rack_units, "for all nodes", at_least(1));
  f.field("spare_nodes", limits.spare_nodes, "that may fail while the SLOs hold: 1 for N+1",
          kNotNegative);
}

void describe(config::Fields& f, SharesSpec& shares) {
  f.field("dram", shares.dram,
          "part of a node's DRAM that holds KV; the rest is the system's and the engine's", kPart);
  f.field("drives", shares.drives,
          "part of a node's drives that holds KV; the rest stays free for the cleaning of flash",
          kPart);
}

void describe(config::Fields& f, PlanSpec& plan) {
  f.required("scenario", plan.scenario,
             "model, engine, tiers and requests: a file, beside this one, or a name of 'terrace "
             "list workloads'");
  f.tree("set", plan.set,
         "values over that scenario, for all machines, by key, as in {workload.max_requests: 500}",
         "object");
  f.object("demand", plan.demand, "the load that the machines are bought for");
  f.list("machines", plan.machines,
         "nodes that can be bought, each in every combination of its lists", true);
  f.object("limits", plan.limits, "what no answer may exceed");
  f.object("shares", plan.shares, "how much of a memory holds KV");
  f.object("economics", plan.economics, "what it costs to own machines, besides their prices");
}

}  // namespace terrace
