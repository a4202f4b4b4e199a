// Feeds any text to the scenario reader and simulates the beginning of what it accepts. Nothing but
// ConfigError and Infeasible may come out; an InvariantViolation is a bug that was found.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sim/kv/capacity.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/scenario/simulation.hpp"

namespace {

using namespace terrace;

/// What takes long without being wrong: sizes that only cost memory, or files of the machine.
bool affordable(const Scenario& s) {
  if (s.workload.trace) return false;
  if (s.serving.replicas > 8 || s.serving.engine.block_size > Tokens{4096}) return false;
  if (s.output.timeseries_interval < std::chrono::microseconds(1)) return false;
  for (const ClientSpec& client : s.workload.synthetic.clients) {
    if (client.prompt.mean > 1e5 || client.arrivals.users > 1000) return false;
  }
  return s.workload.synthetic.clients.size() < 16;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): the name is libFuzzer's
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are text
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const config::Catalogue kCatalogue({TERRACE_SOURCE_DIR});
  try {
    Scenario scenario = parse_scenario("fuzz.yaml", text, kCatalogue).scenario;
    static_cast<void>(resolved_yaml(scenario));
    if (!affordable(scenario)) return 0;
    scenario.workload.synthetic.max_requests = 20;
    Simulation simulation(scenario, {});
    simulation.run([](const Progress& p) { return p.events < 50'000; });
  } catch (const config::ConfigError&) {
  } catch (const Infeasible&) {
  }
  return 0;
}
