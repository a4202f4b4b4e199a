#include "sim/report/output_file.hpp"

#include <filesystem>
#include <iterator>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

namespace fs = std::filesystem;
using testing::Workplace;

bool is_empty(const Workplace& place) { return fs::is_empty(place.at("")); }

TEST(OutputFile, LeavesNothingOfWhatFailed) {
  const Workplace place;
  EXPECT_THROW(replace_file(place.at("a"),
                            [](const fs::path& part) {
                              write_file(part, "half of");
                              throw std::domain_error("no more");
                            }),
               std::domain_error);
  EXPECT_TRUE(is_empty(place));
  fs::create_directory(place.at("d"));
  EXPECT_THROW(replace_file(place.at("d"), "text"), CannotWrite);
  EXPECT_FALSE(fs::exists(place.at("d.part")));
}

TEST(OutputFile, CanBeLookedForBeforeThereIsAnythingToWrite) {
  const Workplace place;
  check_replaceable(place.at("a"));
  EXPECT_TRUE(is_empty(place));
  EXPECT_THROW(check_replaceable(place.at("no/such/a")), CannotWrite);
  fs::create_directory(place.at("d"));
  EXPECT_THROW(check_replaceable(place.at("d")), CannotWrite);
  check_replaceable("/dev/null");
  place.write("kept", "text");
  check_replaceable(place.at("kept"));
  EXPECT_EQ(testing::read_file(place.at("kept")), "text");
  place.write("a.part", "somebody's");
  check_replaceable(place.at("a"));
  EXPECT_EQ(testing::read_file(place.at("a.part")), "somebody's");
}

TEST(OutputFile, GetsADirectoryOrSaysWhyNot) {
  const Workplace place;
  make_output_directory(place.at("a/b"));
  EXPECT_TRUE(fs::is_empty(place.at("a/b")));
  place.write("file", "");
  EXPECT_THROW(make_output_directory(place.at("file")), std::runtime_error);
  EXPECT_THROW(make_output_directory(place.at("file/x")), std::runtime_error);
  EXPECT_THROW(make_output_directory("/proc"), CannotWrite);  // not even root's
}

TEST(OutputFile, LooksAtADirectoryThatHasFilesOfAnyName) {
  const Workplace place;
  fs::create_directory(place.at("terrace"));  // a clone of this repository
  place.write("terrace.part", "somebody's");
  make_output_directory(place.at(""));
  EXPECT_EQ(testing::read_file(place.at("terrace.part")), "somebody's");
  EXPECT_EQ(std::distance(fs::directory_iterator(place.at("")), fs::directory_iterator()), 2);
}

}  // namespace
}  // namespace terrace
