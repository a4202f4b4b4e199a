#include "sim/base/largest.hpp"

#include <cstdint>
#include <set>

#include <gtest/gtest.h>

#include "sim/base/random.hpp"

namespace terrace {
namespace {

TEST(Largest, AgreesWithASortedSet) {
  Random random(1, "largest");
  Largest largest;
  std::multiset<std::int64_t> all;
  for (int i = 0; i < 20'000; ++i) {
    if (all.empty() || random.below(100) < (i % 1000 < 500 ? 60U : 40U)) {
      const auto number = static_cast<std::int64_t>(random.below(40)) - 20;
      largest.add(number);
      all.insert(number);
    } else {
      auto leaving = all.begin();
      std::advance(leaving, random.below(all.size()));
      largest.remove(*leaving);
      all.erase(leaving);
    }
    ASSERT_EQ(largest.empty(), all.empty()) << "change " << i;
    if (!all.empty()) {
      ASSERT_EQ(largest.value(), *all.rbegin()) << "change " << i;
    }
  }
}

}  // namespace
}  // namespace terrace
