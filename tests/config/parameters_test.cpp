#include "sim/config/parameters.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace terrace {
namespace {

enum class Shape { round, square };

}  // namespace
}  // namespace terrace

template <>
struct terrace::config::Names<terrace::Shape> {
  static constexpr std::string_view kKind = "shape";
  static constexpr std::pair<std::string_view, Shape> kList[] = {{"round", Shape::round},
                                                                 {"square", Shape::square}};
};

namespace terrace {
namespace {

struct Table {
  std::int64_t legs = 4;
  std::optional<double> height;
  Shape shape = Shape::square;
  double radius = 0.5;

  void tell(config::Fields& f) {
    f.field("legs", legs, "that it stands on", config::at_least(3));
    f.field("height", height, "of its top", config::kPositive);
    f.variant("shape", shape, "of its top", [&] {
      if (shape == Shape::round) f.field("radius", radius, "half across", config::between(0, 2));
    });
  }
};

TEST(ParameterList, TellsDefaultLimitsAndWhatBringsAKey) {
  Table table;
  config::ParameterList list;
  table.tell(list);
  ASSERT_EQ(list.all().size(), 4U);
  EXPECT_EQ(list.all()[0].takes, "a whole number of at least 3");
  EXPECT_EQ(list.all()[0].value, "4");
  EXPECT_EQ(list.all()[0].doc, "that it stands on");
  EXPECT_EQ(list.all()[1].takes, "a number above 0");
  EXPECT_EQ(list.all()[1].value, "");
  EXPECT_EQ(list.all()[2].takes, "one of round, square");
  EXPECT_EQ(list.all()[2].value, "square");
  EXPECT_EQ(list.all()[3].key, "radius");
  EXPECT_EQ(list.all()[3].takes, "a number from 0 to 2");
  EXPECT_THAT(list.all()[3].only_with, ::testing::ElementsAre("shape: round"));
  EXPECT_EQ(table.shape, Shape::square) << "asking changes nothing";
}

TEST(ParameterList, LeavesOutWhatAGivenKeyExcludes) {
  Table table;
  config::ParameterList list("shape");
  table.tell(list);
  EXPECT_EQ(list.all().size(), 2U);
}

}  // namespace
}  // namespace terrace
