#include "sim/fabric/topology.hpp"

#include <algorithm>
#include <compare>
#include <cstdint>
#include <functional>
#include <iomanip>
#include <limits>
#include <sstream>
#include <utility>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

/// What a path costs: its latency, then its number of links.
struct Cost {
  std::int64_t picoseconds = 0;
  std::int64_t links = 0;

  friend auto operator<=>(const Cost&, const Cost&) = default;
};

constexpr Cost kUnreachable{std::numeric_limits<std::int64_t>::max(), 0};

Cost combine(const Cost& path, const Cost& link) {
  if (path == kUnreachable || link == kUnreachable) return kUnreachable;
  return {path.picoseconds + link.picoseconds, path.links + link.links};
}

struct Edge {
  LinkId id;
  std::string name;
  Cost cost;
};

struct Vertex {
  std::string name;
};

using Interconnect =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, Vertex, Edge>;

std::vector<Cost> distances(const Interconnect& g, std::size_t from) {
  std::vector<Cost> cost(num_vertices(g), kUnreachable);
  boost::dijkstra_shortest_paths(g, from,
                                 boost::weight_map(get(&Edge::cost, g))
                                     .distance_map(cost.data())
                                     .distance_compare(std::less<>{})
                                     .distance_combine(&combine)
                                     .distance_inf(kUnreachable)
                                     .distance_zero(Cost{}));
  return cost;
}

}  // namespace

struct Topology::Graph {
  Interconnect g;
};

Topology::Topology() : graph_(std::make_unique<Graph>()) {}
Topology::~Topology() = default;
Topology::Topology(Topology&&) noexcept = default;
Topology& Topology::operator=(Topology&&) noexcept = default;

MemoryId Topology::add_memory(std::string name) {
  TERRACE_CHECK(steps_.empty());
  const std::size_t vertex = add_vertex(graph_->g);
  graph_->g[vertex].name = std::move(name);
  return MemoryId{vertex};
}

void Topology::connect(MemoryId from, MemoryId to, LinkId link, std::string name,
                       Duration latency) {
  TERRACE_CHECK(steps_.empty() && from != to && latency >= Duration{});
  TERRACE_CHECK(from.index() < memories() && to.index() < memories());
  add_edge(from.index(), to.index(), Edge{link, std::move(name), {latency.count(), 1}}, graph_->g);
}

void Topology::freeze() {
  const Interconnect& g = graph_->g;
  const std::size_t n = memories();
  steps_.assign(n * n, {LinkId::none(), MemoryId::none()});

  for (std::size_t from = 0; from < n; ++from) {
    const std::vector<Cost> cost = distances(g, from);
    // Dijkstra's own tree depends on the order of its heap; among the links that lie on a shortest
    // path, the smallest id is a choice that can be stated.
    for (std::size_t tail = 0; tail < n; ++tail) {
      if (cost[tail] == kUnreachable) continue;
      for (const auto e : boost::make_iterator_range(out_edges(tail, g))) {
        const std::size_t head = target(e, g);
        if (combine(cost[tail], g[e].cost) != cost[head]) continue;
        Step& step = steps_[from * n + head];
        if (g[e].id < step.link) step = {g[e].id, MemoryId{tail}};  // none() is the largest id
      }
    }
  }
}

std::size_t Topology::memories() const { return num_vertices(graph_->g); }

const std::string& Topology::name(MemoryId memory) const {
  TERRACE_CHECK(memory.index() < memories());
  return graph_->g[memory.index()].name;
}

bool Topology::reachable(MemoryId from, MemoryId to) const {
  const std::size_t n = memories();
  TERRACE_CHECK(steps_.size() == n * n && from.index() < n && to.index() < n);
  return from == to || steps_[from.index() * n + to.index()].link != LinkId::none();
}

Topology::Step Topology::last_step(MemoryId from, MemoryId to) const {
  return steps_[from.index() * memories() + to.index()];
}

std::vector<LinkId> Topology::route(MemoryId from, MemoryId to) const {
  TERRACE_CHECK(reachable(from, to));
  std::vector<LinkId> links;
  while (to != from) {
    const Step step = last_step(from, to);
    links.push_back(step.link);
    to = step.previous;
  }
  std::reverse(links.begin(), links.end());
  return links;
}

std::string Topology::to_dot() const {
  const Interconnect& g = graph_->g;
  std::ostringstream out;
  out << "digraph fabric {\n";
  for (std::size_t at = 0; at < memories(); ++at)
    out << "  " << at << " [label=" << std::quoted(g[at].name) << "];\n";
  for (std::size_t at = 0; at < memories(); ++at) {
    for (const auto e : boost::make_iterator_range(out_edges(at, g))) {
      out << "  " << at << " -> " << target(e, g) << " [label=" << std::quoted(g[e].name) << "];\n";
    }
  }
  out << "}\n";
  return out.str();
}

}  // namespace terrace
