#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/base/id.hpp"

namespace terrace {

/// What one byte of a flow takes from a shared resource: a flow at rate x uses up per_byte * x of
/// its capacity.
struct Use {
  LinkId resource;
  double per_byte = 1;  // in units of the resource's capacity, times seconds, per byte
  bool writes = false;  // only a resource with a mix penalty cares
};

/// How fast a flow would be with everything to itself, and what would stop it there.
struct Alone {
  double rate = 0;                     // bytes/s
  LinkId bottleneck = LinkId::none();  // none: the flow's own limit
};

/// Divides capacities among flows by weighted max-min fairness with consumption coefficients.
///
/// Raise the rates of all flows in proportion to their weights. A flow stops rising when it reaches
/// what it would get alone, or when a resource that it uses is full. Repeat with those still rising
/// (progressive filling; Bertsekas & Gallager, "Data Networks", 6.5.2). No flow can then gain
/// unless one with less for its weight loses.
///
/// Two flows affect each other only through a resource that could become full, so a solve touches
/// the flows connected to a change through such resources and no others. Which could is known
/// beforehand: those whose flows, each as fast as alone, would ask for more than there is.
///
/// A resource with a mix penalty k has capacity 1 - 4*k*f*(1-f) of the nominal one when a share f
/// of the bytes is written. f is taken from the solution at nominal capacity; one step, not a fixed
/// point. Knows nothing of time. No allocation once its vectors have grown.
class Sharing {
 public:
  /// REQUIRES: capacity > 0, 0 <= mix_penalty < 1.
  LinkId add(double capacity, double mix_penalty = 0);

  [[nodiscard]] double capacity(LinkId resource) const {
    return resources_[resource.index()].nominal;
  }

  /// REQUIRES: limit > 0; uses name each resource once, with per_byte > 0.
  [[nodiscard]] Alone alone(std::span<const Use> uses, double limit) const;

  /// Adds a flow under an id of the caller's choice, at rate 0 until the next solve.
  /// REQUIRES: `alone` is alone(uses, ...); weight > 0; the id is not in use.
  void join(TransferId id, std::span<const Use> uses, Alone alone, double weight);
  void leave(TransferId id);

  /// What if? The same for a while, unnoticed by solve() and its rates: whoever enters leaves
  /// before anything else happens, the last first, so that nothing remains of it.
  void enter(TransferId id, std::span<const Use> uses, Alone alone, double weight);
  void withdraw(TransferId id);

  /// The rate that a solve would now give the flow, if `without` (none: nobody) took nothing. Cost
  /// of a solve.
  [[nodiscard]] double prospect(TransferId id, TransferId without = TransferId::none());

  /// Whether the rates could differ from those of the last solve.
  [[nodiscard]] bool stale() const;

  /// Shares anew; returns the flows whose rate or bottleneck changed, valid until the next call.
  /// O((F + R) * rounds) for the F flows and R resources touched, where each round stops flows: few
  /// rounds in practice, F + R at most. A flow alone costs 20 ns.
  std::span<const TransferId> solve();

  [[nodiscard]] double rate(TransferId flow) const { return flows_[flow.index()].rate; }

  /// The resource that stopped the flow below the rate it would have alone; none if nothing did.
  [[nodiscard]] LinkId bottleneck(TransferId flow) const { return flows_[flow.index()].bottleneck; }

  [[nodiscard]] std::size_t flows_on(LinkId resource) const {
    return resources_[resource.index()].members.size();
  }

  /// Calls `visit(LinkId, per_byte)` for every use of a flow that has joined.
  template <class Visit>
  void for_each_use(TransferId flow, Visit visit) const {
    for (const Share& share : flows_[flow.index()].shares) visit(share.resource, share.per_byte);
  }

 private:
  struct Member {
    TransferId flow;
    std::uint32_t share = 0;  // which of the flow's
  };

  struct Resource {
    double nominal = 0;
    double mix_penalty = 0;
    double per_floor = 0;  // units of `potential` per unit of capacity
    // What its flows would use alone, exact: in 2^-40 of the least capacity it can have, rounded
    // up.
    std::int64_t potential = 0;
    std::vector<Member> members;
    bool freed = false;  // it is in freed_

    // Valid during a solve that has marked it:
    std::uint64_t mark = 0;
    double capacity = 0;
    double room = 0;     // not yet taken by flows that have stopped
    double rising = 0;   // capacity taken per unit of level by flows that have not
    double checked = 0;  // `rising` when it was last added up afresh
    std::uint32_t open = 0;
  };

  struct Share {
    LinkId resource;
    std::uint32_t position = 0;  // among the resource's members
    double per_byte = 0;
    bool writes = false;
  };

  struct Flow {
    double alone = 0;
    double weight = 0;
    double rate = 0;
    LinkId bottleneck = LinkId::none();
    bool present = false;
    std::uint64_t mark = 0;
    bool stopped = false;
    double next_rate = 0;
    LinkId next_bottleneck;
    std::vector<Share> shares;
  };

  [[nodiscard]] static bool contended(const Resource& resource);
  [[nodiscard]] static std::int64_t potential_of(const Flow& flow, const Share& share,
                                                 const Resource& resource);
  void solve_component_of(TransferId seed);
  void share_component_of(TransferId seed);
  void gather(TransferId seed);
  void fill();
  void prepare_filling();
  bool stop_content(double level);
  void stop(TransferId id, double rate, LinkId bottleneck);
  void add_up_rising(Resource& resource) const;
  bool apply_mix_penalties();
  void check_capacities() const;

  std::vector<Resource> resources_;
  std::vector<Flow> flows_;
  std::vector<TransferId> joined_;  // since the last solve
  std::vector<LinkId> freed_;       // contended when a flow left them, since the last solve
  std::vector<TransferId> changed_;

  std::uint64_t mark_ = 0;
  std::vector<TransferId> component_flows_;
  std::vector<LinkId> component_resources_;
  std::vector<TransferId> rising_;
  TransferId without_ = TransferId::none();  // takes nothing in this solve
};

}  // namespace terrace
