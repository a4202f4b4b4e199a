#include "calibrate/measuring/session.hpp"

#include <algorithm>
#include <bit>
#include <ctime>
#include <set>
#include <stdexcept>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "calibrate/measuring/environment.hpp"
#include "calibrate/measuring/kept_run.hpp"
#include "calibrate/measuring/proven.hpp"
#include "calibrate/measuring/run_identity.hpp"
#include "sim/app/exit_code.hpp"
#include "sim/report/human.hpp"

namespace terrace::calibrate {
namespace {

using Json = nlohmann::ordered_json;

std::string now_utc() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

/// Why there is nothing to be measured of what was asked for.
std::string nothing_text(const MeasuringOptions& options, const std::vector<std::string>& lost) {
  std::string text = "nothing to measure";
  for (const Family* family : options.families) {
    if (family->needs_gpu) text += fmt::format("; {} needs a GPU", family->name);
    if (family->needs_disk) text += fmt::format("; {} needs --disk DIR", family->name);
  }
  for (const std::string& one : lost) text += "; " + one;
  return text;
}

/// The user does not want to wait for the file.
struct Stopped {};

}  // namespace

Bytes test_file_size(Bytes capacity, Bytes available, bool quick) {
  using namespace literals;
  constexpr Bytes kLeast = 256_MiB;
  const Bytes room = available - Bytes{capacity.count() / 10};
  const std::int64_t whole = std::min(quick ? 2_GiB : 8_GiB, room).count() >> 20U << 20U;
  if (Bytes{whole} >= kLeast) return Bytes{whole};
  throw std::runtime_error(fmt::format(
      "no room for a test file of {} at least: {} are free, and a tenth of the disk, {}, is left "
      "alone; free some room, or name a directory on another disk",
      human::bytes(kLeast), human::bytes(available), human::bytes(Bytes{capacity.count() / 10})));
}

Session::Session(MeasuringOptions options, std::filesystem::path journal)
    : options_(std::move(options)), journal_path_(std::move(journal)) {
  if (!options_.plan_only) lock_.emplace();
  look_around();
  choose_extent();
  operands_.emplace(*device_.kernels, cold_pool(extent_), sampling_of(extent_), options_.seed);
  plan_ = plan_of(options_.families, extent_);
  if (plan_.empty()) throw app::UsageError(nothing_text(options_, lost()));
  check_kept(so_far_.points, kept_lines_, plan_, journal_path_.string());
}

Session::~Session() = default;

void Session::look_around() {
  device_ = open_device(options_.device, options_.threads);
  host_ = device_.facts;
  host_.update(host_facts());
  if (device_.gpu) look_at_gpu();
  if (options_.disk && !std::filesystem::is_directory(*options_.disk)) {
    throw std::runtime_error(
        fmt::format("--disk: there is no directory '{}'", options_.disk->string()));
  }
  if (options_.disk) host_["disk"] = disk_facts(*options_.disk);
}

/// What is lost where a vendor's library is not there is said, and the rest goes on without it.
void Session::look_at_gpu() {
  if (stay_near_gpu(device_.pci)) {
    host_["threads_near_gpu"] = true;
    options_.threads = std::min(options_.threads, usable_cores());
  }
  host_.update(gpu_place(device_.pci));
  Json lost = Json::array();
  try {
    watch_.emplace(nvml_functions(), device_.pci);
    host_.update(watch_->facts());
  } catch (const std::runtime_error& e) {
    lost.push_back(fmt::format("{}: clocks, power and reasons to be slow are not known", e.what()));
  }
  const bool wanted = std::any_of(options_.families.begin(), options_.families.end(),
                                  [](const Family* family) { return family->needs_direct_disk; });
  if (options_.disk && wanted) {
    try {
      cu_file_.emplace(cu_file_functions());
      host_["gds_compatibility_mode"] = cu_file_->compatibility_mode();
    } catch (const std::runtime_error& e) {
      lost.push_back(fmt::format(
          "no GPUDirect Storage: {}; 'bounce', by way of the host's memory, stands for it",
          e.what()));
    }
  }
  if (!lost.empty()) host_["lost"] = lost;
}

bool Session::go_on(const Json& tool) {
  if (options_.fresh) return false;
  auto found = Journal::read(journal_path_);
  if (!found) return false;
  const Json& header = found->progressed.header;
  const auto part = [&](const char* key) {
    return header.is_object() ? header.value(key, Json()) : Json();
  };
  std::string other = differences(part("tool"), tool);
  const std::string machine = differences(part("host"), host_);
  other += (other.empty() || machine.empty() ? "" : ", ") + machine;
  if (!other.empty()) {
    throw std::runtime_error(
        fmt::format("{} is of another run, which was stopped; it differs in {}; --fresh begins "
                    "anew",
                    journal_path_.string(), other));
  }
  if (!restore(extent_, part("extent"))) {
    throw Journal::refused(
        fmt::format("{}:1: error: no machine has this 'extent'", journal_path_.string()));
  }
  so_far_ = std::move(found->progressed);
  kept_lines_ = std::move(found->lines);
  return true;
}

/// Looking at the plan does not disturb who measures.
Pace Session::pace() {
  if (!device_.gpu) return usual_pace(options_.threads);
  if (!options_.plan_only) return pace_of_gpu(*device_.kernels);
  try {
    const MachineLock alone;
    return pace_of_gpu(*device_.kernels);
  } catch (const MachineBusy&) {
    using namespace literals;
    plan_is_usual_ = true;
    return {2000_GBps, FlopRate{4e14}};
  }
}

void Session::choose_extent() {
  extent_.quick = options_.quick;
  extent_.gpu = device_.gpu;
  extent_.capability = device_.facts.value("sm", 0);
  extent_.direct_disk = cu_file_.has_value();
  extent_.threads = options_.threads;
  const Json tool = tool_facts(options_);
  if (go_on(tool)) return;
  const Bytes free = device_.kernels->free_memory();
  // Of what is free just now, by powers of two: other runs should plan the same.
  const Bytes usable = device_.gpu ? free : std::min(free, available_memory());
  extent_.memory = Bytes{static_cast<std::int64_t>(
      std::bit_floor(static_cast<std::uint64_t>(std::max<std::int64_t>(usable.count(), 2) / 2)))};
  extent_.cache = device_.kernels->cache();
  if (options_.disk) {
    const std::filesystem::space_info space = std::filesystem::space(*options_.disk);
    extent_.disk =
        test_file_size(Bytes{static_cast<std::int64_t>(space.capacity)},
                       Bytes{static_cast<std::int64_t>(space.available)}, options_.quick);
  }
  extent_.pace = pace();
  so_far_.header = {{"tool", tool}, {"host", host_}, {"extent", json_of(extent_)}};
  static_cast<void>(
      restore(extent_, so_far_.header.at("extent")));  // the same to the last bit when it goes on
}

std::vector<std::string> Session::lost() const {
  return host_.value("lost", std::vector<std::string>());
}

Bytes Session::disk_file() const {
  const bool needed = std::any_of(plan_.begin(), plan_.end(),
                                  [](const Planned& p) { return p.family->needs_disk; });
  return needed ? extent_.disk : Bytes{};
}

std::unique_ptr<TestFile> Session::disk_to_measure(
    const std::function<bool()>& stop, const std::function<void(const RunProgress&)>& progress) {
  std::set<std::string_view> done;
  for (const MeasuredPoint& point : so_far_.points) done.insert(point.id);
  const bool needed = std::any_of(plan_.begin(), plan_.end(), [&](const Planned& p) {
    return p.family->needs_disk && !done.contains(p.measurement.id);
  });
  if (!needed) return nullptr;
  auto file = std::make_unique<TestFile>(*options_.disk, extent_.disk, [&](Bytes) {
    if (stop()) throw Stopped();
    progress({so_far_.points.size(), plan_.size(), 0, "filling the test file"});
  });
  so_far_.header["caveats"] = file->caveats();
  return file;
}

std::optional<MeasuredRun> Session::measure(
    const std::function<bool()>& stop, const std::function<void(const RunProgress&)>& progress) {
  std::unique_ptr<TestFile> disk;
  try {
    disk = disk_to_measure(stop, progress);
  } catch (const Stopped&) {
    return std::nullopt;
  }
  Bench bench{.kernels = *device_.kernels,
              .gpu = device_.gpu,
              .threads = options_.threads,
              .memory = extent_.memory,
              .cache = extent_.cache,
              .disk = disk.get(),
              .operands = &*operands_,
              .transfers = device_.transfers.get(),
              .cu_file = cu_file_ ? &*cu_file_ : nullptr};
  Sentinel sentinel(*device_.kernels, device_.gpu);
  RunWorld world{.clock = steady_seconds,
                 .sentinel = [&] { return sentinel.rates(); },
                 .stop = stop,
                 .progress = progress};
  if (watch_) {
    world.gpu_state = [&] { return sentinel.under_load([&] { return watch_->state(); }); };
  }
  try {
    if (!prove_kernels(plan_, bench, world, so_far_)) return std::nullopt;
  } catch (const kernels::DeviceLost&) {
    journal_.emplace(journal_path_, so_far_);  // the next run is to know
    throw;
  }
  journal_.emplace(journal_path_, so_far_);
  const bool all =
      calibrate::measure(plan_, bench, options_.seed, DriftRule{}, world, *journal_, so_far_);
  return all ? std::optional(finished()) : std::nullopt;
}

MeasuredRun Session::finished() {
  MeasuredRun run{now_utc(),         so_far_.header.at("tool"), host_,
                  so_far_.sentinels, points_of(plan_, so_far_), so_far_.findings};
  run.tool["extent"] = so_far_.header.at("extent");
  if (so_far_.header.contains("caveats")) {
    run.host["disk"]["caveats"] = so_far_.header.at("caveats");
  }
  judge_drift(run.sentinels, run.points, DriftRule{});
  return run;
}

void Session::forget() {
  if (journal_) journal_->remove();
}

}  // namespace terrace::calibrate
