#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "sim/config/reader.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace {

/// What a scenario says about eviction, and nothing else.
struct ChosenPolicy {
  EvictionChoice eviction;
};

inline void describe(config::Fields& f, ChosenPolicy& chosen) {
  f.choice("eviction", chosen.eviction, "the policy under test");
}

/// The policy that `yaml` chooses, such as "{policy: ttl, ttl: 1 s}".
inline std::unique_ptr<EvictionPolicy> chosen_policy(const std::string& yaml,
                                                     const EvictionContext& context) {
  config::Diagnostics diagnostics;
  ChosenPolicy chosen;
  const config::Node root =
      config::parse_yaml("test.yaml", "eviction: " + yaml + "\n", diagnostics);
  const config::Catalogue nothing;
  config::Reader(root, "the test", nothing, diagnostics).read(chosen);
  EXPECT_EQ(diagnostics.render(), "");
  return chosen.eviction.recipe().make(context);
}

}  // namespace terrace
