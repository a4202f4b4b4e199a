#include "sim/config/choice.hpp"

#include <memory>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "sim/config/node.hpp"
#include "sim/config/reader.hpp"
#include "sim/config/schema.hpp"
#include "sim/config/writer.hpp"

namespace terrace {
namespace {

/// What a drink costs.
struct Drink {
  virtual ~Drink() = default;
  [[nodiscard]] virtual std::int64_t price() const = 0;
};

struct Bar {
  enum class Needs { nothing, ice };
  std::int64_t markup = 0;
};

class DrinkRecipe : public config::Recipe<DrinkRecipe, Drink, Bar> {};

struct Water final : Drink {
  [[nodiscard]] std::int64_t price() const override { return 1; }
};

struct Juice final : Drink {
  struct Options {
    std::int64_t fruits = 3;
    double share = 0.5;
    void tell(config::Fields& f) {
      f.field("fruits", fruits, "that are pressed", config::between(1, 9));
      f.field("share", share, "of juice", config::kFraction);
    }
  };
  static constexpr Bar::Needs kNeeds = Bar::Needs::ice;
  Juice(const Options& options, const Bar& bar) : cost(options.fruits + bar.markup) {}
  [[nodiscard]] std::int64_t price() const override { return cost; }
  std::int64_t cost;
};

struct Tea final : Drink {
  struct Options {
    std::int64_t minutes = 3;
    void tell(config::Fields& f) { f.field("minutes", minutes, "that it draws"); }
  };
  Tea(const Options& options, const Bar&) : cost(10 * options.minutes) {}
  [[nodiscard]] std::int64_t price() const override { return cost; }
  std::int64_t cost;
};

template <class Class>
std::unique_ptr<DrinkRecipe> recipe() {
  return std::make_unique<config::RecipeOf<DrinkRecipe, Class>>();
}

struct Order {
  config::Choice<DrinkRecipe> drink;
  std::int64_t glasses = 1;
};

void describe(config::Fields& f, Order& order) {
  f.choice("drink", order.drink, "what there is");
  f.field("glasses", order.glasses, "how many");
}

}  // namespace

template <>
struct config::Variants<DrinkRecipe> {
  static constexpr std::string_view kKind = "drink";
  static constexpr std::string_view kDefault = "water";
  static std::span<const Variant<DrinkRecipe>> all() {
    static constexpr Variant<DrinkRecipe> kAll[] = {{"water", "from the tap", recipe<Water>},
                                                    {"juice", "of fruits", recipe<Juice>},
                                                    {"tea", "hot", recipe<Tea>}};
    return kAll;
  }
};

namespace {

struct Reading {
  Order order;
  std::string mistakes;
};

Reading read(const std::string& yaml) {
  Reading reading;
  config::Diagnostics diagnostics;
  const config::Node root = config::parse_yaml("o.yaml", yaml, diagnostics);
  if (diagnostics.ok()) {
    config::Reader reader(root, "the order", {}, diagnostics);
    reader.read(reading.order);
  }
  reading.mistakes = diagnostics.render();
  return reading;
}

std::int64_t price(const Order& order) { return order.drink.recipe().make({100})->price(); }

TEST(Choice, NobodySaysAndTheDefaultIsMeant) {
  const Reading r = read("glasses: 2\n");
  EXPECT_EQ(r.mistakes, "");
  EXPECT_EQ(r.order.drink.name(), "water");
  EXPECT_EQ(price(r.order), 1);
  EXPECT_EQ(r.order.drink.recipe().needs(), Bar::Needs::nothing);
}

TEST(Choice, ANameAloneHasTheDefaultsOfItsParameters) {
  const Reading r = read("drink: juice\n");
  EXPECT_EQ(r.mistakes, "");
  EXPECT_EQ(price(r.order), 103);
  EXPECT_EQ(r.order.drink.recipe().needs(), Bar::Needs::ice);
}

TEST(Choice, AMappingHasParameters) {
  EXPECT_EQ(price(read("drink: {policy: juice, fruits: 7}\n").order), 107);
  EXPECT_EQ(price(read("drink:\n  minutes: 4\n  policy: tea\n").order), 40) << "in any order";
  EXPECT_EQ(price(read("drink: {}\n").order), 1);
}

TEST(Choice, MistakesSayWhereAndWhatIsThere) {
  EXPECT_TRUE(read("drink: jiuce\n").mistakes.starts_with("o.yaml:1:8: error: "))
      << read("drink: jiuce\n").mistakes;
  EXPECT_NE(read("drink: jiuce\n").mistakes.find("did you mean 'juice'?"), std::string::npos);
  const std::string unknown = read("glasses: 1\ndrink: {policy: juice, friuts: 2}\n").mistakes;
  EXPECT_TRUE(unknown.starts_with("o.yaml:2:24: error: ")) << unknown;
  EXPECT_NE(unknown.find("did you mean 'fruits'?"), std::string::npos) << unknown;
  const std::string other = read("drink: {policy: juice, minutes: 2}\n").mistakes;
  EXPECT_TRUE(other.starts_with("o.yaml:1:24: error: ")) << other;
  const std::string none = read("drink: {policy: water, fruits: 2}\n").mistakes;
  EXPECT_TRUE(none.starts_with("o.yaml:1:24: error: ")) << none;
  const std::string range = read("drink: {policy: juice, fruits: 10}\n").mistakes;
  EXPECT_TRUE(range.starts_with("o.yaml:1:32: error: ")) << range;
  EXPECT_NE(read("drink: [juice]\n").mistakes, "");
}

TEST(Choice, IsWrittenInFullAndReadsBack) {
  for (const std::string yaml :
       {"drink: juice\n", "drink: {policy: juice, fruits: 2, share: 0.125}\n", "drink: water\n",
        "drink: {policy: tea, minutes: -1}\n"}) {
    Order order = read(yaml).order;
    const std::string text = config::Writer().write(order);
    Reading again = read(text);
    EXPECT_EQ(again.mistakes, "") << text;
    EXPECT_EQ(price(again.order), price(order)) << text;
    EXPECT_EQ(config::Writer().write(again.order), text);
  }
  Order order = read("drink: juice\n").order;
  EXPECT_NE(config::Writer().write(order).find("fruits: 3"), std::string::npos);
}

TEST(Choice, ACopyIsItsOwn) {
  const Order first = read("drink: {policy: juice, fruits: 7}\n").order;
  Order second = first;
  second = read("drink: tea\n").order;
  EXPECT_EQ(price(first), 107);
  EXPECT_EQ(price(second), 30);
  second = first;
  EXPECT_EQ(price(second), 107);
  Order copy = second;  // its parameters are written as they were read
  EXPECT_NE(config::Writer().write(copy).find("fruits: 7"), std::string::npos);
}

TEST(Choice, TheSchemaKnowsTheNameAndTheMapping) {
  Order order;
  const auto schema =
      config::SchemaMaker(config::Catalogue()).schema_of(order, "an order")["properties"]["drink"];
  ASSERT_TRUE(schema.contains("anyOf")) << schema.dump(2);
  ASSERT_EQ(schema["anyOf"].size(), 2U);
  const std::string text = schema.dump();
  for (const char* word : {"water", "juice", "tea", "fruits", "minutes", "policy"}) {
    EXPECT_NE(text.find(word), std::string::npos) << word;
  }
  const bool alone = schema["anyOf"][0].contains("enum");
  EXPECT_EQ(schema["anyOf"][alone ? 0 : 1]["enum"].size(), 3U);
}

}  // namespace
}  // namespace terrace
