#include "calibrate/measuring/session.hpp"

#include <algorithm>
#include <bit>
#include <ctime>
#include <stdexcept>
#include <system_error>

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
  if (plan_.empty()) {
    std::string why = why_nothing(options_.families, extent_);
    if (gpu_ && !gpu_->why_no_cu_file.empty()) why += "; " + gpu_->why_no_cu_file;
    throw app::UsageError(why);
  }
  check_kept(so_far_.points, kept_lines_, plan_, journal_path_.string());
}

Session::~Session() = default;

void Session::look_around() {
  keep_cu_file_from_logging();
  device_ = open_device(options_.device, options_.threads);
  host_ = device_.facts;
  host_.update(host_facts());
  if (device_.gpu) {
    const bool direct = std::any_of(options_.families.begin(), options_.families.end(),
                                    [](const Family* family) { return family->needs_direct_disk; });
    gpu_.emplace(device_.pci, options_.threads, options_.disk && direct);
    options_.threads = gpu_->threads;
    host_.update(gpu_->facts);
    if (!gpu_->lost.empty()) host_["lost"] = gpu_->lost;
  }
  if (options_.disk && !std::filesystem::is_directory(*options_.disk)) {
    throw std::runtime_error(
        fmt::format("--disk: there is no directory '{}'", options_.disk->string()));
  }
  if (options_.disk) host_["disk"] = disk_facts(*options_.disk);
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
  goes_on_ = true;
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
  extent_.direct_disk = gpu_ && gpu_->cu_file;
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
  const std::vector<const Planned*> left = left_of(plan_, so_far_, options_.seed);
  const bool needed =
      std::any_of(left.begin(), left.end(), [](const Planned* p) { return p->family->needs_disk; });
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
  Bench bench{.kernels = *device_.kernels,
              .gpu = device_.gpu,
              .threads = options_.threads,
              .memory = extent_.memory,
              .cache = extent_.cache,
              .operands = &*operands_,
              .transfers = device_.transfers.get(),
              .cu_file = gpu_ && gpu_->cu_file ? &*gpu_->cu_file : nullptr};
  Sentinel sentinel(*device_.kernels, device_.gpu);
  RunWorld world{.clock = steady_seconds,
                 .sentinel = [&] { return sentinel.rates(); },
                 .stop = stop,
                 .progress = progress};
  if (gpu_ && gpu_->watch) {
    world.gpu_state = [&] { return sentinel.under_load([&] { return gpu_->watch->state(); }); };
  }
  std::unique_ptr<TestFile> disk;
  try {
    if (!prove_kernels(plan_, bench, world, so_far_)) return std::nullopt;
    disk = disk_to_measure(stop, progress);
  } catch (const Stopped&) {
    journal_.emplace(journal_path_, so_far_);  // what is wrong, the next run is to know
    return std::nullopt;
  } catch (...) {
    journal_.emplace(journal_path_, so_far_);
    throw;
  }
  bench.disk = disk.get();
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

std::string Session::kept() const {
  const bool in_journal = goes_on_ || (journal_ && journal_->is_in_place());
  const char* command = options_.fresh ? "the same command without --fresh" : "the same command";
  if (in_journal && done() > 0) {
    return fmt::format("{} of {} points are measured and kept; {} goes on with the others", done(),
                       plan_.size(), command);
  }
  if (in_journal && !condemned(so_far_.findings).empty()) {
    return fmt::format(
        "no point was measured yet; which kernels are wrong is kept, and {} goes on without them",
        command);
  }
  std::error_code unknown;
  const bool of_another = !in_journal && std::filesystem::exists(journal_path_, unknown);
  return of_another
             ? fmt::format("no point was measured yet; {} stays as it was", journal_path_.string())
             : "no point was measured yet, and nothing is kept";
}

void Session::forget() {
  if (journal_) journal_->remove();
}

}  // namespace terrace::calibrate
