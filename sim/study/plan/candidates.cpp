#include "sim/study/plan/candidates.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace terrace {
namespace {

using config::Diagnostics;
using config::Node;
using config::Place;

using Choice = std::array<std::size_t, 3>;  // of tensor_parallel, dram, drives

std::string text_of(std::int64_t value) { return config::Scalar<std::int64_t>::format(value); }

Node scalar(std::string text, const Place& place) {
  return {Node::Kind::scalar, std::move(text), place, {}, {}};
}

void erase(Node& root, std::string_view section, std::string_view key) {
  if (Node::Member* found = root.find(section)) {
    std::erase_if(found->value.members, [&](const auto& member) { return member.key == key; });
  }
}

class CandidateMaker {
 public:
  CandidateMaker(const PlanGround& ground, std::size_t index, const Machine& machine,
                 const Node& node, Diagnostics& diagnostics)
      : ground_(ground),
        index_(index),
        spec_(ground.spec.machines[index]),
        machine_(machine),
        node_(node),
        diagnostics_(diagnostics) {}

  std::vector<Candidate> make() {
    std::vector<Candidate> all;
    for (std::size_t t = 0; t < machine_.tensor_parallel.size(); ++t) {
      for (std::size_t m = 0; m < machine_.dram.size(); ++m) {
        for (std::size_t d = 0; d < machine_.drives.size(); ++d) all.push_back(make({t, m, d}));
      }
    }
    for (const auto& [message, mistake] : mistakes_) blame(message, mistake);
    return all;
  }

 private:
  /// What is wrong with a scenario, and with which choices.
  struct Mistake {
    std::string hint;
    std::set<Choice> choices;
  };

  Candidate make(const Choice& choice) {
    const DriveChoice& drives = machine_.drives[choice[2]].value;
    Candidate made;
    made.machine = index_;
    made.tensor_parallel = machine_.tensor_parallel[choice[0]].value;
    made.dram = machine_.dram[choice[1]].value;
    made.drives = drives.count;
    made.prices = {machine_.gpu_price, machine_.chassis_price, machine_.dram_price, drives.price};
    made.name = name_of(choice);

    Diagnostics found;
    Node root = ground_.scenario_tree;
    lay_hardware(root, choice, found);
    lay_serving(root, choice, found);
    lay_tiers(root, made, drives.capacity, found);
    made.scenario =
        read_scenario(ground_.scenario_path, root, ground_.catalogue, found, &ground_.cache)
            .scenario;
    for (const auto& error : found.errors()) {
      Mistake& mistake = mistakes_[error.message];
      mistake.hint = error.hint;
      mistake.choices.insert(choice);
    }
    return made;
  }

  [[nodiscard]] std::string name_of(const Choice& choice) const {
    const DriveChoice& drives = machine_.drives[choice[2]].value;
    std::string name =
        fmt::format("{}, TP {}, {}", machine_.name, machine_.tensor_parallel[choice[0]].value,
                    config::Scalar<Bytes>::format(machine_.dram[choice[1]].value));
    if (drives.count > 0) name += ", " + drives.label;
    return name;
  }

  static void lay(Node& root, const std::string& path, Node value, Diagnostics& found) {
    const Place place = value.place;
    config::apply_override(root, path, std::move(value), place, found);
  }

  void lay_hardware(Node& root, const Choice& choice, Diagnostics& found) const {
    // A machine has what the plan says of it, whatever the scenario's own has.
    for (const char* key : {"kernels", "ssd", "drives_per_host"}) erase(root, "hardware", key);
    lay(root, "hardware.gpu", node_.find("gpu")->value, found);
    const Node& host = node_.find("host")->value;
    lay(root, "hardware.host", host, found);
    const auto& [dram, dram_place] = machine_.dram[choice[1]];
    lay(root, "hardware.host.dram", scalar(config::Scalar<Bytes>::format(dram), dram_place), found);
    const auto& [drives, drives_place] = machine_.drives[choice[2]];
    if (drives.count == 0) return;
    lay(root, "hardware.ssd", drives.tree, found);
    lay(root, "hardware.drives_per_host", scalar(text_of(drives.count), drives_place), found);
  }

  [[nodiscard]] std::int64_t replicas_of_node(std::int64_t tensor_parallel) const {
    return spec_.gpus / (tensor_parallel * ground_.scenario.serving.pipeline_parallel);
  }

  void lay_serving(Node& root, const Choice& choice, Diagnostics& found) const {
    const auto& [tensor, place] = machine_.tensor_parallel[choice[0]];
    const Node replicas = scalar(text_of(replicas_of_node(tensor)), place);
    lay(root, "serving.tensor_parallel", scalar(text_of(tensor), place), found);
    lay(root, "serving.replicas", replicas, found);
    lay(root, "serving.replicas_per_host", replicas, found);
  }

  void lay_tiers(Node& root, const Candidate& made, Bytes drive, Diagnostics& found) const {
    const SharesSpec& shares = ground_.spec.shares;
    const double drives = config::as_real(drive) * static_cast<double>(made.drives);
    lay_tiers(root, Medium::dram, config::as_real(made.dram) * shares.dram, made, found);
    lay_tiers(root, Medium::nvme, drives * shares.drives, made, found);
  }

  /// Tiers of one medium share it in the proportion in which the scenario's do. Where there is
  /// nothing to share they are switched off.
  void lay_tiers(Node& root, Medium medium, double bytes, const Candidate& made,
                 Diagnostics& found) const {
    const Scenario& base = ground_.scenario;
    double whole = 0;
    for (const TierSpec& tier : base.tiers) {
      if (tier.medium == medium) whole += bytes_per_host(tier, base.serving);
    }
    for (std::size_t i = 0; i < base.tiers.size(); ++i) {
      const TierSpec& tier = base.tiers[i];
      if (tier.medium != medium || !tier.enabled()) continue;
      double mine = bytes * bytes_per_host(tier, base.serving) / whole;
      if (tier.scope == Scope::private_to_each) {
        mine /= static_cast<double>(replicas_of_node(made.tensor_parallel));
      }
      const config::Capacity capacity{Bytes{static_cast<std::int64_t>(mine)}};
      lay(root, fmt::format("tiers[{}].capacity", i),
          scalar(config::Scalar<config::Capacity>::format(capacity), node_.place), found);
    }
  }

  [[nodiscard]] std::size_t size_of(std::size_t list) const {
    return std::array{machine_.tensor_parallel.size(), machine_.dram.size(),
                      machine_.drives.size()}[list];
  }

  [[nodiscard]] Place place_of_value(std::size_t list, std::size_t value) const {
    if (list == 0) return machine_.tensor_parallel[value].place;
    return list == 1 ? machine_.dram[value].place : machine_.drives[value].place;
  }

  /// The values of a list with which the mistake is always made.
  [[nodiscard]] std::set<std::size_t> guilty(std::size_t list, const Mistake& mistake) const {
    std::vector<std::size_t> times(size_of(list), 0);
    for (const Choice& choice : mistake.choices) ++times[choice[list]];
    std::set<std::size_t> values;
    for (std::size_t value = 0; value < times.size(); ++value) {
      if (times[value] == machine_.combinations() / times.size()) values.insert(value);
    }
    return values;
  }

  /// Values of one list are to blame if they make the mistake with all others, and others do not;
  /// failing that, the machine is.
  void blame(const std::string& message, const Mistake& mistake) {
    const std::string whole = fmt::format("{} ({})", message, name_of(*mistake.choices.begin()));
    for (std::size_t list = 0; list < Choice{}.size(); ++list) {
      const std::set<std::size_t> values = guilty(list, mistake);
      if (values.size() == size_of(list) || values.empty() ||
          values.size() * machine_.combinations() / size_of(list) != mistake.choices.size()) {
        continue;
      }
      for (const std::size_t value : values) {
        diagnostics_.error(place_of_value(list, value), whole, mistake.hint);
      }
      return;
    }
    diagnostics_.error(node_.place, whole, mistake.hint);
  }

  const PlanGround& ground_;
  std::size_t index_;
  const MachineSpec& spec_;
  const Machine& machine_;
  const Node& node_;
  Diagnostics& diagnostics_;
  std::map<std::string, Mistake> mistakes_;  // by message
};

}  // namespace

std::vector<Candidate> make_candidates(const PlanGround& ground, std::size_t index,
                                       const Machine& machine, const Node& node,
                                       Diagnostics& diagnostics) {
  return CandidateMaker(ground, index, machine, node, diagnostics).make();
}

}  // namespace terrace
