#include "sim/fabric/topology.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

using namespace literals;

std::vector<std::size_t> indices(const std::vector<LinkId>& route) {
  std::vector<std::size_t> out;
  for (const LinkId link : route) out.push_back(link.index());
  return out;
}

struct Graph {
  Topology topology;
  std::size_t links = 0;
  MemoryId a = topology.add_memory("a");
  MemoryId b = topology.add_memory("b");
  MemoryId c = topology.add_memory("c");
  MemoryId d = topology.add_memory("d");

  void connect(MemoryId from, MemoryId to, Duration latency) {
    topology.connect(from, to, LinkId{links}, "link " + std::to_string(links), latency);
    ++links;
  }
};

using Route = std::vector<std::size_t>;

TEST(Topology, TakesTheRouteOfLeastLatency) {
  Graph g;
  g.connect(g.a, g.d, 10us);
  g.connect(g.a, g.b, 3us);
  g.connect(g.b, g.c, 3us);
  g.connect(g.c, g.d, 3us);
  g.topology.freeze();
  EXPECT_EQ(indices(g.topology.route(g.a, g.d)), (Route{1, 2, 3}));
}

TEST(Topology, AmongEqualLatenciesTakesFewestLinks) {
  Graph g;
  g.connect(g.a, g.b, 5us);
  g.connect(g.b, g.d, 5us);
  g.connect(g.a, g.d, 10us);
  g.topology.freeze();
  EXPECT_EQ(indices(g.topology.route(g.a, g.d)), (Route{2}));
}

TEST(Topology, AmongEqualsTakesTheSmallestLinkBackFromTheEnd) {
  Graph g;
  g.connect(g.a, g.c, 1us);  // 0
  g.connect(g.a, g.b, 1us);  // 1
  g.connect(g.b, g.d, 1us);  // 2
  g.connect(g.c, g.d, 1us);  // 3
  g.connect(g.b, g.d, 1us);  // 4, parallel
  g.topology.freeze();
  EXPECT_EQ(indices(g.topology.route(g.a, g.d)), (Route{1, 2}));
}

TEST(Topology, LinksOfNoLatencyMakeNoCircle) {
  Graph g;
  g.connect(g.a, g.b, 0us);
  g.connect(g.b, g.a, 0us);
  g.connect(g.b, g.c, 0us);
  g.connect(g.c, g.b, 0us);
  g.topology.freeze();
  EXPECT_EQ(indices(g.topology.route(g.a, g.c)), (Route{0, 2}));
  EXPECT_EQ(indices(g.topology.route(g.c, g.a)), (Route{3, 1}));
}

TEST(Topology, KnowsWhatCannotBeReached) {
  Graph g;
  g.connect(g.a, g.b, 1us);
  g.topology.freeze();
  EXPECT_TRUE(g.topology.reachable(g.a, g.b));
  EXPECT_FALSE(g.topology.reachable(g.b, g.a));
  EXPECT_FALSE(g.topology.reachable(g.a, g.d));
  EXPECT_TRUE(g.topology.reachable(g.d, g.d));
  EXPECT_TRUE(g.topology.route(g.d, g.d).empty());
  EXPECT_THROW(static_cast<void>(g.topology.route(g.a, g.d)), InvariantViolation);
}

TEST(Topology, IsNotChangedOnceFrozen) {
  Graph g;
  g.topology.freeze();
  EXPECT_THROW(g.topology.add_memory("late"), InvariantViolation);
  EXPECT_THROW(g.connect(g.a, g.b, 1us), InvariantViolation);
}

TEST(Topology, WritesGraphviz) {
  Topology t;
  const MemoryId a = t.add_memory("dram");
  const MemoryId b = t.add_memory("hbm \"0\"");
  t.connect(a, b, LinkId{0}, "h2d", 1us);
  EXPECT_EQ(t.to_dot(),
            "digraph fabric {\n"
            "  0 [label=\"dram\"];\n"
            "  1 [label=\"hbm \\\"0\\\"\"];\n"
            "  0 -> 1 [label=\"h2d\"];\n"
            "}\n");
}

}  // namespace
}  // namespace terrace
