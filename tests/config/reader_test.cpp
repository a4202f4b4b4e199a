#include "sim/config/reader.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/config/machine.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::Law;
using testing::Machine;
using testing::read_machine;

/// What a user is told about a machine that has a name and what `yaml` says.
std::string mistakes(const std::string& yaml) { return read_machine("name: x\n" + yaml).mistakes; }

Machine read(const std::string& yaml) {
  const auto outcome = read_machine("name: x\n" + yaml);
  EXPECT_EQ(outcome.mistakes, "") << yaml;
  return outcome.machine;
}

// --- what is read --------------------------------------------------------------------------------

TEST(Reader, ReadsEveryKindOfValue) {
  const Machine m = read(R"(
seed: -3
share: 0.25
enabled: false
window: 4096
memory: 1.5 GiB
rate: 989 TFLOP/s
law: random
frequency: 90 /min
burst: fast
peak: 1e3
link: {bandwidth: 100 Gbit/s, latency: 1.5us}
spare: {}
stores:
  - {name: a, capacity: 0, sizes: [1 B, 2 kB]}
  - capacity: unlimited
steps: [1 ps, 2 min]
notes: {why: "not: easy", how: 'it''s'}
)");
  EXPECT_EQ(m.seed, -3);
  EXPECT_EQ(m.share, 0.25);
  EXPECT_FALSE(m.enabled);
  EXPECT_EQ(m.window, 4096_tok);
  EXPECT_EQ(m.memory, 1536_MiB);
  EXPECT_EQ(m.rate, FlopRate{989e12});
  EXPECT_EQ(m.law, Law::random);
  EXPECT_EQ(m.frequency, Frequency{1.5});
  EXPECT_EQ(m.peak, 1000);
  EXPECT_EQ(m.link.bandwidth, Bandwidth{12.5e9});
  EXPECT_EQ(m.link.latency, 1500ns);
  EXPECT_TRUE(m.spare.has_value());
  EXPECT_EQ(m.weight, std::nullopt);
  ASSERT_EQ(m.stores.size(), 2U);
  EXPECT_EQ(m.stores[0].name, "a");
  EXPECT_EQ(m.stores[0].sizes, (std::vector{1_B, Bytes{2000}}));
  EXPECT_TRUE(m.stores[1].capacity.unlimited());
  EXPECT_EQ(m.steps, (std::vector<Duration>{Duration{1}, 2min}));
  EXPECT_EQ(m.notes.at("why") + m.notes.at("how"), "not: easyit's");
}

TEST(Reader, LeadingZerosAreNotOctal) {
  const Machine m = read("seed: 010\nshare: 00.5\nmemory: 010 B\n");
  EXPECT_EQ(m.seed, 10);
  EXPECT_EQ(m.share, 0.5);
  EXPECT_EQ(m.memory, 10_B);
}

TEST(Reader, AQuotedValueIsReadLikeAPlainOne) {
  EXPECT_EQ(read("seed: '12'\nmode: \"fast\"\n").seed, 12);
  EXPECT_EQ(read_machine("name: \"null\"\n").machine.name, "null");
  EXPECT_EQ(read_machine("name: \"\"\n").machine.name, "");
}

TEST(Reader, NullMeansLeftOut) {
  const Machine m = read("seed: ~\nshare:\nlink: null\nspare: NULL\nstores: ~\nlaw: ~\n");
  EXPECT_EQ(m, read(""));
  EXPECT_EQ(read_machine("name: ~\n").mistakes,
            R"(m.yaml:1:1: error: the machine lacks the key 'name'
    1 | name: ~
      | ^
)");
}

TEST(Reader, JsonIsYaml) {
  EXPECT_EQ(
      read_machine(R"({"name": "x", "steps": ["1 s"], "link": {"latency": "1 ns"}})").mistakes, "");
}

// --- mistakes ------------------------------------------------------------------------------------

TEST(ReaderMistakes, AnUnknownKey) {
  EXPECT_EQ(mistakes("sede: 7\nlink: {latncy: 1 s, colour: red}\n"),
            R"(m.yaml:2:1: error: unknown key 'sede' in the machine
    2 | sede: 7
      | ^~~~ did you mean 'seed'?
m.yaml:3:8: error: unknown key 'latncy' in 'link'
    3 | link: {latncy: 1 s, colour: red}
      |        ^~~~~~ did you mean 'latency'?
m.yaml:3:21: error: unknown key 'colour' in 'link'
    3 | link: {latncy: 1 s, colour: red}
      |                     ^~~~~~ expected one of: bandwidth, latency
)");
}

TEST(ReaderMistakes, AMissingKey) {
  EXPECT_EQ(read_machine("").mistakes, "m.yaml: error: the machine lacks the key 'name'\n");
  EXPECT_EQ(read_machine("seed: 1\ngpu: {name: y}\n").mistakes,
            R"(m.yaml:1:1: error: the machine lacks the key 'name'
    1 | seed: 1
      | ^
m.yaml:2:6: error: 'gpu' lacks the key 'memory'
    2 | gpu: {name: y}
      |      ^
m.yaml:2:6: error: 'gpu' lacks the key 'link'
    2 | gpu: {name: y}
      |      ^
)");
}

TEST(ReaderMistakes, AQuantityWithoutItsUnit) {
  EXPECT_EQ(mistakes("memory: 80\nsteps: [1 s, 2]\nlaw: random\nfrequency: 5 per s\n"),
            R"(m.yaml:2:9: error: 'memory' must be a size with its unit, such as '80 GiB'
    2 | memory: 80
      |         ^~ '80' lacks a unit: B, kB, KiB, MB, MiB, GB, GiB, TB, TiB, PB
m.yaml:3:14: error: 'steps[1]' must be a time with its unit, such as '1.5 us'
    3 | steps: [1 s, 2]
      |              ^ '2' lacks a unit: ps, ns, us, ms, s, min, h, d
m.yaml:5:12: error: 'frequency' must be a frequency with its unit, such as '20 /s'
    5 | frequency: 5 per s
      |            ^~~~~~~ 'per s' is not a known unit: /s, req/s, Hz, /min, /h
)");
}

TEST(ReaderMistakes, ANumberThatIsNone) {
  EXPECT_EQ(mistakes("memory: -5 GB\nshare: 0x10\nseed: 1.5\npause: soon\nenabled: yes\n"),
            R"(m.yaml:2:9: error: 'memory' must be a size with its unit, such as '80 GiB'
    2 | memory: -5 GB
      |         ^~~~~ '-5 GB' is negative
m.yaml:3:8: error: 'share' must be a number
    3 | share: 0x10
      |        ^~~~ '0x10' is not a plain number
m.yaml:4:7: error: 'seed' must be a whole number
    4 | seed: 1.5
      |       ^~~ '1.5' is not a whole number
m.yaml:5:8: error: 'pause' must be a time with its unit, such as '1.5 us'
    5 | pause: soon
      |        ^~~~ 'soon' does not begin with a number
m.yaml:6:10: error: 'enabled' must be true or false
    6 | enabled: yes
      |          ^~~ 'yes' is neither
)");
}

TEST(ReaderMistakes, ANumberTooLarge) {
  EXPECT_EQ(mistakes("memory: 1e30 TB\nseed: 99999999999999999999\npause: 1e400 s\n"),
            R"(m.yaml:2:9: error: 'memory' must be a size with its unit, such as '80 GiB'
    2 | memory: 1e30 TB
      |         ^~~~~~~ '1e30 TB' is too large to represent
m.yaml:3:7: error: 'seed' must be a whole number
    3 | seed: 99999999999999999999
      |       ^~~~~~~~~~~~~~~~~~~~ '99999999999999999999' is too large to represent
m.yaml:4:8: error: 'pause' must be a time with its unit, such as '1.5 us'
    4 | pause: 1e400 s
      |        ^~~~~~~ '1e400 s' is too large to represent
)");
  for (const char* text : {"share: inf", "share: nan", "memory: inf GB", "memory: nan GB"}) {
    EXPECT_NE(mistakes(text), "") << text;
  }
}

TEST(ReaderMistakes, ANumberOutOfItsLimits) {
  EXPECT_EQ(mistakes("share: 1.5\nwindow: 15\nweight: 0\n"),
            R"(m.yaml:2:8: error: 'share' must be between 0 and 1
    2 | share: 1.5
      |        ^~~
m.yaml:3:9: error: 'window' must be at least 16
    3 | window: 15
      |         ^~
m.yaml:4:9: error: 'weight' must be greater than 0
    4 | weight: 0
      |         ^
)");
  EXPECT_EQ(mistakes("share: 1\nwindow: 16\n"), "") << "the ends are included";
}

/// Nor is anything said about the keys that the right kind of thing would have.
TEST(ReaderMistakes, SomethingOfAnotherKind) {
  EXPECT_EQ(mistakes("seed: [1]\nlink: 5\nstores: {}\nsteps: 5 s\nnotes: [a]\ngpu: [b]\n"),
            R"(m.yaml:2:7: error: 'seed' must be a whole number
    2 | seed: [1]
      |       ^
m.yaml:3:7: error: 'link' must be a mapping of keys to values
    3 | link: 5
      |       ^
m.yaml:4:9: error: 'stores' must be a list
    4 | stores: {}
      |         ^
m.yaml:5:8: error: 'steps' must be a list
    5 | steps: 5 s
      |        ^~~
m.yaml:6:8: error: 'notes' must be a mapping of texts
    6 | notes: [a]
      |        ^
m.yaml:7:6: error: 'gpu' must be a mapping of keys to values
    7 | gpu: [b]
      |      ^
)");
  EXPECT_EQ(read_machine("- a\n").mistakes,
            R"(m.yaml:1:1: error: the machine must be a mapping of keys to values
    1 | - a
      | ^
)");
}

TEST(ReaderMistakes, AMisspeltChoice) {
  EXPECT_EQ(mistakes("mode: fats\nlaw: often\nfrequency: 5 /s\n"),
            R"(m.yaml:2:7: error: no mode is called 'fats'
    2 | mode: fats
      |       ^~~~ did you mean 'fast'?
m.yaml:3:6: error: no law is called 'often'
    3 | law: often
      |      ^~~~~ expected one of: none, fixed, random
)") << "which further keys belong to the law is unknown, so nothing is said about them";
}

TEST(ReaderMistakes, AKeyOfAnotherAlternative) {
  const std::string hint = R"(expected one of: name, seed, share, enabled, window, memory, rate, )"
                           R"(pause, weight, mode, law, period, link, spare, gpu, stores, steps, )"
                           "notes\n";
  EXPECT_EQ(mistakes("law: fixed\nperiod: 1 s\npeak: 5\n"),
            R"(m.yaml:4:1: error: unknown key 'peak' in the machine
    4 | peak: 5
      | ^~~~ )" +
                hint);
  EXPECT_EQ(mistakes("law: fixed\n"), R"(m.yaml:1:1: error: the machine lacks the key 'period'
    1 | name: x
      | ^
)");
  EXPECT_EQ(mistakes("law: random\nburst: fast\npeak: 5\n"), "");
}

TEST(ReaderMistakes, WhatOnlyTheWholeCanTell) {
  EXPECT_EQ(mistakes("enabled: false\npause: 1 s\n"),
            R"(m.yaml:2:10: error: a machine that pauses must run
    2 | enabled: false
      |          ^~~~~ remove pause
)");
  EXPECT_EQ(mistakes("enabled: false\npause: 1 s\nmode: quick\n").find("pauses"), std::string::npos)
      << "a machine that was misread is not judged";
}

}  // namespace
}  // namespace terrace
