#include "sim/fabric/sharing.hpp"

#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"
#include "tests/oracles/reference_maxmin.hpp"

namespace terrace {
namespace {

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

struct Flows {
  Sharing sharing;
  std::size_t flows = 0;

  TransferId join(const std::vector<Use>& uses, double limit = kNoLimit, double weight = 1) {
    const TransferId id{flows++};
    sharing.join(id, uses, sharing.alone(uses, limit), weight);
    return id;
  }
  std::vector<double> rates() {
    sharing.solve();
    std::vector<double> out;
    for (std::size_t i = 0; i < flows; ++i) out.push_back(sharing.rate(TransferId{i}));
    return out;
  }
};

using Rates = std::vector<double>;

TEST(Sharing, AFlowAloneGetsTheNarrowestResource) {
  Flows f;
  const LinkId wide = f.sharing.add(10);
  const LinkId narrow = f.sharing.add(4);
  f.join({{wide}, {narrow}});
  EXPECT_EQ(f.rates(), Rates{4});
  EXPECT_EQ(f.sharing.bottleneck(TransferId{0}), LinkId::none());
}

TEST(Sharing, OneSharedAndOnePrivateLink) {
  Flows f;
  const LinkId shared = f.sharing.add(10);
  const LinkId own = f.sharing.add(2);
  f.join({{shared}, {own}});
  f.join({{shared}});
  EXPECT_EQ(f.rates(), (Rates{2, 8}));
  EXPECT_EQ(f.sharing.bottleneck(TransferId{0}), LinkId::none());
  EXPECT_EQ(f.sharing.bottleneck(TransferId{1}), shared);
}

/// The example of every textbook: the long flow gets what it gets on its worst link, the short one
/// there as much, and the other short one the rest of its link.
TEST(Sharing, ThreeFlowsOnTwoLinks) {
  Flows f;
  const LinkId first = f.sharing.add(1);
  const LinkId second = f.sharing.add(2);
  f.join({{first}, {second}});
  f.join({{first}});
  f.join({{second}});
  EXPECT_EQ(f.rates(), (Rates{0.5, 0.5, 1.5}));
}

TEST(Sharing, WeightsSplitInProportion) {
  Flows f;
  const LinkId link = f.sharing.add(12);
  f.join({{link}}, kNoLimit, 1);
  f.join({{link}}, kNoLimit, 2);
  f.join({{link}}, kNoLimit, 3);
  EXPECT_EQ(f.rates(), (Rates{2, 4, 6}));
}

TEST(Sharing, WhatALimitLeavesGoesToTheOthers) {
  Flows f;
  const LinkId link = f.sharing.add(12);
  f.join({{link}}, 1);
  f.join({{link}}, 5);
  f.join({{link}});
  EXPECT_EQ(f.rates(), (Rates{1, 5, 6}));
}

TEST(Sharing, CoefficientsCountWhatAByteCosts) {
  Flows f;
  const LinkId dram = f.sharing.add(12);
  f.join({{dram, 2}});  // bounces
  f.join({{dram, 1}});
  EXPECT_EQ(f.rates(), (Rates{4, 4}));
}

/// Numbers of a PCIe 5.0 x16 GPU: together 0.89 of 55.4 + 57.2 = 100.2.
TEST(Sharing, BothDirectionsOfALinkShareItsDuplexPool) {
  Flows f;
  const LinkId h2d = f.sharing.add(55.4);
  const LinkId d2h = f.sharing.add(57.2);
  const LinkId duplex = f.sharing.add(0.89 * (55.4 + 57.2));
  f.join({{h2d}, {duplex}});
  EXPECT_EQ(f.rates(), Rates{55.4});
  f.join({{d2h}, {duplex}});
  const Rates both = f.rates();
  EXPECT_DOUBLE_EQ(both[0], 0.89 * (55.4 + 57.2) / 2);
  EXPECT_DOUBLE_EQ(both[1], 0.89 * (55.4 + 57.2) / 2);
  f.sharing.leave(TransferId{1});
  EXPECT_EQ(f.rates()[0], 55.4);
}

/// A drive that reads 10 or writes 5. At nominal capacity equal rates need x/10 + x/5 = 1, so a
/// half of the bytes is written and the drive does 1 - 0.3 of its work.
TEST(Sharing, ADriveThatReadsAndWritesDoesLess) {
  Flows f;
  const LinkId drive = f.sharing.add(1, 0.3);
  f.join({{drive, 1.0 / 10, false}});
  f.join({{drive, 1.0 / 5, true}});
  const Rates mixed = f.rates();
  EXPECT_DOUBLE_EQ(mixed[0], 0.7 * 10 / 3);
  EXPECT_DOUBLE_EQ(mixed[1], 0.7 * 10 / 3);

  f.sharing.leave(TransferId{1});
  EXPECT_DOUBLE_EQ(f.rates()[0], 10);
}

TEST(Sharing, AMixedDriveWithRoomToSpareSlowsNobody) {
  Flows f;
  const LinkId drive = f.sharing.add(1, 0.3);
  f.join({{drive, 1.0 / 10, false}}, 3);
  f.join({{drive, 1.0 / 5, true}}, 2);
  EXPECT_EQ(f.rates(), (Rates{3, 2}));
}

TEST(Sharing, ReportsOnlyWhoChanged) {
  Flows f;
  const LinkId left = f.sharing.add(10);
  const LinkId right = f.sharing.add(10);
  f.join({{left}});
  f.join({{right}});
  EXPECT_EQ(f.sharing.solve().size(), 2U);
  EXPECT_FALSE(f.sharing.stale());
  f.join({{right}});
  EXPECT_TRUE(f.sharing.stale());
  EXPECT_EQ(f.sharing.solve().size(), 2U);
  EXPECT_EQ(f.sharing.rate(TransferId{0}), 10);
  f.sharing.leave(TransferId{0});
  EXPECT_FALSE(f.sharing.stale()) << "nobody shared with it";
}

/// A problem that grows and shrinks, told to the solver and to the oracle.
struct Twins {
  explicit Twins(std::uint64_t seed) : random(seed, "tests/sharing") {
    for (std::size_t r = 1 + random.below(7); r > 0; --r) {
      problem_capacity.push_back(log_uniform(1, 1000));
      mix_penalty.push_back(random.below(3) == 0 ? 0.9 * random.uniform() : 0);
      sharing.add(problem_capacity.back(), mix_penalty.back());
    }
  }

  double log_uniform(double low, double high) {
    return low * std::pow(high / low, random.uniform());
  }

  void join(std::size_t slot) {
    std::vector<Use> uses;
    std::vector<double> row(problem_capacity.size(), 0);
    const bool writes = random.below(2) == 0;
    for (std::size_t r = 0; r < row.size(); ++r) {
      if (random.below(3) == 0) continue;
      row[r] = random.below(2) == 0 ? 1 : log_uniform(0.01, 100);
      uses.push_back({LinkId{r}, row[r], writes});
    }
    const double limit = random.below(2) == 0 ? 1e4 : log_uniform(0.1, 1000);
    const double weight = random.below(2) == 0 ? 1 : log_uniform(0.1, 10);
    flows[slot] = Flow{row, limit, weight, writes};
    sharing.join(TransferId{slot}, uses, sharing.alone(uses, limit), weight);
  }

  void step() {
    const std::size_t slot = random.below(flows.size());
    if (flows[slot]) {
      flows[slot].reset();
      sharing.leave(TransferId{slot});
    } else {
      join(slot);
    }
  }

  void compare() {
    sharing.solve();
    oracle::MaxMinProblem problem{problem_capacity, {}, {}, {}};
    std::vector<std::size_t> slots;
    for (std::size_t slot = 0; slot < flows.size(); ++slot) {
      if (!flows[slot]) continue;
      slots.push_back(slot);
      problem.consumption.push_back(flows[slot]->row);
      problem.cap.push_back(flows[slot]->limit);
      problem.weight.push_back(flows[slot]->weight);
    }
    std::vector<double> expected = oracle::reference_max_min(problem);
    for (std::size_t r = 0; r < problem.capacity.size(); ++r) {
      double all = 0;
      double written = 0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        if (!(problem.consumption[i][r] > 0)) continue;
        all += expected[i];
        if (flows[slots[i]]->writes) written += expected[i];
      }
      const double share = all > 0 ? written / all : 0;
      problem.capacity[r] *= 1 - 4 * mix_penalty[r] * share * (1 - share);
    }
    expected = oracle::reference_max_min(problem);
    ASSERT_EQ(expected.size(), slots.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const double rate = sharing.rate(TransferId{slots[i]});
      EXPECT_NEAR(rate, expected[i], 1e-7 * expected[i]);
    }
  }

  struct Flow {
    std::vector<double> row;
    double limit;
    double weight;
    bool writes;
  };
  Random random;
  Sharing sharing;
  std::vector<double> problem_capacity;
  std::vector<double> mix_penalty;
  std::vector<std::optional<Flow>> flows = std::vector<std::optional<Flow>>(10);
};

TEST(SharingSlow, AgreesWithTheOracleWhileFlowsComeAndGo) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Twins twins(seed);
    for (int round = 0; round < 15; ++round) {
      for (std::uint64_t changes = 1 + twins.random.below(3); changes > 0; --changes) twins.step();
      twins.compare();
      if (::testing::Test::HasFailure()) return;
    }
  }
}

/// What if somebody joined, and what if somebody left: the same rates as when they do, and nobody
/// notices the question.
TEST(Sharing, ProspectsAreWhatASolveGives) {
  Random random(1, "tests/sharing/prospects");
  for (int round = 0; round < 300; ++round) {
    Flows f;
    std::vector<LinkId> links;
    for (int i = 0; i < 4; ++i) {
      links.push_back(f.sharing.add(1 + 9 * random.uniform(), i == 3 ? 0.3 : 0));
    }
    const auto uses = [&] {
      const auto first = random.below(4);
      return std::vector<Use>{{links[first], 1 + random.uniform(), random.below(2) == 0},
                              {links[(first + 1) % 4], 1, random.below(2) == 0}};
    };
    for (std::uint64_t n = 1 + random.below(6); n > 0; --n) f.join(uses());
    const Rates before = f.rates();
    const TransferId gone{random.below(f.flows)};
    const TransferId id{f.flows};
    const std::vector<Use> more = uses();
    f.sharing.enter(id, more, f.sharing.alone(more, kNoLimit), 2);
    const double beside = f.sharing.prospect(id);
    const double instead = f.sharing.prospect(id, gone);
    f.sharing.withdraw(id);
    EXPECT_FALSE(f.sharing.stale());
    EXPECT_EQ(f.rates(), before);

    f.join(more, kNoLimit, 2);
    f.sharing.solve();
    EXPECT_EQ(f.sharing.rate(id), beside);
    f.sharing.leave(gone);
    f.sharing.solve();
    EXPECT_NEAR(f.sharing.rate(id), instead, 1e-9 * instead);
  }
}

/// Weights and costs over many decades: no flow stalls and no capacity is overdrawn (solve checks).
TEST(Sharing, SurvivesExtremeWeights) {
  Flows f;
  const LinkId link = f.sharing.add(1e9);
  const LinkId other = f.sharing.add(1);
  for (int i = -9; i <= 9; ++i) {
    f.join({{link, std::pow(10.0, -i)}, {other, 1e-9}}, kNoLimit, std::pow(10.0, i));
    f.join({{link}}, kNoLimit, std::pow(10.0, i));
  }
  double used = 0;
  for (std::size_t i = 0; i < f.flows; ++i) {
    const double rate = f.rates()[i];
    EXPECT_GT(rate, 0);
    const int decade = static_cast<int>(i / 2) - 9;
    used += rate * (i % 2 == 0 ? std::pow(10.0, -decade) : 1);
  }
  EXPECT_LE(used, 1e9 * (1 + 1e-9));
}

}  // namespace
}  // namespace terrace
