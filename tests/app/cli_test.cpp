// Every mistake at the keyboard or in a file gets its own exit status, and a message that helps.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kSmall;
using testing::Outcome;
using ::testing::StartsWith;
using testing::Workplace;

class Cli : public ::testing::Test {
 protected:
  Cli() { place.write("small.yaml", kSmall); }

  /// Expects failure with this status and message, and nothing on the standard output.
  void fails(int status, const std::string& message, const std::string& line,
             const std::vector<std::string>& quoted = {}) const {
    SCOPED_TRACE("terrace " + line);
    const Outcome outcome = place.terrace(line, quoted);
    EXPECT_EQ(outcome.status, status);
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_THAT(outcome.out, IsEmpty());
  }

  /// The small scenario with `from` replaced.
  void write_changed(std::string_view name, std::string_view from, std::string_view to) const {
    std::string text(kSmall);
    text.replace(text.find(from), from.size(), to);
    place.write(name, text);
  }

  Workplace place;
};

TEST_F(Cli, WithoutAVerbSaysWhereTheyAreNamed) { fails(2, "which verb? 'terrace --help'", ""); }

TEST_F(Cli, SuggestsTheNearestVerb) {
  fails(2, "there is no verb 'rnu'; did you mean 'run'?", "rnu");
  fails(2, "there is no verb 'frobnicate'; there are: run,", "frobnicate");
  fails(2, "did you mean 'schema'?", "help shema");
}

TEST_F(Cli, SuggestsTheNearestOption) {
  fails(2, "unknown option '--sed'; did you mean '--seed'?", "run small.yaml --sed 3");
  fails(2, "unknown option '--frobnicate'", "run small.yaml --frobnicate");
  fails(2, "options such as '--quiet' come after a verb", "--quiet run small.yaml");
}

TEST_F(Cli, DoesNotGuessAbbreviatedOptions) {
  fails(2, "unknown option '--qui'", "run small.yaml --qui");
}

TEST_F(Cli, RefusesWordsThatWouldHaveNoEffect) {
  fails(2, "'more.yaml' is one argument too many", "run small.yaml more.yaml");
  fails(2, "--json and --quiet exclude each other", "run small.yaml --json --quiet");
  fails(2, "--print-config and --out exclude", "run small.yaml --print-config --out x");
  fails(2, "'--seed' cannot be specified more than once", "run small.yaml --seed 1 --seed 2");
  fails(2, "'--json' does not take any arguments", "run small.yaml --json=yes");
}

TEST_F(Cli, AsksForWhatIsMissing) {
  fails(2, "which scenario?", "run");
  fails(2, "argument for option '--seed' is missing", "run small.yaml --seed");
  fails(2, "needs WHAT: one of models, gpus", "list");
  fails(2, "'terrace list' knows no 'gpu'; did you mean 'gpus'?", "list gpu");
}

TEST_F(Cli, SeedMustBeANumberThatFits) {
  fails(2, "--seed takes a whole number below 2^63, not 'x'", "run small.yaml --seed x");
  fails(2, "not '12x'", "run small.yaml --seed 12x");
  fails(2, "not '99999999999999999999'", "run small.yaml --seed 99999999999999999999");
}

TEST_F(Cli, MissingScenarioNamesThePathAndTheNearestFile) {
  fails(3, "nowhere/x.yaml: error: there is no such scenario", "run nowhere/x.yaml");
  fails(3, "smal.yaml: error: there is no such scenario; did you mean 'small.yaml'?",
        "run smal.yaml");
  fails(3, "did you mean 'quickstart'?", "run quikstart");
  fails(3, "/: error: this is a directory", "run /");
}

TEST_F(Cli, MalformedYamlIsFoundWhereItStands) {
  write_changed("bad.yaml", "{gpu: h100-sxm,", "[gpu: h100-sxm,");
  fails(3, "bad.yaml:2:", "run bad.yaml");
  place.write("empty.yaml", "");
  fails(3, "the scenario lacks the key 'model'", "run empty.yaml");
  place.write("list.yaml", "- a\n");
  fails(3, "list.yaml:1:1: error: the scenario must be a mapping", "run list.yaml");
}

TEST_F(Cli, UnknownKeyNamesTheNearest) {
  write_changed("key.yaml", "max_requests", "max_request");
  fails(3, "key.yaml:4:3: error: unknown key 'max_request' in 'workload'", "run key.yaml");
  fails(3, "did you mean 'max_requests'?", "run key.yaml");
}

TEST_F(Cli, EveryMistakeIsReportedAtOnce) {
  place.write("many.yaml", "model: nope\nhardware: {gpu: nope}\nfoo: 1\n");
  const Outcome outcome = place.terrace("run many.yaml");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err,
              AllOf(HasSubstr("many.yaml:1:8: error: no file of models is called 'nope'"),
                    HasSubstr("many.yaml:2:17: error: no file of hwprofiles/gpus"),
                    HasSubstr("lacks the key 'host'"), HasSubstr("unknown key 'foo'")));
}

TEST_F(Cli, NumbersNeedTheirUnitAndMustFit) {
  const std::string run = "run small.yaml --set";
  fails(3, "'80' lacks a unit", run + " hardware.gpu.memory=80");
  fails(3, "'GBps' is not a known unit", run + " hardware.gpu.memory=80GBps");
  fails(3, "'-1GiB' is negative", run + " hardware.gpu.memory=-1GiB");
  fails(3, "too large to represent", run + " hardware.gpu.memory=99999999999TiB");
  fails(3, "too large to represent", run + " workload.max_requests=99999999999999999999");
  fails(3, "'replicas' must be between 1 and 4096", run + " serving.replicas=-1");
  write_changed("unit.yaml", "rate: 5 /s", "rate: 5");
  fails(3, "unit.yaml:7:42: error: 'rate' must be a frequency with its unit", "run unit.yaml");
}

TEST_F(Cli, OverridesMustBeAssignments) {
  fails(3, "an override is written key=value", "run small.yaml --set nonsense");
  fails(3, "there is no element [3] to set", "run small.yaml --set workload.clients[3].name=x");
}

TEST_F(Cli, TracesAreCheckedWhereTheyAreWrong) {
  place.write("empty.jsonl", "");
  fails(3, "empty.jsonl: error: this trace is empty", "run small.yaml --trace empty.jsonl");
  fails(3, "no.jsonl: error: cannot read this trace: no such file",
        "run small.yaml --trace no.jsonl");
  const std::string line = R"(, "input_length": 10, "output_length": 2, "hash_ids": [1]})";
  place.write("back.jsonl", "{\"timestamp\": 1000" + line + "\n{\"timestamp\": 0" + line + "\n");
  fails(3, "back.jsonl:2:15: error: the trace goes back in time",
        "run small.yaml --trace back.jsonl");
}

TEST_F(Cli, AModelThatDoesNotFitIsInfeasible) {
  fails(4, "the model does not fit", "run small.yaml --set model=llama-3.1-70b");
}

TEST_F(Cli, ADirectoryOfTheUsersMustBeThere) {
  fails(2, "--catalog: 'nowhere' is not a directory", "run small.yaml --catalog nowhere");
}

TEST_F(Cli, HelpAndVersionGoToTheStandardOutput) {
  for (const char* line : {"--help", "-h", "help"}) {
    const Outcome outcome = place.terrace(line);
    EXPECT_EQ(outcome.status, 0) << line;
    EXPECT_THAT(outcome.out, AllOf(HasSubstr("usage: terrace VERB"), HasSubstr("doctor")));
    EXPECT_THAT(outcome.err, IsEmpty());
  }
  // Whoever asks for help gets it, whatever else is wrong.
  EXPECT_THAT(place.terrace("run --help --frobnicate").out, HasSubstr("--print-config"));
  EXPECT_EQ(place.terrace("help run").out, place.terrace("run --help").out);
  EXPECT_EQ(place.terrace("version").out, place.terrace("--version").out);
  EXPECT_THAT(place.terrace("version").out, StartsWith("terrace "));
}

}  // namespace
}  // namespace terrace
