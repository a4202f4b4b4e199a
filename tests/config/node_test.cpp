#include "sim/config/node.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sim/config/path.hpp"
#include "tests/config/machine.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::Machine;
using testing::Mode;
using testing::read_machine;

std::string mistakes(const std::string& yaml) { return read_machine("name: x\n" + yaml).mistakes; }

// --- YAML ----------------------------------------------------------------------------------------

TEST(Yaml, MistakesAreFoundWhereTheyAre) {
  EXPECT_EQ(mistakes("link: {bandwidth: 5 GB/s\nseed: 1\n"),
            R"(m.yaml:3:5: error: end of map flow not found
    3 | seed: 1
      |     ^
)");
  EXPECT_EQ(mistakes("name: y\nlink: {latency: 1 s, latency: 2 s}\n"),
            R"(m.yaml:2:1: error: duplicate key 'name'
    2 | name: y
      | ^~~~
m.yaml:3:22: error: duplicate key 'latency'
    3 | link: {latency: 1 s, latency: 2 s}
      |                      ^~~~~~~
)");
  EXPECT_EQ(mistakes("seed: &a 1\nwindow: *a\n? {b: c}\n: 1\n"),
            R"(m.yaml:2:7: error: anchors and aliases are not supported
    2 | seed: &a 1
      |       ^ write the value out
m.yaml:3:9: error: anchors and aliases are not supported
    3 | window: *a
      |         ^ write the value out
m.yaml:4:3: error: a key must be a name
    4 | ? {b: c}
      |   ^
)");
}

TEST(Yaml, TextBehindTheDocument) {
  EXPECT_EQ(mistakes("---\nseed: 3\n"), R"(m.yaml:2:1: error: the document has ended before this
    2 | ---
      | ^ only one is read
)");
  EXPECT_EQ(read_machine("{name: x}\nseed: 3\n").mistakes,
            R"(m.yaml:2:1: error: the document has ended before this
    2 | seed: 3
      | ^ only one is read
)");
  EXPECT_EQ(read_machine("---\nname: x\n...\n# the end\n").mistakes, "");
}

TEST(Yaml, BottomlessNesting) {
  std::string dashes;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  for (const std::string& text : {std::string(100'000, '['), std::string(100'000, '{'), dashes}) {
    EXPECT_NE(read_machine(text).mistakes, "");
  }
}

TEST(Yaml, ControlCharactersStayOffTheTerminal) {
  for (const char c : mistakes("x\x1b[31m: \"\\e[0m\"\nmode: \"\\e\\a\"\n")) {
    EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << static_cast<int>(c);
  }
}

TEST(Yaml, AFileThatCannotBeReadIsNamed) {
  const auto message = [](const std::string& path) {
    try {
      config::read_text_file(path);
    } catch (const config::ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message("/nowhere/m.yaml"),
            "/nowhere/m.yaml: error: cannot read this file: No such file or directory\n");
  EXPECT_EQ(message("/"), "/: error: cannot read this file: Is a directory\n");
}

// --- overrides -----------------------------------------------------------------------------------

Machine with(const std::string& yaml, const std::vector<std::string>& sets) {
  const auto outcome = read_machine("name: x\n" + yaml, sets);
  EXPECT_EQ(outcome.mistakes, "");
  return outcome.machine;
}

TEST(Paths, AKeyLiesWithinItselfAndWhatHoldsIt) {
  EXPECT_TRUE(config::lies_within("serving.replicas", "serving"));
  EXPECT_TRUE(config::lies_within("tiers[0].capacity", "tiers"));
  EXPECT_TRUE(config::lies_within("tiers", "tiers"));
  EXPECT_FALSE(config::lies_within("serving", "serving.replicas"));
  EXPECT_FALSE(config::lies_within("serving.replicas_per_host", "serving.replicas"));
}

TEST(Override, ReplacesWhatIsThereAndMakesWhatIsNot) {
  const Machine m = with("seed: 1\nlink: {latency: 1 s}\n",
                         {"seed=2", "link.latency=2 s", "link.bandwidth=3 GB/s",
                          "spare.latency=4 s", "seed=5", "mode=fast"});
  EXPECT_EQ(m.seed, 5) << "the last one counts";
  EXPECT_EQ(m.link.latency, 2s);
  EXPECT_EQ(m.link.bandwidth, 3_GBps);
  EXPECT_EQ(m.spare->latency, 4s);
  EXPECT_EQ(m.mode, Mode::fast);
}

TEST(Override, WorksOnAnEmptyFile) {
  const auto outcome = read_machine("", {"name=x", "link.latency=1 s"});
  EXPECT_EQ(outcome.mistakes, "");
  EXPECT_EQ(outcome.machine.link.latency, 1s);
}

TEST(Override, ReachesIntoLists) {
  const Machine m = with("stores: [{name: a}, {name: b, sizes: [1 B, 2 B]}]\n",
                         {"stores[0].name=c", "stores[1].sizes[1]=7 B", "stores[1].capacity=0"});
  EXPECT_EQ(m.stores[0].name, "c");
  EXPECT_EQ(m.stores[1].sizes, (std::vector{1_B, 7_B}));
}

TEST(Override, ValuesAreYaml) {
  const Machine m = with("weight: 3\nsteps: [1 s]\n",
                         {"steps=[2 s, 3 s]", "link={latency: 5 s}", "weight=~", "notes.why=a=b"});
  EXPECT_EQ(m.steps, (std::vector<Duration>{2s, 3s}));
  EXPECT_EQ(m.link.latency, 5s);
  EXPECT_EQ(m.weight, std::nullopt) << "null takes a key away";
  EXPECT_EQ(m.notes.at("why"), "a=b");
  EXPECT_EQ(with("seed: 7\n", {"seed="}).seed, 1);
}

TEST(Override, ATextIsTakenAsItIs) {
  config::Diagnostics diagnostics;
  config::Node root = config::parse_yaml("m.yaml", "name: x", diagnostics);
  config::apply_text_override(root, "notes.path", "[~]: #&*.json", diagnostics);
  Machine m;
  config::Reader(root, "the machine", {}, diagnostics).read(m);
  EXPECT_EQ(diagnostics.render(), "");
  EXPECT_EQ(m.notes.at("path"), "[~]: #&*.json");
}

TEST(OverrideMistakes, PathsThatLeadNowhere) {
  const auto told = [](const std::string& set) {
    const std::string mistakes = read_machine("name: x\nstores: [{}]\n", {set}).mistakes;
    const std::string place = "--set " + set + ": error: ";
    EXPECT_EQ(mistakes.substr(0, place.size()), place);
    return mistakes.substr(std::min(place.size(), mistakes.size()));
  };
  EXPECT_EQ(told("seed"), "an override is written key=value; as in serving.replicas=2\n");
  for (const std::string path : {"", ".a", "a.", "a..b", "[0]", "stores[", "stores[]", "stores[x]",
                                 "stores[0]x", "stores[-1]", "stores[99999999999999999999]"}) {
    EXPECT_EQ(told(path + "=1"), "'" + path + "' is not a path of keys; as in tiers[0].capacity\n");
  }
  EXPECT_EQ(told("stores[1].name=a"), "there is no element [1] to set; the list has 1 elements\n");
  EXPECT_EQ(told("stores.name=a"),
            "'name' is looked for in a list; say which element, as in tiers[0].capacity\n");
  EXPECT_EQ(told("zeed=1"), "unknown key 'zeed' in the machine; did you mean 'seed'?\n");
  EXPECT_EQ(told("share=2"), "'share' must be between 0 and 1\n");
}

TEST(OverrideMistakes, InTheValueAreShownThere) {
  EXPECT_EQ(read_machine("name: x\n", {"seed=[1"}).mistakes,
            R"(--set seed=[1:1:1: error: end of sequence flow not found
    1 | [1
      | ^
)");
}

TEST(OverrideMistakes, ComeAfterThoseOfTheFile) {
  EXPECT_EQ(read_machine("name: x\nmode: quick\n", {"share=2", "zeed=1"}).mistakes,
            R"(m.yaml:2:7: error: no mode is called 'quick'
    2 | mode: quick
      |       ^~~~~ expected one of: slow, fast
--set share=2: error: 'share' must be between 0 and 1
--set zeed=1: error: unknown key 'zeed' in the machine; did you mean 'seed'?
)");
}

}  // namespace
}  // namespace terrace
