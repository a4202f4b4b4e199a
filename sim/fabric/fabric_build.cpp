// The part of Fabric that knows what it is made of: resources, and what a transfer asks of them.

#include <limits>
#include <utility>

#include "sim/base/check.hpp"
#include "sim/fabric/fabric.hpp"

namespace terrace {
namespace {

void add_use(std::vector<Use>& uses, const Use& more) {
  for (Use& use : uses) {
    if (use.resource != more.resource) continue;
    use.per_byte += more.per_byte;
    return;
  }
  uses.push_back(more);
}

}  // namespace

LinkId Fabric::add_resource(std::string name, double capacity, double mix_penalty) {
  links_.emplace_back().name = std::move(name);
  hop_of_.push_back(0);
  return sharing_.add(capacity, mix_penalty);
}

MemoryId Fabric::add_memory(std::string name, std::optional<Bandwidth> bandwidth) {
  memory_bandwidth_.push_back(bandwidth ? add_resource(name, bandwidth->count()) : LinkId::none());
  return topology_.add_memory(std::move(name));
}

LinkId Fabric::add_pool(std::string name, Bandwidth capacity) {
  return add_resource(std::move(name), capacity.count());
}

LinkId Fabric::add_drive(std::string name, double mix_penalty) {
  return add_resource(std::move(name), 1, mix_penalty);
}

LinkId Fabric::add_link(MemoryId from, MemoryId to, LinkSpec spec) {
  TERRACE_CHECK(spec.engines > 0 && spec.bandwidth.count() > 0);
  const auto engines = static_cast<double>(spec.engines);
  // A link with a descriptor law deals in the time of its engines, any other in bytes.
  const double capacity = spec.descriptors ? engines : engines * spec.bandwidth.count();
  const LinkId id = add_resource(spec.name, capacity);
  links_.back().discipline = spec.discipline;
  topology_.connect(from, to, id, std::move(spec.name), spec.latency);
  hop_of_.back() = static_cast<std::uint32_t>(hops_.size());
  hops_.push_back({id, from, to, spec.bandwidth, spec.latency, spec.descriptors, spec.access,
                   std::move(spec.pools)});
  return id;
}

Duration Fabric::latency(MemoryId from, MemoryId to) const {
  Duration sum{};
  while (to != from) {
    const Topology::Step step = topology_.last_step(from, to);
    sum += hop_of(step.link).latency;
    to = step.previous;
  }
  return sum;
}

/// What a transfer uses, appended up from the end of its route; its rate alone; where it lines up.
Fabric::Demand Fabric::demand(MemoryId from, MemoryId to, const Cargo& cargo,
                              std::vector<Use>& uses) const {
  uses.clear();
  double limit = std::numeric_limits<double>::infinity();
  std::size_t steps = 0;
  LinkId first_link;
  for (MemoryId at = to; at != from; ++steps) {
    const Topology::Step step = topology_.last_step(from, at);
    const Hop& hop = hop_of(step.link);
    double per_byte = 1;
    if (hop.descriptors) {
      const double piece =
          static_cast<double>(cargo.size.count()) / static_cast<double>(cargo.pieces);
      per_byte = engine_seconds_per_byte(*hop.descriptors, hop.bandwidth, piece);
    }
    add_use(uses, {hop.link, per_byte});
    for (const LinkId pool : hop.pools) add_use(uses, {pool});
    if (hop.access) {
      const DriveDemand drive = drive_demand(hop.access->commands, cargo.size, cargo.extents);
      add_use(uses, {hop.access->drive, drive.seconds_per_byte, hop.access->writes});
      limit = std::min(limit, drive.limit);
    }
    for (const MemoryId end : {hop.from, hop.to}) {
      const LinkId memory = memory_bandwidth_[end.index()];
      if (memory != LinkId::none()) add_use(uses, {memory});
    }
    first_link = step.link;
    at = step.previous;
  }

  Demand needed{sharing_.alone(uses, limit)};
  const LinkId narrowest = steps == 1 ? first_link : needed.alone.bottleneck;
  if (narrowest != LinkId::none() && links_[narrowest.index()].discipline == Discipline::fifo)
    needed.line = narrowest;
  return needed;
}

Duration Fabric::unloaded_time(MemoryId from, MemoryId to, const Cargo& cargo) const {
  TERRACE_CHECK(connected(from, to));
  if (from == to || cargo.size == Bytes{0}) return Duration{};
  std::vector<Use> uses;
  const Bandwidth rate{demand(from, to, cargo, uses).alone.rate};
  const Duration flowing = cargo.size / rate;
  const Duration waiting = latency(from, to);
  return flowing < Duration::max() - waiting ? waiting + flowing : Duration::max();
}

}  // namespace terrace
