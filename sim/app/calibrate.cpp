#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "sim/app/calibrate_program.hpp"
#include "sim/app/interrupt.hpp"
#include "sim/app/output.hpp"
#include "sim/app/verb.hpp"

namespace terrace::app {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kProgram = "terrace-calibrate";

}  // namespace

ExitCode become_calibrate(const std::vector<std::string>& words) {
  std::vector<std::string> all = {std::string(kProgram)};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);

  flush();
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  const std::string beside = (self.parent_path() / kProgram).string();
  const SignalsHeld held;
  execv(beside.c_str(), argv.data());
  if (errno == ENOENT) execvp(kProgram.data(), argv.data());
  const int error = errno;
  throw std::runtime_error(
      error == ENOENT
          ? fmt::format("'{}' is neither beside terrace, in {}, nor on the PATH: build and install "
                        "the target {}",
                        kProgram, self.parent_path().string(), kProgram)
          : fmt::format("cannot run '{}': {}", kProgram, std::strerror(error)));
}

namespace {

constexpr std::array<std::string_view, 6> kVerbs = {"report", "compare", "here",
                                                    "lab",    "fit",     "tables"};
constexpr std::array kPositionals = {Positional{
    "VERB", "what to do instead of measuring this machine:", false, Words::choice, kVerbs}};

}  // namespace

constinit const Verb kCalibrate = {
    .name = "calibrate",
    .summary = "measure this machine, and learn how long kernels and transfers take",
    .positionals = kPositionals,
    .options = {},
    .notes =
        "This is the program terrace-calibrate: 'terrace calibrate --help' says how it measures, "
        "and\n'terrace calibrate VERB --help' more about a verb.\n",
    .run = nullptr,
    .forward = become_calibrate};

}  // namespace terrace::app
