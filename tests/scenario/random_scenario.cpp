#include "tests/scenario/random_scenario.hpp"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "sim/kv/eviction/policy.hpp"
#include "tests/scenario/run_yaml.hpp"

namespace terrace::testing {
namespace {

/// From `low` to `high`, both included; shrinks to `low`.
std::int64_t draw(std::int64_t low, std::int64_t high) {
  return *rc::gen::resize(1000, rc::gen::inRange(low, high + 1));
}

/// One of several texts; shrinks to the first.
std::string_view one_of(const std::vector<std::string_view>& texts) {
  return texts[static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(texts.size()) - 1))];
}

std::string length(std::int64_t most) {
  const std::int64_t low = draw(1, most);
  switch (draw(0, 3)) {
    case 0:
      return fmt::format("{{distribution: constant, value: {}}}", low);
    case 1:
      return fmt::format("{{distribution: uniform, min: 1, max: {}}}", low);
    case 2:
      return fmt::format("{{distribution: zipf, min: 1, max: {}, exponent: 1}}", low);
    default:
      return fmt::format("{{distribution: lognormal, mean: {}, cv: 1.5, clip: {{max: {}}}}}", low,
                         most);
  }
}

std::string gap() {
  return std::string(
      one_of({"{distribution: constant, value: 0 ps}", "{distribution: exponential, mean: 3 ms}",
              "{distribution: lognormal, mean: 20 ms, cv: 2}"}));
}

/// `open`: the same requests in the same order, whatever the engine does.
std::string content(bool open) {
  const std::string system = draw(0, 1) == 0 ? std::string()
                                             : fmt::format(", system: {{prompts: {}, length: {}}}",
                                                           draw(1, 3), length(60));
  switch (draw(0, open ? 2 : 3)) {
    case 0:
      return "{kind: unique}";
    case 1:
      return fmt::format("{{kind: shared_prefix, prompts: {}, length: {}, popularity: 1}}",
                         draw(1, 5), length(120));
    case 2: {
      const std::int64_t documents = draw(1, 6);
      return fmt::format("{{kind: rag, documents: {}, length: {}, documents_per_request: {}{}}}",
                         documents, length(60), draw(1, std::min<std::int64_t>(3, documents)),
                         system);
    }
    default:
      return fmt::format("{{kind: conversation, turns: {}, think: {}{}{}{}}}", length(6), gap(),
                         draw(0, 1) == 0 ? "" : ", max_context: 400",
                         draw(0, 1) == 0 ? "" : ", tool_calls: true", system);
  }
}

std::string arrivals(bool open) {
  const std::string_view rate = one_of({"300 /s", "20 /s", "3000 /s"});
  switch (draw(0, open ? 2 : 3)) {
    case 0:
      return fmt::format("{{process: deterministic, rate: {}}}", rate);
    case 1:
      return fmt::format("{{process: poisson, rate: {}}}", rate);
    case 2:
      return fmt::format("{{process: gamma, rate: {}, cv: 3}}", rate);
    default:
      return fmt::format("{{process: closed_loop, users: {}, think: {}, ramp: 1 ms}}", draw(1, 8),
                         gap());
  }
}

std::string retention() {
  if (draw(0, 2) > 0) return "[]";
  return fmt::format("[{{priority: {}, to: {}}}, {{priority: {}, from: {}, duration: {} ms}}]",
                     draw(0, 100), draw(1, 200), draw(0, 100), draw(0, 200), draw(0, 30));
}

std::string workload(bool open) {
  std::string yaml = fmt::format(
      "output: {{timeseries_interval: 2 ms}}\nworkload:\n  max_requests: {}\n  clients:\n",
      draw(20, 200));
  const std::int64_t clients = draw(1, 3);
  for (std::int64_t i = 0; i < clients; ++i) {
    yaml += fmt::format(
        "    - name: c{}\n      priority: {}\n      arrivals: {}\n      prompt: {}\n"
        "      output: {}\n      content: {}\n      retention: {}\n",
        i, draw(0, 2), arrivals(open), length(200), length(60), content(open), retention());
  }
  return yaml;
}

/// Any policy; an oracle only where it may know what comes.
std::string_view eviction(bool open) {
  std::vector<std::string_view> names;
  for (const EvictionVariant& policy : eviction_policies()) {
    if (open || !any_of(policy.recipe()->needs(), FactNeeds::future)) names.push_back(policy.name);
  }
  return one_of(names);
}

std::string admission() {
  if (draw(0, 1) == 0) return "always";
  switch (draw(0, 3)) {
    case 0:
      return "never";
    case 1:
      return fmt::format(
          "{{policy: second_touch, n: {}, window: {} ms, count: {}, max_tracked: {}}}", draw(2, 4),
          draw(1, 300), one_of({"touches", "doubling"}), draw(1, 200));
    case 2:
      return fmt::format("{{policy: min_tokens, tokens: {}}}", draw(1, 200));
    default:
      return fmt::format("{{policy: break_even, factor: {}}}", one_of({"1", "0.01", "100"}));
  }
}

/// The write rule with its parameters, and a queue that suits it.
std::string writing(std::string_view rule) {
  std::string keys = fmt::format("write: {}", rule);
  std::int64_t least = 1;
  if (rule == "selective") keys += fmt::format(", write_uses: {}", draw(1, 4));
  if (rule == "back_batched") {
    least = draw(1, 40);
    keys += fmt::format(", write_batch: {}", least);
  }
  if (draw(0, 1) == 0) return keys;
  return keys + fmt::format(", write_queue: {{limit: {}, when_full: {}}}", draw(least, least + 20),
                            one_of({"skip", "drop_oldest", "block"}));
}

std::string prefetch(bool sessions) {
  switch (draw(0, sessions ? 4 : 3)) {
    case 0:
      return "none";
    case 1:
      return fmt::format("{{policy: queue, batch: {}{}}}", draw(1, 40),
                         draw(0, 1) == 0 ? "" : fmt::format(", window: {}", draw(1, 6)));
    case 2:
      return fmt::format(
          "{{policy: on_arrival, batch: {}, min_tokens: {}, capacity_share: {}, stop: {}}}",
          draw(1, 40), draw(1, 60), one_of({"0.8", "0.2", "1"}),
          one_of({"best_effort", "wait_complete"}));
    case 3:
      return fmt::format(
          "{{policy: on_arrival, batch: {}, min_tokens: 1, stop: timeout, timeout_base: {} us, "
          "timeout_per_ki_token: 1 ms}}",
          draw(1, 40), draw(0, 2000));
    default:
      return fmt::format(
          "{{policy: next_turn, batch: {}, min_samples: {}, lead: {} ms, predict: {}}}",
          draw(1, 40), draw(1, 5), draw(0, 20), one_of({"mean", "quantile, quantile: 0.2"}));
  }
}

std::string tiers(std::int64_t block, bool any, bool open, bool sessions) {
  std::string yaml;
  std::int64_t size = block;
  const bool deep = draw(0, 1) == 1;  // DRAM, and larger memories below it
  const std::int64_t count = any ? draw(deep ? 2 : 1, 3) : 0;
  bool shared_above = false;  // below a shared tier no private one is allowed
  bool keeper_above = false;  // an inclusive DRAM tier
  for (std::int64_t i = 0; i < count; ++i) {
    size *= draw(1, 3);
    const std::string_view medium = !deep    ? one_of({"dram", "nvme", "network"})
                                    : i == 0 ? "dram"
                                             : one_of({"nvme", "network"});
    const std::string_view write = one_of({"through", "selective", "back", "back_batched"});
    const bool exclusive = write.starts_with("back") && draw(0, 1) == 1;
    shared_above = medium == "network" || draw(0, 1) == 1 || shared_above;
    std::int64_t kilobytes = draw(deep ? 20 : 0, 400) * draw(1, 4) * (deep && i > 0 ? 5 : 1);
    if (kilobytes > 0) kilobytes = std::max(kilobytes, size * 4 * 2 * 16 * 2 * 4 / 1000 + 1);
    const std::string capacity = draw(0, 9) == 0 ? "unlimited" : fmt::format("{} kB", kilobytes);
    yaml += fmt::format(
        "  - {{name: t{}, medium: {}, capacity: {}, scope: {}, block_size: {}, eviction: {}, "
        "admission: {}, {}, promotion: {}, prefetch: {}, inclusion: {}}}\n",
        i, medium, capacity, shared_above ? "shared" : "private", size, eviction(open), admission(),
        writing(write), keeper_above ? one_of({"on_hit", "in_place"}) : "on_hit",
        keeper_above && medium != "dram" ? prefetch(sessions) : "none",
        exclusive ? "exclusive" : "inclusive");
    keeper_above = keeper_above || (medium == "dram" && !exclusive && capacity != "0 kB");
  }
  return yaml.empty() ? yaml : "tiers:\n" + yaml;
}

std::string serving(std::int64_t block, bool any_tiers, bool open) {
  const std::int64_t hosts = draw(1, 2);
  const std::int64_t per_host = draw(1, 2);
  const bool chunked = draw(0, 4) > 0;
  std::string yaml = fmt::format(
      "serving:\n  replicas: {}\n  replicas_per_host: {}\n  tensor_parallel: {}\n  router: {}\n"
      "  engine:\n    kv_cache_dtype: {}\n"
      "    block_size: {}\n    num_gpu_blocks: {}\n    max_num_seqs: {}\n"
      "    max_num_batched_tokens: {}\n    enable_chunked_prefill: {}\n    policy: {}\n"
      "    admission: {}\n    freed_partial_blocks: {}\n    kv_layout: {}\n",
      hosts * per_host, per_host, draw(1, 2),
      one_of({"round_robin", "least_loaded", "prefix_aware"}), one_of({"bf16", "fp8"}), block,
      draw(2, 20) * draw(1, 10), draw(1, 16), chunked ? draw(1, 128) : draw(64, 500), chunked,
      one_of({"fcfs", "priority"}), one_of({"first_chunk", "full_prompt"}),
      one_of({"reused_first", "ranked"}), one_of({"block", "layer"}));
  if (chunked) yaml += fmt::format("    long_prefill_token_threshold: {}\n", draw(0, 40));
  if (any_tiers) {
    const std::string_view load =
        chunked ? one_of({"always", "cheaper", "hybrid", "never"}) : one_of({"always", "cheaper"});
    const bool parks = load == "hybrid" || load == "never";
    yaml += fmt::format("    load: {}\n    load_wait: {}\n", load,
                        parks ? "park" : one_of({"park", "layerwise", "blocking"}));
  }
  if (!any_tiers && draw(0, 3) == 0) {
    yaml += "    enable_prefix_caching: false\n";
  } else {
    yaml += fmt::format("    eviction: {}\n", eviction(open));
  }
  if (draw(0, 1) == 0) {
    yaml +=
        "  cost: {backend: constant, per_step: 100 us, per_prefill_token: 5 us, "
        "per_decode: 3 us}\n";
  }
  return yaml;
}

RandomScenario scenario() {
  const std::int64_t block = draw(1, 24);
  const bool any_tiers = draw(0, 4) > 0;
  const bool open = draw(0, 2) == 0;
  const std::string load = workload(open);
  const bool sessions = load.find("kind: conversation") != std::string::npos;
  return {fmt::format("seed: {}\n", draw(1, 1000)) + kTinyModel +
              (draw(0, 1) == 0 ? kMachine : kSlowMachine),
          serving(block, any_tiers, open), tiers(block, any_tiers, open, sessions), load};
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const RandomScenario& scenario) {
  return out << scenario.yaml();
}

void check_scenarios(std::uint64_t seed, int scenarios,
                     const std::function<void(const RandomScenario&)>& property) {
  rc::detail::TestParams params;
  params.seed = seed;
  params.maxSuccess = scenarios;
  const auto result = rc::detail::checkTestable([&] { property(*rc::gen::exec(scenario)); },
                                                rc::detail::TestMetadata{}, params);
  std::ostringstream message;
  rc::detail::printResultMessage(result, message);
  EXPECT_TRUE(result.template is<rc::detail::SuccessResult>()) << message.str();
}

}  // namespace terrace::testing
