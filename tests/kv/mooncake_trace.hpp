#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "sim/base/id.hpp"

namespace terrace {

/// The prompts of the Mooncake conversation trace: blocks of 512 tokens, the same id for the same
/// text from the start on.
class Mooncake : public testing::Test {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("TERRACE_DATA");
    if (folder == nullptr) GTEST_SKIP() << "TERRACE_DATA does not name the folder with traces/";
    const std::string path = std::string(folder) + "/traces/mooncake_conversation.jsonl";
    std::ifstream in(path);
    if (!in) GTEST_SKIP() << "there is no " << path;
    for (std::string line; std::getline(in, line);) {
      auto& prompt = prompts_.emplace_back();
      const auto request = nlohmann::json::parse(line);
      for (const auto& id : request.at("hash_ids")) {
        prompt.emplace_back(id.get<std::size_t>());
      }
      accesses_ += static_cast<std::int64_t>(prompt.size());
    }
    ASSERT_EQ(accesses_, 288'500);
  }

  std::vector<std::vector<ContentId>> prompts_;
  std::int64_t accesses_ = 0;
};

}  // namespace terrace
