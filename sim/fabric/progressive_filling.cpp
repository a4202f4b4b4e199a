// The part of Sharing that does the sharing.

#include <algorithm>
#include <limits>
#include <vector>

#include "sim/fabric/sharing.hpp"

namespace terrace {
namespace {

// Taking stopped flows out of a sum by subtraction loses digits of what is left. Once this much of
// the sum has gone, it is added up afresh.
constexpr double kWorn = 1.0 / 1024;

}  // namespace

/// Sets next_rate and next_bottleneck of every flow of the component.
void Sharing::fill() {
  prepare_filling();
  double level = 0;  // rate per weight of the flows that still rise
  while (!rising_.empty()) {
    LinkId fullest = LinkId::none();
    double fills = std::numeric_limits<double>::infinity();
    for (const LinkId id : component_resources_) {
      const Resource& resource = resources_[id.index()];
      if (resource.open == 0) continue;
      // Rounding may put a resource a little past full; levels never fall in exact arithmetic.
      const double at = std::max(level, resource.room / resource.rising);
      if (at < fills) {
        fills = at;
        fullest = id;
      }
    }

    // Whoever reaches what it gets alone before that level will do so, since a flow that stops
    // only raises the level at which resources are full: all of them at once.
    if (stop_content(fills)) continue;

    level = fills;
    for (const Member& member : resources_[fullest.index()].members) {
      const Flow& flow = flows_[member.flow.index()];
      if (!flow.stopped) stop(member.flow, std::min(flow.alone, flow.weight * level), fullest);
    }
    std::erase_if(rising_, [this](TransferId id) { return flows_[id.index()].stopped; });
  }
}

/// Stops the flows that have all they would get alone below `level`; whether there were any.
bool Sharing::stop_content(double level) {
  const auto content = [&](TransferId id) {
    const Flow& flow = flows_[id.index()];
    if (flow.alone > flow.weight * level) return false;
    stop(id, flow.alone, LinkId::none());
    return true;
  };
  return std::erase_if(rising_, content) > 0;
}

void Sharing::prepare_filling() {
  rising_ = component_flows_;
  for (const TransferId id : component_flows_) flows_[id.index()].stopped = false;
  for (const LinkId id : component_resources_) {
    Resource& resource = resources_[id.index()];
    resource.room = resource.capacity;
    resource.open = static_cast<std::uint32_t>(resource.members.size());
    add_up_rising(resource);
  }
  if (without_ == TransferId::none() || flows_[without_.index()].mark != mark_) return;
  stop(without_, 0, LinkId::none());
  std::erase(rising_, without_);
}

void Sharing::add_up_rising(Resource& resource) const {
  resource.rising = 0;
  for (const Member& member : resource.members) {
    const Flow& flow = flows_[member.flow.index()];
    if (!flow.stopped) resource.rising += flow.weight * flow.shares[member.share].per_byte;
  }
  resource.checked = resource.rising;
}

void Sharing::stop(TransferId id, double rate, LinkId bottleneck) {
  Flow& flow = flows_[id.index()];
  flow.stopped = true;
  flow.next_rate = rate;
  flow.next_bottleneck = bottleneck;
  for (const Share& share : flow.shares) {
    Resource& resource = resources_[share.resource.index()];
    if (resource.mark != mark_) continue;
    --resource.open;
    resource.room -= rate * share.per_byte;
    resource.rising -= flow.weight * share.per_byte;
    if (resource.open > 0 && resource.rising < resource.checked * kWorn) add_up_rising(resource);
  }
}

}  // namespace terrace
