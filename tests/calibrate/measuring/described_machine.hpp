#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "tests/app/program.hpp"

namespace terrace::testing {

/// A machine that is described by files.
class DescribedMachine {
 public:
  void file(const std::string& name, std::string_view text) const {
    fs::create_directories(root(name).parent_path());
    place_.write("root/" + name, text);
  }
  [[nodiscard]] fs::path root(const std::string& name = "") const {
    return place_.at("root/" + name);
  }

 private:
  Workplace place_;
};

}  // namespace terrace::testing
