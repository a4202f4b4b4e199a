// Feeds any bytes to the configuration: YAML up to the first NUL, then one override per line, as
// of --set. The tree is read as a workload and as a trace, so that every kind of scalar is met.
// Nothing but ConfigError may come out.
//
//   clang++ -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -I. tests/fuzz/fuzz_config.cpp
//     sim/workload/{spec,trace_spec}.cpp sim/base/*.cpp sim/config/*.cpp -lyaml-cpp -lfmt

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>

#include "sim/base/check.hpp"
#include "sim/config/node.hpp"
#include "sim/config/reader.hpp"
#include "sim/config/writer.hpp"
#include "sim/workload/spec.hpp"
#include "sim/workload/trace_spec.hpp"

namespace {

using namespace terrace;

/// What was read without a mistake has to be written such that it reads the same.
template <class T>
void read_as(const config::Node& root, const config::Catalogue& catalogue) {
  config::Diagnostics diagnostics;
  T value;
  config::Reader(root, "the input", catalogue, diagnostics).read(value);
  if (!diagnostics.ok()) {
    static_cast<void>(diagnostics.render());
    return;
  }
  const std::string written = config::Writer().write(value);
  config::Diagnostics none;
  const config::Node again = config::parse_yaml("again", written, none);
  T copy;
  config::Reader(again, "the copy", catalogue, none).read(copy);
  TERRACE_CHECK(none.ok());
  TERRACE_CHECK(config::Writer().write(copy) == written);
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::uint8_t* nul = std::find(data, data + size, 0);
  const std::string yaml(data, nul);
  std::istringstream overrides(std::string(nul == data + size ? nul : nul + 1, data + size));
  config::Diagnostics diagnostics;
  config::Node root = config::parse_yaml("fuzz.yaml", yaml, diagnostics);
  for (std::string line; std::getline(overrides, line);) {
    config::apply_override(root, line, diagnostics);
  }
  try {
    static_cast<void>(diagnostics.render());
    diagnostics.raise();
    const config::Catalogue catalogue;
    read_as<WorkloadSpec>(root, catalogue);
    read_as<TraceSpec>(root, catalogue);
  } catch (const config::ConfigError& error) {
    TERRACE_CHECK(!std::string(error.what()).empty());
  }
  return 0;
}
