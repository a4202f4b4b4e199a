#pragma once

#include <memory>
#include <string>

#include "sim/config/catalogue.hpp"
#include "sim/config/diagnostics.hpp"
#include "sim/config/node.hpp"
#include "sim/config/reader.hpp"
#include "sim/kv/eviction/policy.hpp"

namespace terrace::testing {

struct ChosenEviction {
  EvictionChoice eviction;
};

inline void describe(config::Fields& f, ChosenEviction& chosen) {
  f.choice("eviction", chosen.eviction, "under test");
}

/// What a scenario says after `eviction:`, such as "lru" or "{policy: lfu, ties: fifo}".
inline EvictionChoice eviction_choice(const std::string& yaml) {
  const config::Catalogue catalogue;
  config::Diagnostics diagnostics;
  ChosenEviction chosen;
  const config::Node root = config::parse_yaml("test", "eviction: " + yaml, diagnostics);
  config::Reader(root, "the test", catalogue, diagnostics).read(chosen);
  diagnostics.raise();
  return chosen.eviction;
}

}  // namespace terrace::testing
