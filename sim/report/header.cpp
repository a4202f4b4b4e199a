#include "sim/report/header.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "sim/report/human.hpp"
#include "sim/report/table.hpp"

namespace terrace {
namespace {

template <class T>
std::string text(const T& value) {
  return config::Scalar<T>::format(value);
}

std::string plural(std::int64_t count, std::string_view what) {
  return fmt::format("{} {}{}", human::count(count), what, count == 1 ? "" : "s");
}

std::string model_line(const Scenario& s, const Dimensions& d) {
  return fmt::format("{}, weights {} per GPU, KV {} per token", s.model.name,
                     human::bytes(d.weights_per_gpu), human::bytes(d.kv_bytes_per_token));
}

std::string hardware_line(const Scenario& s) {
  const HardwareSpec& h = s.hardware;
  const std::int64_t hosts = s.serving.replicas / s.serving.replicas_of_host();
  std::string line = fmt::format("{} of {}, {}; {}, {}", plural(s.serving.replicas, "replica"),
                                 plural(s.serving.gpus_per_replica(), "GPU"), h.gpu.name,
                                 plural(hosts, "host"), h.host.name);
  if (h.ssd) {
    line += fmt::format("; {} each, {} {}", plural(h.drives_per_host, "drive"), h.ssd->name,
                        text(h.ssd->capacity));
  }
  if (h.network) line += "; network, " + h.network->name;
  return line;
}

std::string engine_line(const Scenario& s) {
  const EngineSpec& e = s.serving.engine;
  std::string line =
      fmt::format("{} tokens per block, {} seats, {} tokens per step", e.block_size.count(),
                  e.max_num_seqs, human::count(e.max_num_batched_tokens.count()));
  if (s.serving.data_parallel > 1) {
    line += fmt::format(", {} replicas step together", s.serving.data_parallel);
  }
  if (!e.enable_chunked_prefill) line += ", no chunked prefill";
  if (!e.enable_prefix_caching) line += ", no prefix caching";
  if (e.policy != QueuePolicy::fcfs) line += ", queue by " + text(e.policy);
  if (e.load != LoadDecision::always) line += ", load " + text(e.load);
  if (!s.tiers.empty()) line += ", load_wait " + text(e.load_wait);
  line += ", step times " + text(backend(s));
  return line;
}

/// How the tier is written, with whatever is not as usual.
std::string writing(const TierSpec& tier) {
  std::string line;
  if (tier.admission.name() != config::Variants<AdmissionRecipe>::kDefault) {
    line += "admits " + tier.admission.name() + ", ";
  }
  line += "write " + text(tier.write);
  if (tier.write == WriteRule::selective) line += fmt::format(" at use {}", tier.write_uses);
  if (tier.write == WriteRule::back_batched) line += fmt::format(" of {}", tier.write_batch);
  if (tier.write_queue.limit > 0) {
    line += fmt::format(", queue of {} then {}", human::count(tier.write_queue.limit),
                        text(tier.write_queue.when_full));
  }
  if (tier.promotion != Promotion::on_hit) line += ", read " + text(tier.promotion);
  return line;
}

std::string tier_line(const Scenario& s, const Dimensions& d) {
  const std::int64_t usable = d.hbm_blocks - 1;
  std::string line = fmt::format("hbm {} ({} blocks) per replica",
                                 human::bytes(d.block_bytes * usable), human::count(usable));
  const std::string& policy = s.serving.engine.eviction.name();
  if (policy != config::Variants<EvictionRecipe>::kDefault) line += ", " + policy;
  for (const TierSpec& tier : s.tiers) {
    if (!tier.enabled()) continue;
    const bool own = tier.scope == Scope::private_to_each;
    const std::string name = text(tier.medium) == tier.name ? "" : " (" + text(tier.medium) + ")";
    line += fmt::format(" > {}{} {} {}, {}, {}, {}", tier.name, name,
                        human::bytes(tier.capacity.bytes), own ? "per replica" : "shared",
                        tier.eviction.name(), writing(tier), text(tier.inclusion));
  }
  return line;
}

std::string load_line(const Scenario& s) {
  if (const auto& trace = s.workload.trace) {
    std::string line = "trace " + trace->path;
    if (trace->speedup != 1) line += fmt::format(" at {} times its speed", trace->speedup);
    if (trace->rate) line += " at " + text(*trace->rate);
    return line;
  }
  std::string line;
  for (const ClientSpec& client : s.workload.synthetic.clients) {
    line += line.empty() ? "" : ", ";
    line += client.name + " (" + text(client.arrivals.process) + ")";
  }
  return line;
}

}  // namespace

ReportHeader make_header(const Scenario& s, const Dimensions& d) {
  ReportHeader header{s.name, s.model.name, s.seed, {}};
  header.lines = {{"model", model_line(s, d)}, {"hardware", hardware_line(s)},
                  {"engine", engine_line(s)},  {"tiers", tier_line(s, d)},
                  {"load", load_line(s)},      {"seed", std::to_string(s.seed)}};
  return header;
}

std::string header_text(const ReportHeader& header) {
  std::size_t width = 0;
  for (const ReportHeader::Line& line : header.lines) {
    width = std::max(width, columns_of(line.key));
  }
  std::string text = paragraph("", header.scenario.empty() ? "terrace" : header.scenario);
  for (const ReportHeader::Line& line : header.lines) {
    text += paragraph(fmt::format("  {:<{}}  ", line.key, width), line.text);
  }
  return text;
}

}  // namespace terrace
