#include "sim/fabric/sharing.hpp"

#include <algorithm>
#include <limits>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

constexpr double kWhole = 0x1p40;  // a full resource, in the units of `potential`

}  // namespace

LinkId Sharing::add(double capacity, double mix_penalty) {
  TERRACE_CHECK(capacity > 0 && mix_penalty >= 0 && mix_penalty < 1);
  const LinkId id{resources_.size()};
  Resource& resource = resources_.emplace_back();
  resource.nominal = capacity;
  resource.mix_penalty = mix_penalty;
  resource.per_floor = kWhole / (capacity * (1 - mix_penalty));
  return id;
}

Alone Sharing::alone(std::span<const Use> uses, double limit) const {
  Alone best{limit, LinkId::none()};
  for (const Use& use : uses) {
    const double rate = resources_[use.resource.index()].nominal / use.per_byte;
    if (rate < best.rate) best = {rate, use.resource};
  }
  TERRACE_CHECK(best.rate > 0 && best.rate < std::numeric_limits<double>::infinity());
  return best;
}

// A single flow already respects every capacity, so it takes two to contend.
bool Sharing::contended(const Resource& resource) {
  return resource.members.size() > 1 && resource.potential > static_cast<std::int64_t>(kWhole);
}

std::int64_t Sharing::potential_of(const Flow& flow, const Share& share, const Resource& resource) {
  return static_cast<std::int64_t>(flow.alone * share.per_byte * resource.per_floor) + 1;
}

void Sharing::join(TransferId id, std::span<const Use> uses, Alone alone, double weight) {
  enter(id, uses, alone, weight);
  joined_.push_back(id);
}

void Sharing::enter(TransferId id, std::span<const Use> uses, Alone alone, double weight) {
  TERRACE_CHECK(weight > 0);
  if (id.index() >= flows_.size()) flows_.resize(id.index() + 1);
  Flow& flow = flows_[id.index()];
  TERRACE_CHECK(!flow.present);
  flow.alone = alone.rate;
  flow.weight = weight;
  flow.rate = 0;
  flow.bottleneck = LinkId::none();
  flow.present = true;
  flow.shares.clear();

  for (const Use& use : uses) {
    Resource& resource = resources_[use.resource.index()];
    const auto position = static_cast<std::uint32_t>(resource.members.size());
    resource.members.push_back({id, static_cast<std::uint32_t>(flow.shares.size())});
    flow.shares.push_back({use.resource, position, use.per_byte, use.writes});
    resource.potential += potential_of(flow, flow.shares.back(), resource);
  }
}

void Sharing::leave(TransferId id) {
  for (const Share& share : flows_[id.index()].shares) {
    Resource& resource = resources_[share.resource.index()];
    if (!contended(resource) || resource.freed) continue;
    resource.freed = true;
    freed_.push_back(share.resource);
  }
  withdraw(id);
}

void Sharing::withdraw(TransferId id) {
  Flow& flow = flows_[id.index()];
  TERRACE_CHECK(flow.present);
  flow.present = false;

  for (const Share& share : flow.shares) {
    Resource& resource = resources_[share.resource.index()];
    resource.potential -= potential_of(flow, share, resource);

    const Member last = resource.members.back();
    resource.members[share.position] = last;
    flows_[last.flow.index()].shares[last.share].position = share.position;
    resource.members.pop_back();
  }
}

bool Sharing::stale() const {
  return !joined_.empty() || std::any_of(freed_.begin(), freed_.end(), [this](LinkId id) {
    return !resources_[id.index()].members.empty();
  });
}

std::span<const TransferId> Sharing::solve() {
  changed_.clear();
  ++mark_;
  for (const LinkId id : freed_) {
    Resource& resource = resources_[id.index()];
    resource.freed = false;
    for (const Member& member : resource.members) solve_component_of(member.flow);
  }
  for (const TransferId flow : joined_) {
    if (flows_[flow.index()].present) solve_component_of(flow);
  }
  freed_.clear();
  joined_.clear();
  return changed_;
}

void Sharing::solve_component_of(TransferId seed) {
  if (flows_[seed.index()].mark == mark_) return;
  share_component_of(seed);

  for (const TransferId id : component_flows_) {
    Flow& flow = flows_[id.index()];
    if (flow.rate == flow.next_rate && flow.bottleneck == flow.next_bottleneck) continue;
    flow.rate = flow.next_rate;
    flow.bottleneck = flow.next_bottleneck;
    changed_.push_back(id);
  }
}

double Sharing::prospect(TransferId id, TransferId without) {
  ++mark_;
  without_ = without;
  share_component_of(id);
  without_ = TransferId::none();
  return flows_[id.index()].next_rate;
}

/// Sets next_rate and next_bottleneck of every flow of the component.
void Sharing::share_component_of(TransferId seed) {
  gather(seed);
  fill();
  if (apply_mix_penalties()) fill();
  check_capacities();
}

/// All flows that `seed` is connected to through contended resources, breadth first.
void Sharing::gather(TransferId seed) {
  component_flows_.assign(1, seed);
  component_resources_.clear();
  flows_[seed.index()].mark = mark_;

  for (std::size_t i = 0; i < component_flows_.size(); ++i) {
    for (const Share& share : flows_[component_flows_[i].index()].shares) {
      Resource& resource = resources_[share.resource.index()];
      if (resource.mark == mark_ || !contended(resource)) continue;
      resource.mark = mark_;
      resource.capacity = resource.nominal;
      component_resources_.push_back(share.resource);
      for (const Member& member : resource.members) {
        Flow& flow = flows_[member.flow.index()];
        if (flow.mark == mark_) continue;
        flow.mark = mark_;
        component_flows_.push_back(member.flow);
      }
    }
  }
}

/// Lowers the capacities of drives that read and write at once; whether there was any.
bool Sharing::apply_mix_penalties() {
  bool any = false;
  for (const LinkId id : component_resources_) {
    Resource& resource = resources_[id.index()];
    if (!(resource.mix_penalty > 0)) continue;
    double all = 0;
    double written = 0;
    for (const Member& member : resource.members) {
      const Flow& flow = flows_[member.flow.index()];
      all += flow.next_rate;
      if (flow.shares[member.share].writes) written += flow.next_rate;
    }
    const double share = written / all;
    resource.capacity = resource.nominal * (1 - 4 * resource.mix_penalty * share * (1 - share));
    any = any || resource.capacity < resource.nominal;
  }
  return any;
}

/// The law of every link: no more than its capacity. Flows outside contended resources keep it by
/// the meaning of contended.
void Sharing::check_capacities() const {
  for (const LinkId id : component_resources_) {
    const Resource& resource = resources_[id.index()];
    double used = 0;
    for (const Member& member : resource.members) {
      const Flow& flow = flows_[member.flow.index()];
      used += flow.next_rate * flow.shares[member.share].per_byte;
    }
    TERRACE_CHECK(used <= resource.capacity * (1 + 1e-9));
  }
}

}  // namespace terrace
