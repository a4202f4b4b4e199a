#include "calibrate/loop/closed_loop.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <stdlib.h>

#include "calibrate/labs/engine.hpp"
#include "calibrate/labs/real_machine.hpp"
#include "calibrate/loop/prediction.hpp"
#include "kernels/host_set.hpp"
#include "sim/base/function_ref.hpp"
#include "sim/base/quantile.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::int64_t kSlots = 128;  // of memory and file while moves are measured
constexpr unsigned kDepth = 32;       // commands in flight
constexpr double kDrift = 0.1;        // beyond which a workload counts as disturbed
constexpr const char* kStem = "lab";
const StepShape kSentinel = {{32, 0}};

/// How often things are done, by LoopExtent.
struct Effort {
  int passes = 9;    // over the grid of steps
  int repeats = 25;  // of a move
  int runs = 3;      // of a workload
};
constexpr Effort kEfforts[] = {{9, 25, 3}, {5, 9, 3}, {1, 1, 1}};

/// Keys and values are large beside the weights, so that moving them takes a while.
labs::Shape loop_shape() {
  labs::Shape shape;
  shape.heads = 8;
  shape.kv_heads = 8;
  shape.mlp = 1024;
  return shape;
}

/// A directory of its own for the profile, that goes when this does.
class ProfileFolder {
 public:
  ProfileFolder() {
    std::error_code none;
    const std::filesystem::path temporary = std::filesystem::temp_directory_path(none);
    std::string name = (temporary / "terrace-loop-XXXXXX").string();
    if (none || ::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error(
          fmt::format("cannot make a directory for temporary files{}: {}; TMPDIR=DIR says where",
                      none ? "" : " like " + name,
                      none ? none.message() : std::generic_category().message(errno)));
    }
    path_ = name;
  }
  ~ProfileFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ProfileFolder(const ProfileFolder&) = delete;
  ProfileFolder& operator=(const ProfileFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class ClosedLoop {
 public:
  ClosedLoop(const LoopOptions& options, kernels::KernelSet& set, bool is_host,
             const LoopProgress& progress)
      : options_(options),
        progress_(progress),
        shape_(loop_shape()),
        set_(set),
        is_host_(is_host),
        spec_{kLoopBounds.most_tokens, kLoopBounds.most_sequences, kLoopBounds.longest,
              effort().passes, options.seed},
        blocks_(std::max(kLoopBounds.most_blocks, blocks_for(spec_, shape_.page))),
        model_(shape_, blocks_, set_, options.threads),
        bench_(model_, blocks_) {}

  LoopResult run() {
    static_cast<void>(ProfileFolder());  // to fail before the work, not after it
    LoopResult result;
    result.device = set_.description();
    if (!is_host_) {
      result.host = fmt::format("{}, {} thread{}", kernels::processor_name(), options_.threads,
                                options_.threads == 1 ? "" : "s");
    }
    result.shape = shape_;
    result.options = options_;
    result.runs = effort().runs;
    result.calibration = calibrate(result.caveats);
    const Duration pace = result.calibration.steps.products.rbegin()->second;
    const auto workloads = chosen_workloads(pace);
    for (std::size_t i = 0; i < workloads.size(); ++i) {
      const auto proceed = [&](int run) {
        progress_("serving", (static_cast<double>(i) + static_cast<double>(run) / result.runs) /
                                 static_cast<double>(workloads.size()));
      };
      result.workloads.push_back(serve(workloads[i], result, proceed));
    }
    return result;
  }

 private:
  [[nodiscard]] const Effort& effort() const {
    return kEfforts[static_cast<std::size_t>(options_.extent)];
  }

  [[nodiscard]] std::vector<LoopWorkload> chosen_workloads(Duration pace) const {
    const bool quick = options_.extent == LoopExtent::quick;
    auto all = loop_workloads(options_.seed, quick, pace, shape_.vocabulary);
    if (options_.extent != LoopExtent::trial) return all;
    const auto evicts =
        std::find_if(all.begin(), all.end(), [](const LoopWorkload& w) { return w.evicts; });
    return {all.front(), *evicts};
  }

  LoopCalibration calibrate(std::vector<std::string>& caveats) {
    const auto start = std::chrono::steady_clock::now();
    LoopCalibration c;
    if (std::string caveat = set_.caveat(); !caveat.empty()) caveats.push_back(std::move(caveat));
    if (!is_host_) {
      caveats.emplace_back(
          "a block goes to the device and back alone, from ordinary memory, and is waited for; "
          "engines move many at once, from pinned memory");
    }
    // First the file: a disk that does not do is told at once.
    const std::vector<std::int64_t> tiers = {kSlots, kSlots};
    labs::RealMachine machine(model_, tiers, {options_.disk, kDepth});
    c.steps = measure_steps([this](const StepShape& step) { return bench_.run(step); }, shape_,
                            spec_, [this](double part) { progress_("measuring steps", part); });
    for (std::string& caveat : machine.caveats()) caveats.push_back(std::move(caveat));
    c.moves = measure_moves(machine, blocks_, kSlots, effort().repeats, options_.seed, [this] {
      progress_("measuring moves", 0);
      bench_.run(kSentinel);
    });
    c.machine = machine_of(c.moves, shape_.block_bytes(), kDepth);
    c.took = std::chrono::steady_clock::now() - start;
    return c;
  }

  ComparedWorkload serve(const LoopWorkload& w, const LoopResult& result,
                         FunctionRef<void(int)> proceed) {
    ComparedWorkload compared{w.name, w.what, w.evicts, false, 0, {}};
    labs::RealMachine machine(model_, w.rules.tiers, {options_.disk, kDepth});
    std::vector<Quantities> measured;
    std::vector<double> sentinels;
    const auto look = [&] {
      for (int i = 0; i < 3; ++i) bench_.run(kSentinel);  // as when it was calibrated
      for (int i = 0; i < 5; ++i) sentinels.push_back(seconds(bench_.run(kSentinel).all));
    };
    for (int run = 0; run < result.runs; ++run) {
      proceed(run);
      look();
      machine.restart();
      const labs::Served served = labs::Engine(w.rules, w.conversations, machine).run();
      measured.push_back(quantities_of(served, shape_.block_bytes()));
    }
    look();
    const labs::Served predicted = foretold(w, result.calibration);
    compared.quantities = compare(measured, quantities_of(predicted, shape_.block_bytes()));
    compared.drift =
        interpolated_quantile(sentinels, 0.5) / seconds(result.calibration.steps.sentinel) - 1;
    compared.disturbed = std::abs(compared.drift) > kDrift;
    return compared;
  }

  /// Simulations read profiles from files: they are there for no longer than that takes.
  [[nodiscard]] labs::Served foretold(const LoopWorkload& w, const LoopCalibration& c) const {
    const ProfileFolder folder;
    write_layer_profile(c.steps, shape_, folder.path(), kStem);
    CostSpec cost;
    cost.backend = CostBackend::layers;
    cost.profile = (folder.path() / kStem).string();
    return simulate(scenario_of(shape_, w.rules, c.machine, cost), w.conversations);
  }

  LoopOptions options_;
  const LoopProgress& progress_;
  labs::Shape shape_;
  kernels::KernelSet& set_;
  bool is_host_;
  StepGridSpec spec_;
  std::int64_t blocks_;
  labs::Transformer model_;
  StepBench bench_;
};

}  // namespace

LoopResult close_loop(const LoopOptions& options, kernels::KernelSet& kernels, bool is_host,
                      const LoopProgress& progress) {
  return ClosedLoop(options, kernels, is_host, progress).run();
}

}  // namespace terrace::calibrate
