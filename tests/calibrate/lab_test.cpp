// `terrace calibrate lab` as a user meets it.

#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include "calibrate/measuring/machine_lock.hpp"
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

/// What others calibrate meanwhile is no matter of ours: the lock is in a directory of its own.
Outcome run(const Workplace& place, const std::string& options, const char* verb = "lab") {
  std::vector<std::string> words = {"TERRACE_LOCK_DIR=" + place.at("").string(), TERRACE_PROGRAM,
                                    "calibrate", verb};
  std::istringstream in(options);
  for (std::string word; in >> word;) words.push_back(word);
  return place.finish(place.start("/usr/bin/env", words));
}

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
      run(place,
          "--pool 32KiB --context 128 --memory 16KiB --file 1MiB --disk ." + std::string(kSmall));
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.err, IsEmpty());
  EXPECT_THAT(shown.out, AllOf(HasSubstr("4 x 2 turns of about 24 tokens"),
                               ContainsRegex("file +in [0-9]+ blocks.*; out [0-9]+ blocks")));
  const auto all = checksums(shown.out);
  EXPECT_EQ(all.size(), 5U) << shown.out;
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 1U) << shown.out;
}

/// What its help says is worth a try runs as it is there; only the machine is spared.
TEST(CalibrateLab, DoesWhatItsHelpSaysIsWorthATry) {
  const Workplace place;
  const std::string help = run(place, "--help").out;
  const std::string hints =
      std::regex_replace(help.substr(help.find("Worth a try:")), std::regex(R"(\s+)"), " ");
  for (const std::string option :
       {"--context 2048", "--attention mqa", "--attention mla", "--pool 1MiB", "--turns 6"}) {
    const std::string told = option == "--attention mla" ? "--attention mqa or mla" : option;
    EXPECT_THAT(hints, HasSubstr(told));
    const Outcome shown = run(place, option + " --dialogues 1 --says 90 --answer 5");
    EXPECT_EQ(shown.status, 0) << option << shown.err;
    EXPECT_EQ(checksums(shown.out).size(), 5U) << option << shown.out;
  }
}

TEST(CalibrateLab, SaysInItsRowWhichModeDoesNotFit) {
  const Workplace place;
  const Outcome shown = run(place, "--pool 32KiB" + std::string(kSmall));
  EXPECT_EQ(shown.status, 0) << shown.err;
  EXPECT_THAT(shown.out, ContainsRegex("contiguous +does not fit: a request reserves 512 tokens"));
  EXPECT_EQ(checksums(shown.out).size(), 3U) << shown.out;
  // So it does with as much as it asks for.
  const std::regex asks(R"(at\s+least\s+([0-9]+)\s+KiB)");
  std::smatch least;
  ASSERT_TRUE(std::regex_search(shown.out, least, asks)) << shown.out;
  const std::string pool = "--pool " + least[1].str() + "KiB" + kSmall;
  EXPECT_EQ(checksums(run(place, pool).out).size(), 5U);
}

TEST(CalibrateLab, KeepsTheRowsOfARunThatIsStopped) {
  const Workplace place;
  const pid_t child =
      place.start("/usr/bin/env", {"TERRACE_LOCK_DIR=" + place.at("").string(), TERRACE_PROGRAM,
                                   "calibrate", "lab", "--dialogues", "6", "--layers", "8"});
  for (int waits = 0; waits < 60'000; ++waits) {
    if (checksums(testing::read_file(place.at("stdout"))).size() == 1) break;
    poll(nullptr, 0, 1);
  }
  kill(child, SIGINT);
  const Outcome stopped = place.finish(child);
  EXPECT_EQ(stopped.status, 130) << stopped.err;
  EXPECT_GE(checksums(stopped.out).size(), 1U) << stopped.out;
}

TEST(CalibrateLab, TriesOneModeAndEachKindOfAttention) {
  const Workplace place;
  for (const std::string kind : {"mha", "gqa", "mqa", "mla"}) {
    const Outcome shown =
        run(place, "--cache tiered --batching lists --attention " + kind + kSmall);
    EXPECT_EQ(shown.status, 0) << shown.err;
    EXPECT_EQ(checksums(shown.out).size(), 1U) << shown.out;
    EXPECT_THAT(shown.out, AllOf(HasSubstr("tiered, lists"), HasSubstr("no file: --disk says")));
  }
}

TEST(CalibrateLab, LeavesTheMachineToAnotherCalibration) {
  const Workplace place;
  const calibrate::MachineLock other(place.at(""));
  const Outcome refused = run(place, "--cache paged" + std::string(kSmall));
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("another calibration is under way"));
}

/// Of any machine: none has a thousand GPUs.
TEST(CalibrateDevices, AreAskedForByNameAndMissedByName) {
  const Workplace place;
  for (const char* verb : {"lab", "here"}) {
    const Outcome none = run(place, "--device cuda:999", verb);
    EXPECT_EQ(none.status, 1) << verb;
    EXPECT_THAT(none.err, HasSubstr("there is no device 'cuda:999': "));
    EXPECT_THAT(none.err, HasSubstr("--device cpu takes the processor"));
    EXPECT_THAT(none.out, IsEmpty());
    const Outcome odd = run(place, "--device tpu", verb);
    EXPECT_EQ(odd.status, 2) << verb;
    EXPECT_THAT(odd.err, HasSubstr("--device is cpu or cuda:0, not 'tpu'"));
  }
}

TEST(CalibrateLab, SaysWhatIsWrong) {
  const Workplace place;
  const auto refused = [&](const std::string& options, int status, const std::string& why) {
    const Outcome outcome = run(place, options);
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
  refused("--context 30", 2, "and the context has 30: --context up to 65,536, or fewer --turns");
  refused("--pool 40KiB --cache paged", 2, "paged does not fit: a dialogue of ");
  refused("--pool 300KiB --cache contiguous", 2,
          "a --pool of at least 1024 KiB, or less --context");
  refused("--disk no/such/place", 1, "no/such/place");  // before any row, though tiers come last
}

}  // namespace
}  // namespace terrace
