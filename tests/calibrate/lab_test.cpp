// `terrace calibrate lab` as a user meets it.

#include <regex>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Outcome;
using testing::Workplace;

constexpr const char* kSmall = " --layers 1 --width 128 --dialogues 4 --says 24 --answer 6";

/// The last words of the lines that begin with a mode.
std::multiset<std::string> checksums(const std::string& table) {
  const std::regex row(R"(\n(off|contiguous|paged|tiered)[^\n]* ([0-9a-f]{8})(?=\n))");
  std::multiset<std::string> found;
  for (auto i = std::sregex_iterator(table.begin(), table.end(), row); i != std::sregex_iterator();
       ++i) {
    found.insert((*i)[2]);
  }
  return found;
}

TEST(CalibrateLab, ShowsOneIdeaAfterTheOther) {
  const Workplace place;
  const Outcome shown =
      place.terrace("calibrate lab --pool 256KiB --context 128 --memory 8KiB --file 1MiB --disk ." +
                    std::string(kSmall));
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.err, IsEmpty());
  EXPECT_THAT(shown.out, AllOf(HasSubstr("4 x 2 turns of about 24 tokens"),
                               ContainsRegex("file +in [0-9]+ blocks.*; out [0-9]+ blocks")));
  const auto all = checksums(shown.out);
  EXPECT_EQ(all.size(), 5U) << shown.out;
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 1U) << shown.out;
}

TEST(CalibrateLab, TriesOneModeAndEachKindOfAttention) {
  const Workplace place;
  for (const std::string kind : {"mha", "gqa", "mqa", "mla"}) {
    const Outcome shown =
        place.terrace("calibrate lab --cache tiered --batching lists --attention " + kind + kSmall);
    EXPECT_EQ(shown.status, 0) << shown.err;
    EXPECT_EQ(checksums(shown.out).size(), 1U) << shown.out;
    EXPECT_THAT(shown.out, AllOf(HasSubstr("tiered, lists"), HasSubstr("no file: --disk says")));
  }
}

TEST(CalibrateLab, SaysWhatIsWrong) {
  const Workplace place;
  const auto refused = [&](const std::string& options, int status, const std::string& why) {
    const Outcome outcome = place.terrace("calibrate lab " + options);
    EXPECT_EQ(outcome.status, status) << options;
    EXPECT_THAT(outcome.out, Not(HasSubstr("tokens/s")));
    EXPECT_THAT(outcome.err, HasSubstr(why));
  };
  refused("--cache pagd", 2, "did you mean paged?");
  refused("--width 100", 2, "a multiple of 128, not 100");
  refused("--pool 1KiB", 2, "one block of this model");
  refused("--file 1MiB", 2, "it needs --disk");
  refused("--batching lists", 2, "--batching needs --cache");
  refused("--attention mla --element fp23", 2, "did you mean fp32?");
  refused("--context 30", 2, "and the context has 30: enlarge it, or say less");
  refused("--pool 40KiB --cache paged", 2, "enlarge the pool");
  refused("--disk no/such/place --cache tiered", 1, "no/such/place");
}

}  // namespace
}  // namespace terrace
