#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"

namespace terrace {

/// Which memories there are and which links join them. Built once; routes are then looked up in a
/// table, so no graph algorithm ever runs inside the simulation.
///
/// A route is the one of least total latency; among equals the one of fewest links; among those
/// every step back from the destination takes the link of the smallest id. Latencies are integers,
/// so ties are exact and the choice is the same on any machine.
class Topology {
 public:
  Topology();
  ~Topology();
  Topology(Topology&&) noexcept;
  Topology& operator=(Topology&&) noexcept;

  MemoryId add_memory(std::string name);

  /// Joins two memories in one direction; `link` is the caller's name for it. Links may be
  /// parallel. REQUIRES: latency >= 0, from != to, not frozen.
  void connect(MemoryId from, MemoryId to, LinkId link, std::string name, Duration latency);

  /// Computes all routes: O(n * (n + m) log n) for n memories and m links.
  void freeze();

  [[nodiscard]] std::size_t memories() const;
  [[nodiscard]] const std::string& name(MemoryId memory) const;

  /// Whether bytes can get from one to the other; a memory reaches itself. REQUIRES: frozen.
  [[nodiscard]] bool reachable(MemoryId from, MemoryId to) const;

  /// The last link of the route, which leads from `previous`; O(1). A whole route is walked from
  /// its end to its beginning. REQUIRES: frozen, from != to, reachable(from, to).
  struct Step {
    LinkId link;
    MemoryId previous;
  };
  [[nodiscard]] Step last_step(MemoryId from, MemoryId to) const;

  /// The links of the route in the order of travel; empty from a memory to itself.
  /// REQUIRES: frozen, reachable(from, to).
  [[nodiscard]] std::vector<LinkId> route(MemoryId from, MemoryId to) const;

  /// The graph in Graphviz form, for reports.
  [[nodiscard]] std::string to_dot() const;

 private:
  struct Graph;  // keeps Boost out of every other translation unit
  std::unique_ptr<Graph> graph_;
  std::vector<Step> steps_;  // [from * memories + to]; link none: unreachable or at home
};

}  // namespace terrace
