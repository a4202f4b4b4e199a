#include "sim/study/plan/machine.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "sim/fabric/number_source.hpp"

namespace terrace {

using config::Node;
using config::Place;

const Node& item_of(const Node& map, std::string_view key, std::size_t index) {
  const Node::Member* member = map.find(key);
  if (member == nullptr || index >= member->value.items.size()) return map;
  return member->value.items[index];
}

Place place_of(const Node& map, std::string_view key) {
  const Node::Member* member = map.find(key);
  return member != nullptr ? member->value.place : map.place;
}

namespace {

// A node costs about 1.35 times what its eight GPUs do.
constexpr double kChassisShare = 0.35;

constexpr std::int64_t kGB = 1'000'000'000;
constexpr std::int64_t kGiB = std::int64_t{1} << 30U;

/// A drive by itself.
struct Drive {
  SsdSpec ssd;
};

void describe(config::Fields& f, Drive& drive) {
  f.catalogued("ssd", "hwprofiles/ssds", drive.ssd, "the drive");
}

/// GPU and host by themselves.
struct Body {
  GpuSpec gpu;
  HostSpec host;
};

void describe(config::Fields& f, Body& body) {
  f.catalogued("gpu", "hwprofiles/gpus", body.gpu, "the GPU");
  f.catalogued("host", "hwprofiles/hosts", body.host, "the host");
}

Node map_of(const Place& place, std::vector<Node::Member> members) {
  return {Node::Kind::map, {}, place, {}, std::move(members)};
}

template <class T>
std::string text_of(const T& value) {
  return config::Scalar<T>::format(value);
}

class MachineReader {
 public:
  MachineReader(const MachineSpec& spec, const Node& node, const MachineContext& context)
      : spec_(spec), node_(node), context_(context) {}

  Machine read() {
    const std::size_t errors = context_.diagnostics.count();
    auto [gpu, host] = read_parts<Body>({*node_.find("gpu"), *node_.find("host")});
    machine_.gpu = std::move(gpu);
    machine_.host = std::move(host);
    list_tensor_parallel();
    list_dram();
    list_drives();
    if (context_.diagnostics.count() > errors) return std::move(machine_);
    machine_.name =
        spec_.name.empty() ? fmt::format("{} x {}", spec_.gpus, machine_.gpu.name) : spec_.name;
    check_power(node_, "gpu", machine_.gpu.name, machine_.gpu.power);
    check_power(node_, "host", machine_.host.name, machine_.host.power);
    find_prices();
    return std::move(machine_);
  }

 private:
  void error(const Place& place, std::string message, std::string hint = {}) {
    context_.diagnostics.error(place, std::move(message), std::move(hint));
  }

  /// The parts of the catalogue that `members` name.
  template <class Parts>
  Parts read_parts(std::vector<Node::Member> members) {
    const Node tree = map_of(node_.place, std::move(members));
    Parts parts;
    config::Reader(tree, "the machine", context_.catalogue, context_.diagnostics, &context_.cache)
        .read(parts);
    return parts;
  }

  [[nodiscard]] bool has_tier(Medium medium) const {
    const auto& tiers = context_.scenario.tiers;
    return std::any_of(tiers.begin(), tiers.end(), [&](const TierSpec& tier) {
      return tier.enabled() && tier.medium == medium;
    });
  }

  template <class T, class Name>
  void check_repeats(const std::vector<Listed<T>>& list, Name name_of) {
    std::set<std::string> seen;
    for (const Listed<T>& listed : list) {
      const std::string name = name_of(listed.value);
      if (!seen.insert(name).second) {
        error(listed.place, fmt::format("{} is repeated", name), "remove one");
      }
    }
  }

  void list_tensor_parallel() {
    auto& list = machine_.tensor_parallel;
    for (std::size_t i = 0; i < spec_.tensor_parallel.size(); ++i) {
      list.push_back({spec_.tensor_parallel[i], item_of(node_, "tensor_parallel", i).place});
    }
    if (list.empty()) list.push_back({1, place_of(node_, "gpus")});
    check_repeats(list, text_of<std::int64_t>);
    const std::int64_t stages = context_.scenario.serving.pipeline_parallel;
    for (const auto& [tensor, place] : list) {
      if (spec_.gpus % (tensor * stages) != 0) report_rest(tensor * stages, stages, place);
    }
  }

  void report_rest(std::int64_t replica, std::int64_t stages, const Place& place) {
    std::vector<std::int64_t> fits;
    for (std::int64_t t = 1; t * stages <= spec_.gpus; ++t) {
      if (spec_.gpus % (t * stages) == 0) fits.push_back(t);
    }
    error(place, fmt::format("{} GPUs do not make whole replicas of {}", spec_.gpus, replica),
          fits.empty() ? fmt::format("'gpus' must be a multiple of the {} pipeline stages", stages)
                       : fmt::format("tensor_parallel may be {}", fmt::join(fits, ", ")));
  }

  void list_dram() {
    auto& list = machine_.dram;
    for (std::size_t i = 0; i < spec_.dram.size(); ++i) {
      const Node& item = item_of(node_, "dram", i);
      list.push_back({spec_.dram[i], item.place});
      warn_of_decimal_dram(spec_.dram[i], item);
    }
    if (list.empty()) list.push_back({machine_.host.dram, place_of(node_, "host")});
    check_repeats(list, text_of<Bytes>);
    if (list.size() > 1 && !has_tier(Medium::dram)) {
      error(place_of(node_, "dram"),
            "more DRAM makes no difference: the scenario has no tier in DRAM",
            "add one to the scenario, or leave one size");
    }
  }

  void warn_of_decimal_dram(Bytes size, const Node& item) {
    if (size.count() % kGiB == 0 || size.count() % kGB != 0) return;
    context_.warnings.push_back(fmt::format(
        "{}: {} of DRAM is {:.1f} GiB; DRAM is sold in GiB: {} GiB?", to_string(item.place),
        item.text, config::as_real(size) * 0x1p-30, size.count() / kGB));
  }

  void list_drives() {
    const std::size_t errors = context_.diagnostics.count();
    for (std::size_t d = 0; d < spec_.drives.size(); ++d) {
      const DriveOptionSpec& option = spec_.drives[d];
      const Node& node = item_of(node_, "drives", d);
      if (!check_drives(option, node)) continue;
      for (const DriveChoice& one : read_sizes(option, node)) list_counts(option, node, one);
    }
    if (spec_.drives.empty()) machine_.drives.push_back({{}, node_.place});
    if (context_.diagnostics.count() > errors) return;
    check_repeats(machine_.drives, [](const DriveChoice& drives) { return drives.label; });
  }

  void list_counts(const DriveOptionSpec& option, const Node& node, const DriveChoice& one) {
    for (std::size_t n = 0; n < option.counts.size(); ++n) {
      const Place place = item_of(node, "counts", n).place;
      DriveChoice several;
      if (option.counts[n] > 0) {
        several = one;
        several.count = option.counts[n];
        several.label = fmt::format("{} x {}", several.count, one.label);
      } else if (std::exchange(lists_none_, true)) {
        continue;
      }
      machine_.drives.push_back({std::move(several), place});
    }
  }

  /// No knob without effect.
  bool check_drives(const DriveOptionSpec& option, const Node& node) {
    const bool some = std::any_of(option.counts.begin(), option.counts.end(),
                                  [](std::int64_t count) { return count > 0; });
    if (!some) {
      error(place_of(node, "counts"), fmt::format("no node would have any {}", option.ssd),
            "leave this option out, or say how many, as in counts: [0, 4]");
    } else if (!has_tier(Medium::nvme)) {
      error(node.place, "drives make no difference: the scenario has no tier on NVMe",
            "add one to the scenario, or leave the drives out");
      return false;
    }
    return some;
  }

  /// One drive of each capacity.
  std::vector<DriveChoice> read_sizes(const DriveOptionSpec& option, const Node& node) {
    const std::size_t errors = context_.diagnostics.count();
    const Node& name = node.find("ssd")->value;
    const SsdSpec ssd = read_parts<Drive>({{"ssd", name.place, name}}).ssd;
    if (context_.diagnostics.count() > errors) return {};
    check_power(node, "ssd", ssd.name, ssd.power);
    DriveChoice drive;
    drive.price = price_of(ssd.name, option.price, ssd.price, source_of(ssd.sources, "price"));
    if (!drive.price) report_unpriced(node, "ssd", ssd.name, "price");
    drive.capacity = ssd.capacity;
    drive.tree = name;
    drive.label = fmt::format("{} {}", ssd.name, text_of(ssd.capacity));
    if (option.capacities.empty()) return {drive};

    std::vector<DriveChoice> sizes;
    for (std::size_t i = 0; i < option.capacities.size(); ++i) {
      const Node& capacity = item_of(node, "capacities", i);
      drive.capacity = option.capacities[i];
      drive.tree =
          map_of(name.place, {{"use", name.place, name}, {"capacity", capacity.place, capacity}});
      drive.label = fmt::format("{} {}", ssd.name, text_of(drive.capacity));
      static_cast<void>(read_parts<Drive>({{"ssd", name.place, drive.tree}}));  // is it sold?
      warn_of_binary_drive(drive.capacity, capacity);
      sizes.push_back(drive);
    }
    return sizes;
  }

  void warn_of_binary_drive(Bytes capacity, const Node& item) {
    if (capacity.count() % kGB == 0 || capacity.count() % kGiB != 0) return;
    context_.warnings.push_back(fmt::format(
        "{}: a drive of {} has {:.2f} TB; drives are sold in TB: {:.4g} TB?", to_string(item.place),
        item.text, config::as_real(capacity) * 1e-12, config::as_real(capacity) * 0x1p-40));
  }

  /// Without it the meter would seem to stand still.
  void check_power(const Node& node, std::string_view key, const std::string& name, Power power) {
    if (power > Power{}) return;
    error(place_of(node, key), fmt::format("the profile of {} does not say what it draws", name),
          "add its 'power' to a profile of your own");
  }

  /// Nothing if neither the plan nor the profile has one.
  template <class Price>
  std::optional<SourcedPrice<Price>> price_of(std::string product,
                                              const std::optional<PriceRange<Price>>& given,
                                              const std::optional<PriceRange<Price>>& known,
                                              const std::string* source) const {
    if (given) return SourcedPrice<Price>{std::move(product), *given, said_by_plan(given->as_of)};
    if (!known) return std::nullopt;
    return SourcedPrice<Price>{std::move(product), *known,
                               source != nullptr ? *source : "assumed: its profile does not say"};
  }

  [[nodiscard]] std::string said_by_plan(const std::string& as_of) const {
    return fmt::format("{}, {}", context_.file, as_of);
  }

  void report_unpriced(const Node& node, std::string_view part, std::string_view what,
                       std::string_view key) {
    error(place_of(node, part), fmt::format("the catalogue has no price for {}", what),
          fmt::format("say it, as in {}: {{low: ..., typical: ..., high: ..., as_of: 2026-11}}",
                      key));
  }

  void find_prices() {
    const GpuSpec& gpu = machine_.gpu;
    const HostSpec& host = machine_.host;
    if (auto price =
            price_of(gpu.name, spec_.gpu_price, gpu.price, source_of(gpu.sources, "price"))) {
      machine_.gpu_price = *std::move(price);
    } else {
      report_unpriced(node_, "gpu", gpu.name, "gpu_price");
    }
    const std::string memory = host.memory_type.empty() ? "DRAM of " + host.name : host.memory_type;
    if (auto price = price_of(memory, spec_.dram_price, host.dram_price,
                              source_of(host.sources, "dram_price"))) {
      machine_.dram_price = *std::move(price);
    } else {
      report_unpriced(node_, "host", "the DRAM of " + host.name, "dram_price");
    }
    find_chassis_price();
  }

  void find_chassis_price() {
    if (spec_.chassis) {
      machine_.chassis_price = {"chassis of " + machine_.name, *spec_.chassis,
                                said_by_plan(spec_.chassis->as_of)};
      return;
    }
    const double factor = kChassisShare * static_cast<double>(spec_.gpus);
    const auto& [product, one, source] = machine_.gpu_price;
    machine_.chassis_price = {
        product,
        {one.low * factor, one.typical * factor, one.high * factor, one.as_of},
        fmt::format("assumed: {:.0f} % of its GPUs' price", 100 * kChassisShare)};
    context_.warnings.push_back(fmt::format(
        "{}: what the chassis of {} costs is not said: {:.0f} % of its GPUs are assumed",
        to_string(node_.place), machine_.name, 100 * kChassisShare));
  }

  const MachineSpec& spec_;
  const Node& node_;
  const MachineContext& context_;
  Machine machine_;
  bool lists_none_ = false;  // "no drives" is one choice, however many options name it
};

}  // namespace

Machine read_machine(const MachineSpec& spec, const Node& node, const MachineContext& context) {
  return MachineReader(spec, node, context).read();
}

}  // namespace terrace
