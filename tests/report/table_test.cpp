#include "sim/report/table.hpp"

#include <string>

#include <gtest/gtest.h>

#include "sim/report/human.hpp"
#include "tests/report/scratch.hpp"

namespace terrace {
namespace {

TEST(Table, AlignsTheFirstColumnLeftAndAllOthersRight) {
  Table table({"Latency", "mean", "p99"});
  table.add({"TTFT", "16.89 ms", "31 ms"});
  table.add({"E2E", "3.25 s", ""});
  EXPECT_EQ(table.text(),
            "Latency      mean    p99\n"
            "TTFT     16.89 ms  31 ms\n"
            "E2E        3.25 s\n");
  EXPECT_EQ(table.rows(), 2U);
}

TEST(Table, CountsCharactersNotBytes) {
  Table table({"Link", "busy"});
  table.add({"größe", "1 µs"});
  EXPECT_EQ(table.text(), "Link   busy\ngröße  1 µs\n");
}

TEST(Table, ShortensTheFirstColumnSoAsToFit) {
  Table table({"name", "value"});
  table.add({std::string(200, 'x'), "1"});
  table.add({std::string(93, 'y'), "2"});
  const std::vector<std::string> lines = lines_of(table.text());
  EXPECT_EQ(lines[1], std::string(91, 'x') + "..      1");
  EXPECT_EQ(lines[2], std::string(93, 'y') + "      2");
}

TEST(Paragraph, BreaksBetweenWordsAndIndents) {
  EXPECT_EQ(paragraph("  key  ", "short"), "  key  short\n");
  std::string text;
  for (int i = 0; i < 30; ++i) text += "seven77 ";
  for (const std::string& line : lines_of(paragraph("  key  ", text))) {
    EXPECT_LE(columns_of(line), kReportWidth);
    EXPECT_EQ(line.substr(7, 7), "seven77");
  }
  EXPECT_EQ(paragraph("", std::string(150, 'x')), std::string(150, 'x') + "\n");
}

TEST(Human, GivesTimesFourDigitsAndTheirUnit) {
  EXPECT_EQ(human::time(0), "0 ms");
  EXPECT_EQ(human::time(0.00000549), "5.490 us");
  EXPECT_EQ(human::time(0.0009996), "1.000 ms");
  EXPECT_EQ(human::time(0.01689), "16.89 ms");
  EXPECT_EQ(human::time(0.0999996), "100.0 ms");
  EXPECT_EQ(human::time(0.99996), "1.000 s");
  EXPECT_EQ(human::time(7.0259), "7.026 s");
  EXPECT_EQ(human::time(86400), "86,400 s");
}

TEST(Human, GivesSizesInBinaryUnits) {
  EXPECT_EQ(human::bytes(0.0), "0 B");
  EXPECT_EQ(human::bytes(1023.0), "1023 B");
  EXPECT_EQ(human::bytes(1024.0), "1.00 KiB");
  EXPECT_EQ(human::bytes(117467774976.0), "109 GiB");
  EXPECT_EQ(human::bytes(1023.97 * 1024), "1.00 MiB");
  EXPECT_EQ(human::bytes(Bytes::max()), "unlimited");
}

TEST(Human, GivesPricesThreeDigits) {
  EXPECT_EQ(human::dollars(Dollars{0}), "0");
  EXPECT_EQ(human::dollars(Dollars{0.01321}), "0.0132");
  EXPECT_EQ(human::dollars(Dollars{999.4}), "999");
  EXPECT_EQ(human::dollars(Dollars{999.6}), "1k");
  EXPECT_EQ(human::dollars(Dollars{18'340}), "18.3k");
  EXPECT_EQ(human::dollars(Dollars{999'400}), "999k");
  EXPECT_EQ(human::dollars(Dollars{1'234'567}), "1.23M");
}

TEST(Human, GroupsDigits) {
  EXPECT_EQ(human::count(0), "0");
  EXPECT_EQ(human::count(999), "999");
  EXPECT_EQ(human::count(1000), "1,000");
  EXPECT_EQ(human::count(-1234567), "-1,234,567");
  EXPECT_EQ(human::compact(9999), "9,999");
  EXPECT_EQ(human::compact(16610), "16.6 k");
  EXPECT_EQ(human::compact(999'950'000), "1.00 G");
  EXPECT_EQ(human::rate(10172.34), "10,172");
  EXPECT_EQ(human::rate(7.2141), "7.214");
  EXPECT_EQ(human::percent(1, 3), "33.3");
  EXPECT_EQ(human::percent(1, 0), "-");
}

}  // namespace
}  // namespace terrace
