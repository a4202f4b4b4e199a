#include "calibrate/measuring/session.hpp"

#include <algorithm>
#include <ctime>
#include <map>
#include <stdexcept>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "calibrate/measuring/environment.hpp"
#include "sim/study/identity.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

std::string now_utc() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

Json names_of(const std::vector<const Family*>& families) {
  Json names = Json::array();
  for (const Family* family : families) names.push_back(family->name);
  return names;
}

Json tool_of(const MeasuringOptions& options) {
  return {{"version", TERRACE_VERSION},
          {"build", file_identity("/proc/self/exe")},
          {"compiler", __VERSION__},
          {"device", options.device},
          {"quick", options.quick},
          {"families", names_of(options.families)},
          {"disk", options.disk.has_value()},
          {"threads", options.threads},
          {"seed", options.seed}};
}

Json json_of(const Extent& extent) {
  return {{"memory_bytes", extent.memory.count()},
          {"cache_bytes", extent.cache.count()},
          {"disk_bytes", extent.disk.count()},
          {"memory_gbs", extent.pace.memory.count() * 1e-9},
          {"gemm_tf", extent.pace.products.count() * 1e-12}};
}

void restore(Extent& extent, const Json& json) {
  extent.memory = Bytes{json.at("memory_bytes").get<std::int64_t>()};
  extent.cache = Bytes{json.at("cache_bytes").get<std::int64_t>()};
  extent.disk = Bytes{json.at("disk_bytes").get<std::int64_t>()};
  extent.pace.memory = Bandwidth{json.at("memory_gbs").get<double>() * 1e9};
  extent.pace.products = FlopRate{json.at("gemm_tf").get<double>() * 1e12};
}

/// "threads (2, here 4)" for all that two objects do not agree in.
std::string differences(const Json& there, const Json& here) {
  std::string text;
  for (const auto& [name, value] : here.items()) {
    const Json other = there.is_object() && there.contains(name) ? there.at(name) : Json();
    if (other == value) continue;
    text += fmt::format("{}{} ({}, now {})", text.empty() ? "" : ", ", name, other.dump(),
                        value.dump());
  }
  return text;
}

/// So large that three times the cache are never at hand, in memory there is.
Bytes cold_of(const Extent& extent) {
  constexpr std::int64_t kPage = 4096;
  const std::int64_t wanted = std::min(3 * extent.cache.count(), extent.memory.count() / 4);
  return Bytes{std::max<std::int64_t>(wanted / kPage, 1) * kPage};
}

}  // namespace

Session::Session(MeasuringOptions options, std::filesystem::path journal)
    : options_(std::move(options)), journal_path_(std::move(journal)) {
  if (options_.threads == 0) options_.threads = usable_cores();
  lock_.emplace();
  look_around();
  choose_extent();
  operands_.emplace(*device_.kernels, cold_of(extent_), sampling_of(extent_), options_.seed);
  plan_ = plan_of(options_.families, extent_);
  so_far_.header["points"] = plan_.size();
}

Session::~Session() = default;

void Session::look_around() {
  device_ = open_device(options_.device, options_.threads);
  host_ = device_.facts;
  host_.update(host_facts());
  if (options_.disk) host_["disk"] = disk_facts(*options_.disk);
}

void Session::choose_extent() {
  extent_.quick = options_.quick;
  extent_.gpu = device_.gpu;
  extent_.threads = options_.threads;
  const Json tool = tool_of(options_);
  if (auto found = Journal::read(journal_path_)) {
    const Json& header = found->header;
    std::string other = differences(header.value("tool", Json()), tool);
    const std::string machine = differences(header.value("host", Json()), host_);
    other += (other.empty() || machine.empty() ? "" : ", ") + machine;
    if (!other.empty()) {
      throw std::runtime_error(
          fmt::format("{} is of a run that was stopped, and of another one: it differs in {}; "
                      "--fresh begins anew",
                      journal_path_.string(), other));
    }
    restore(extent_, header.at("extent"));
    so_far_ = *std::move(found);
    return;
  }
  extent_.memory = Bytes{std::min(device_.kernels->free_memory(), available_memory()).count() / 2};
  extent_.cache = device_.kernels->cache();
  extent_.pace = pace_of(*device_.kernels, device_.gpu);
  so_far_.header = {{"tool", tool}, {"host", host_}, {"extent", json_of(extent_)}};
  restore(extent_, so_far_.header.at("extent"));  // the same to the last bit when it goes on
}

std::optional<MeasuredRun> Session::measure(
    const std::function<bool()>& stop, const std::function<void(const RunProgress&)>& progress) {
  Bench bench{.kernels = *device_.kernels,
              .gpu = device_.gpu,
              .threads = options_.threads,
              .memory = extent_.memory,
              .cache = extent_.cache,
              .operands = &*operands_};
  const RunWorld world{.clock = steady_seconds,
                       .sentinel = [&] { return sentinel_rates(*operands_, device_.gpu); },
                       .stop = stop,
                       .progress = progress};
  journal_.emplace(journal_path_, so_far_);
  const bool all =
      calibrate::measure(plan_, bench, options_.seed, DriftRule{}, world, *journal_, so_far_);
  return all ? std::optional(finished()) : std::nullopt;
}

MeasuredRun Session::finished() {
  MeasuredRun run{now_utc(), so_far_.header.at("tool"), host_, so_far_.sentinels, {}};
  run.tool["extent"] = so_far_.header.at("extent");
  std::map<std::string_view, const MeasuredPoint*> by_id;
  for (const MeasuredPoint& point : so_far_.points) by_id.emplace(point.id, &point);
  for (const Planned& planned : plan_) run.points.push_back(*by_id.at(planned.measurement.id));
  judge_drift(run.sentinels, run.points, DriftRule{});
  return run;
}

void Session::forget() {
  if (journal_) journal_->remove();
}

}  // namespace terrace::calibrate
