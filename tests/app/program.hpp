#pragma once

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace terrace::testing {

namespace fs = std::filesystem;

inline std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// What a finished program leaves behind; status is 128 + signal if one killed it.
struct Outcome {
  int status = -1;
  std::string out;
  std::string err;
};

/// A directory of its own for each test, gone at its end, in which programs are run as from a
/// shell.
class Workplace {
 public:
  Workplace() {
    std::string path = (fs::temp_directory_path() / "terrace-cli-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp: " + path);
    root_ = path;
  }
  ~Workplace() { fs::remove_all(root_); }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

  [[nodiscard]] fs::path at(std::string_view name) const { return root_ / name; }
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(at(name), std::ios::binary) << text;
  }

  /// Starts `program`, its streams going to files of the workplace, or its output to `out`. It
  /// begins with the signals `blocked` held back, which a careless caller may leave it with.
  [[nodiscard]] pid_t start(const std::string& program, std::vector<std::string> arguments,
                            const std::string& out = {},
                            const std::vector<int>& blocked = {}) const {
    arguments.insert(arguments.begin(), program);
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    // Nothing of the developer's own set-up may change what the program finds.
    std::vector<std::string> environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"};
    std::vector<char*> envp;
    envp.reserve(environment.size() + 1);
    for (std::string& variable : environment) envp.push_back(variable.data());
    envp.push_back(nullptr);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, root_.c_str());
    constexpr int kCreate = O_WRONLY | O_CREAT | O_TRUNC;
    const std::string stdout_path = out.empty() ? at("stdout").string() : out;
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, stdout_path.c_str(), kCreate, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, at("stderr").c_str(), kCreate, 0600);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t mask;
    sigemptyset(&mask);
    for (const int signal : blocked) sigaddset(&mask, signal);
    posix_spawnattr_setsigmask(&attributes, &mask);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    pid_t child = -1;
    const int error =
        posix_spawn(&child, program.c_str(), &actions, &attributes, argv.data(), envp.data());
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw std::runtime_error("cannot start " + program);
    return child;
  }

  /// Starts terrace with these words, and comes back when it is about to commit a result to the
  /// store `database`, or has ended.
  [[nodiscard]] pid_t start_until_kept(std::vector<std::string> words,
                                       std::string_view database) const {
    const pid_t child = start(TERRACE_PROGRAM, std::move(words));
    const fs::path log = at(database).string() + "-wal";
    std::error_code missing;
    for (int waits = 0; waits < 20'000; ++waits) {
      siginfo_t info{};
      if (waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
          info.si_pid == child) {
        break;
      }
      // The tables themselves take some 20 kB of the first log; later ones begin empty.
      if (fs::exists(log, missing) && fs::file_size(log, missing) > 40'000) break;
      poll(nullptr, 0, 1);
    }
    return child;
  }

  [[nodiscard]] Outcome finish(pid_t child) const {
    int status = 0;
    while (waitpid(child, &status, 0) == -1) {
      if (errno != EINTR) throw std::runtime_error("waitpid");
    }
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            read_file(at("stdout")), read_file(at("stderr"))};
  }

  /// Runs terrace with the words of `line`, which are separated by single spaces; `quoted` are
  /// further words, taken as they are.
  [[nodiscard]] Outcome terrace(const std::string& line,
                                std::vector<std::string> quoted = {}) const {
    std::vector<std::string> words;
    std::istringstream in(line);
    for (std::string word; in >> word;) words.push_back(word);
    words.insert(words.end(), quoted.begin(), quoted.end());
    return finish(start(TERRACE_PROGRAM, std::move(words)));
  }

 private:
  fs::path root_;
};

/// A scenario of fifty requests that takes milliseconds.
constexpr std::string_view kSmall = R"(model: llama-3.1-8b
hardware: {gpu: h100-sxm, host: dual-xeon-ddr5-2tib}
workload:
  max_requests: 50
  clients:
    - name: chat
      arrivals: {process: poisson, rate: 5 /s}
      prompt: {distribution: constant, value: 200}
      output: {distribution: lognormal, mean: 20, cv: 1}
)";

}  // namespace terrace::testing
