#include "sim/config/writer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/config/machine.hpp"
#include "tests/for_all.hpp"

namespace terrace {
namespace {

using namespace literals;
using config::Capacity;
using testing::Gpu;
using testing::Law;
using testing::Machine;
using testing::Mode;
using testing::read_machine;

std::string written(const Machine& machine) {
  Machine copy = machine;
  return config::Writer().write(copy);
}

/// Written and read, it is the same machine, which is written the same.
void expect_round_trip(const Machine& machine) {
  const std::string text = written(machine);
  const auto again = read_machine(text);
  EXPECT_EQ(again.mistakes, "") << text;
  EXPECT_EQ(again.machine, machine) << text;
  EXPECT_EQ(written(again.machine), text);
}

Machine full() {
  Machine m;
  m.name = "x: y";
  m.seed = -7;
  m.share = 0.1;
  m.memory = 80_GiB;
  m.rate = FlopRate{989.5e12};
  m.pause = 1500ns;
  m.weight = 1e-9;
  m.mode = Mode::fast;
  m.law = Law::random;
  m.frequency = Frequency{20};
  m.burst = Mode::fast;
  m.peak = 3;
  m.link = {55_GBps, 2us};
  m.spare = testing::Link{};
  m.gpu = Gpu{"H200", Bytes{141'000'000'000}, {64_GBps, 1us}, {16, 8}};
  m.stores = {{"a", {}, {}}, {std::nullopt, Capacity{Bytes::max()}, {1_KiB, Bytes{3}}}};
  m.steps = {1s, 90s};
  m.notes = {{"how", "it's \"so\""}, {"why: this", "a\nb"}};
  return m;
}

TEST(Writer, SpellsEverythingOut) {
  EXPECT_EQ(written(full()), R"(name: "x: y"
seed: -7
share: 0.1
enabled: true
window: 2048
memory: 80 GiB
rate: 989.5 TFLOP/s
pause: 1.5 us
weight: 1e-09
mode: fast
law: random
frequency: 20 Hz
burst: fast
peak: 3
link:
  bandwidth: 55 GB/s
  latency: 2 us
spare:
  bandwidth: 0 B/s
  latency: 0 ps
gpu:
  name: H200
  memory: 141 GB
  link:
    bandwidth: 64 GB/s
    latency: 1 us
  lanes:
    - 16
    - 8
stores:
  - name: a
    capacity: 0
    sizes: []
  - capacity: unlimited
    sizes:
      - 1 KiB
      - 3 B
steps:
  - 1 s
  - 90 s
notes:
  how: "it's \"so\""
  "why: this": "a\x0ab"
)");
}

TEST(Writer, WhatIsWrittenReadsBackTheSame) {
  expect_round_trip(full());
  Machine least;
  least.name = "least";
  expect_round_trip(least);
  for (const Law law : {Law::none, Law::fixed, Law::random}) {
    least.law = law;
    least.period = law == Law::fixed ? 5ms : 0ms;
    expect_round_trip(least);
  }
}

TEST(Writer, AnyTextReadsBackTheSame) {
  for (const std::string text :
       {"",     "~",     "null", "Null", "NULL", "nUll", "true",         "12",     "1.5 GB",
        " a",   "a ",    "a  b", "-",    "- a",  "---",  "...",          "a: b",   "a:",
        "a #b", "#",     "'",    "\"",   "\\",   "\\n",  "a\nb",         "\t",     "\x01",
        "\x7f", "\x1b[", "*a",   "&a",   "!a",   "%a",   "@a",           "`a",     "{a}",
        "[a]",  "a, b",  "? a",  "| a",  "> a",  "é",    "\xE2\x80\xA8", "a/b+c.d"}) {
    Machine m;
    m.name = text;
    m.stores.resize(1);
    m.stores[0].name = text;
    m.notes = {{text, text}};
    expect_round_trip(m);
  }
}

struct Page {
  std::optional<std::int64_t> number;
};

struct Book {
  std::optional<Page> first;
  std::vector<Page> others;
  Page last;
};

void describe(config::Fields& f, Page& page) { f.field("number", page.number, "of the page"); }

void describe(config::Fields& f, Book& book) {
  f.object("first", book.first, "to be read");
  f.list("others", book.others, "in between");
  f.object("last", book.last, "to be read", true);
}

TEST(Writer, AnEmptyMappingIsNotOneThatWasLeftOut) {
  Book book{Page{}, {Page{}, Page{3}, Page{}}, {}};
  const std::string text = config::Writer().write(book);
  EXPECT_EQ(text, R"(first: {}
others:
  - {}
  - number: 3
  - {}
last: {}
)");
  config::Diagnostics diagnostics;
  const config::Node root = config::parse_yaml("book.yaml", text, diagnostics);
  Book again;
  config::Reader(root, "the book", {}, diagnostics).read(again);
  EXPECT_EQ(diagnostics.render(), "");
  EXPECT_EQ(config::Writer().write(again), text);
}

// --- every value of every quantity ---------------------------------------------------------------

/// A property on 2000 random cases.
template <class Property>
void for_all(Property property) {
  tests::for_all(property, 2000);
}

/// Numbers of all sizes, up to `most`.
std::int64_t number(std::int64_t most) {
  const int bits = *rc::gen::inRange(0, 63);
  const auto any = *rc::gen::arbitrary<std::uint64_t>();
  const auto cut = static_cast<std::int64_t>((any >> 1U) >> static_cast<unsigned>(62 - bits));
  return std::min(cut, most);
}

/// Doubles of all sizes, down to the smallest and up to `most`, and round ones.
double real(double most) {
  const int exponent = *rc::gen::inRange(-320, 300);
  const auto any = static_cast<double>(*rc::gen::arbitrary<std::uint64_t>());
  const double digits = *rc::gen::arbitrary<bool>() ? std::fmod(any, 1000) : any / 1e18;
  const int scale = *rc::gen::arbitrary<bool>() ? exponent : exponent / 25;
  return std::min(digits * std::pow(10.0, scale), most);
}

template <class T>
void expect_exact(T value) {
  const std::string text = config::Scalar<T>::format(value);
  const auto parsed = config::Scalar<T>::parse(text);
  RC_ASSERT(parsed.value.has_value());
  RC_ASSERT((*parsed.value == value));
  RC_ASSERT(config::Scalar<T>::format(*parsed.value) == text);
}

constexpr std::int64_t kMostWhole = 4'600'000'000'000'000'000;

TEST(ScalarSlow, ReadsWhatItWritesExactly) {
  for_all([] { expect_exact(Bytes{number(kMostWhole)}); });
  for_all([] { expect_exact(Duration{number(kMostWhole)}); });
  for_all([] { expect_exact(Tokens{number(kMostWhole)}); });
  for_all([] { expect_exact(Capacity{Bytes{number(kMostWhole)}}); });
  for_all([] { expect_exact(Bandwidth{real(1e300)}); });
  for_all([] { expect_exact(FlopRate{real(1e300)}); });
  for_all([] { expect_exact(Frequency{real(1e300)}); });
  for_all([] { expect_exact(Power{real(1e15)}); });
  for_all([] { expect_exact(Dollars{real(1e15)}); });
  for_all([] { expect_exact(DollarsPerHour{real(1e15)}); });
  for_all([] { expect_exact(DollarsPerTB{real(1e15)}); });
  for_all([] { expect_exact(DollarsPerKWh{real(1e15)}); });
  for_all([] { expect_exact(Years{std::max(real(1e12), 1e-6)}); });
  for_all([] { expect_exact(real(1e300)); });
  for_all([](double value) { expect_exact(value); });
  for_all([](std::int64_t value) { expect_exact(value); });
  for_all([](bool value) { expect_exact(value); });
}

TEST(Scalar, ReadsWholeNumbersOfTheBaseUnitToTheLastDigit) {
  const auto bytes = [](const char* text) { return config::Scalar<Bytes>::parse(text).value; };
  EXPECT_EQ(bytes("4599999999999999999 B"), Bytes{4599999999999999999});
  EXPECT_EQ(bytes("4599999999999999999B"), Bytes{4599999999999999999});
  EXPECT_EQ(bytes("4700000000000000000 B"), std::nullopt);
  EXPECT_EQ(bytes("9300000000000000000 B"), std::nullopt);
  EXPECT_EQ(config::Scalar<Bytes>::format(Bytes{9007199254740993}), "9007199254740993 B");
}

TEST(Scalar, WritesTheShortestExactForm) {
  EXPECT_EQ(config::Scalar<Bytes>::format(1536_MiB), "1.5 GiB");
  EXPECT_EQ(config::Scalar<Bytes>::format(Bytes{1'500'000}), "1.5 MB");
  EXPECT_EQ(config::Scalar<Bytes>::format(Bytes{1001}), "1001 B");
  EXPECT_EQ(config::Scalar<Duration>::format(Duration{1}), "1 ps");
  EXPECT_EQ(config::Scalar<Duration>::format(2h), "2 h");
  EXPECT_EQ(config::Scalar<Duration>::format(1234567ns), "1234567 ns");
  EXPECT_EQ(config::Scalar<Bandwidth>::format(Bandwidth{12.5e9}), "12.5 GB/s");
  EXPECT_EQ(config::Scalar<Power>::format(Power{700}), "700 W");
  EXPECT_EQ(config::Scalar<Dollars>::format(Dollars{35000}), "35000 USD");
  EXPECT_EQ(config::Scalar<DollarsPerHour>::format(DollarsPerHour{3.8}), "3.8 USD/h");
  EXPECT_EQ(config::Scalar<DollarsPerTB>::format(DollarsPerTB{357}), "357 USD/TB");
  EXPECT_EQ(config::Scalar<DollarsPerTB>::format(DollarsPerTB{11e3}), "11 USD/GB");
}

}  // namespace
}  // namespace terrace
