#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/config/fields.hpp"
#include "sim/config/node.hpp"
#include "sim/config/reader.hpp"

namespace terrace::testing {

enum class Mode { slow, fast };
enum class Law { none, fixed, random };

struct Link {
  Bandwidth bandwidth;
  Duration latency{};

  friend bool operator==(const Link&, const Link&) = default;
};

struct Gpu {
  std::string name;
  Bytes memory;
  Link link;
  std::vector<std::int64_t> lanes;

  friend bool operator==(const Gpu&, const Gpu&) = default;
};

struct Store {
  std::optional<std::string> name;
  config::Capacity capacity;
  std::vector<Bytes> sizes;

  friend bool operator==(const Store&, const Store&) = default;
};

/// Something that uses all that a description may consist of.
struct Machine {
  std::string name;
  std::int64_t seed = 1;
  double share = 0.5;
  bool enabled = true;
  Tokens window{2048};
  Bytes memory;
  FlopRate rate;
  Duration pause{};
  std::optional<double> weight;
  Mode mode = Mode::slow;
  Law law = Law::none;
  Duration period{};    // of the fixed law
  Frequency frequency;  // of the random law
  Mode burst = Mode::slow;
  double peak = 0;  // of a fast burst
  Link link;
  std::optional<Link> spare;
  std::optional<Gpu> gpu;
  std::vector<Store> stores;
  std::vector<Duration> steps;
  std::map<std::string, std::string> notes;

  friend bool operator==(const Machine&, const Machine&) = default;
};

inline void describe(config::Fields& f, Link& link) {
  f.field("bandwidth", link.bandwidth, "bytes in one direction");
  f.field("latency", link.latency, "before the first byte");
}

inline void describe(config::Fields& f, Gpu& gpu) {
  f.required("name", gpu.name, "what reports call it");
  f.required("memory", gpu.memory, "of one GPU", config::kPositive);
  f.object("link", gpu.link, "to the host", true);
  f.values("lanes", gpu.lanes, "numbers of lanes", false, config::at_least(1));
}

inline void describe(config::Fields& f, Store& store) {
  f.field("name", store.name, "what results call it");
  f.field("capacity", store.capacity, "how much it keeps");
  f.values("sizes", store.sizes, "of its parts");
}

inline void describe(config::Fields& f, Machine& m) {
  f.required("name", m.name, "what it is called");
  f.field("seed", m.seed, "of all draws");
  f.field("share", m.share, "that is used", config::kFraction);
  f.field("enabled", m.enabled, "whether it runs");
  f.field("window", m.window, "how far it looks", config::at_least(16));
  f.field("memory", m.memory, "of all of it");
  f.field("rate", m.rate, "of compute");
  f.field("pause", m.pause, "between steps", config::kNotNegative);
  f.field("weight", m.weight, "if it has one", config::kPositive);
  f.field("mode", m.mode, "how it runs");
  f.variant("law", m.law, "when it runs", [&] {
    if (m.law == Law::fixed) f.required("period", m.period, "from run to run", config::kPositive);
    if (m.law != Law::random) return;
    f.field("frequency", m.frequency, "of runs");
    f.variant("burst", m.burst, "how they bunch", [&] {
      if (m.burst == Mode::fast) f.required("peak", m.peak, "at the height of a burst");
    });
  });
  f.object("link", m.link, "to the world");
  f.object("spare", m.spare, "another one");
  f.catalogued("gpu", "gpus", m.gpu, "what computes");
  f.list("stores", m.stores, "what keeps");
  f.values("steps", m.steps, "of the way up");
  f.text_map("notes", m.notes, "what else there is to say");
  f.check(m.pause <= m.link.latency || m.enabled, "enabled", "a machine that pauses must run",
          "remove pause");
  f.check(m.stores.size() < 3, "stores", "more than two stores");
}

/// What reading came to.
struct Reading {
  Machine machine;
  std::string mistakes;  // as the user sees them
  std::vector<config::Resolved> resolved;
};

inline Reading read_machine(const std::string& yaml, const std::vector<std::string>& sets = {},
                            const config::Catalogue& catalogue = {}) {
  Reading reading;
  config::Diagnostics diagnostics;
  config::Node root = config::parse_yaml("m.yaml", yaml, diagnostics);
  for (const std::string& set : sets) config::apply_override(root, set, diagnostics);
  if (diagnostics.ok()) {
    config::Reader reader(root, "the machine", catalogue, diagnostics);
    reader.read(reading.machine);
    reading.resolved = reader.resolved();
  }
  reading.mistakes = diagnostics.render();
  return reading;
}

}  // namespace terrace::testing

template <>
struct terrace::config::Names<terrace::testing::Mode> {
  static constexpr std::string_view kKind = "mode";
  static constexpr std::pair<std::string_view, terrace::testing::Mode> kList[] = {
      {"slow", terrace::testing::Mode::slow}, {"fast", terrace::testing::Mode::fast}};
};

template <>
struct terrace::config::Names<terrace::testing::Law> {
  static constexpr std::string_view kKind = "law";
  static constexpr std::pair<std::string_view, terrace::testing::Law> kList[] = {
      {"none", terrace::testing::Law::none},
      {"fixed", terrace::testing::Law::fixed},
      {"random", terrace::testing::Law::random}};
};
