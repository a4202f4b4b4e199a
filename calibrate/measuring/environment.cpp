#include "calibrate/measuring/environment.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <sched.h>
#include <sys/utsname.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "sim/base/text.hpp"

namespace terrace::calibrate {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr int kMostCores = CPU_SETSIZE;

/// Without the blanks at both ends, which may be tabs.
std::string plain(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, text.find_last_not_of(" \t") + 1 - begin));
}

/// The first line, or nothing.
std::string line_of(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return plain(line);
}

void put(Json& facts, const char* key, std::string text) {
  if (!text.empty()) facts[key] = std::move(text);
}

/// What follows "key  :" in a file of such lines.
std::string value_of(const fs::path& path, std::string_view key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(':');
    if (colon != std::string::npos && plain(line.substr(0, colon)) == key) {
      return plain(line.substr(colon + 1));
    }
  }
  return {};
}

/// The number behind "key " in a file of such lines; 0 if there is none.
std::int64_t number_of(const fs::path& path, std::string_view key) {
  std::ifstream in(path);
  std::string name;
  for (std::int64_t number = 0; in >> name >> number;) {
    if (name == key) return number;
  }
  return 0;
}

/// "32K" of sysfs, in bytes.
std::int64_t size_of(const std::string& text) {
  char* end = nullptr;
  const std::int64_t number = std::strtoll(text.c_str(), &end, 10);
  return *end == 'K' ? number << 10U : *end == 'M' ? number << 20U : number;
}

Json caches(const fs::path& cpu) {
  Json all = Json::object();
  for (int i = 0; fs::exists(cpu / fmt::format("index{}", i)); ++i) {
    const fs::path index = cpu / fmt::format("index{}", i);
    const std::string type = line_of(index / "type");
    if (type == "Instruction") continue;
    const std::string level = line_of(index / "level");
    all[fmt::format("cpu_l{}{}_bytes", level, type == "Data" ? "d" : "")] =
        size_of(line_of(index / "size"));
  }
  return all;
}

/// "[always] madvise never" -> "always"
std::string chosen(const std::string& line) {
  const std::size_t begin = line.find('[');
  const std::size_t end = line.find(']');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  return line.substr(begin + 1, end - begin - 1);
}

int numbered(const fs::path& directory, std::string_view prefix) {
  int count = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(directory, none)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(prefix) &&
        name.find_first_not_of("0123456789", prefix.size()) == std::string::npos) {
      ++count;
    }
  }
  return count;
}

/// What stands between devices and memory: "none", or how the kernel uses it: "DMA-FQ", "identity".
/// Empty if the system does not tell.
std::string iommu_of(const fs::path& root) {
  std::error_code none;
  if (!fs::exists(root / "sys/kernel/iommu_groups", none)) return {};
  fs::directory_iterator group(root / "sys/kernel/iommu_groups", none);
  if (group == fs::directory_iterator()) return "none";
  const std::string type = line_of(group->path() / "type");
  return type.empty() ? "on" : type;
}

/// What a hypervisor that signs so is called.
std::string usual_name(const std::string& signature) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"KVMKVMKVM", "KVM"},
      {"MicrosoftHv", "Hyper-V"},
      {"VMwareVMware", "VMware"},
      {"XenVMMXenVMM", "Xen"},
      {"TCGTCGTCGTCG", "QEMU without KVM"}};
  for (const auto& [signed_so, name] : kNames) {
    if (signature == signed_so) return std::string(name);
  }
  return signature;
}

/// Who says to be below the kernel: "KVM". Empty on bare metal.
std::string hypervisor(const fs::path& root) {
  const std::string flags = value_of(root / "proc/cpuinfo", "flags");
  if (flags.find(" hypervisor") == std::string::npos) return line_of(root / "sys/hypervisor/type");
#if defined(__x86_64__)
  if (root == "/") {
    unsigned eax = 0;
    unsigned words[3] = {};
    __cpuid(0x40000000, eax, words[0], words[1], words[2]);
    std::string name;
    for (const unsigned word : words) {
      for (unsigned shift = 0; shift < 32; shift += 8) {
        const char c = static_cast<char>(word >> shift & 0xffU);
        if (c > ' ' && c < 0x7f) name += c;
      }
    }
    if (!name.empty()) return usual_name(name);
  }
#endif
  return "unnamed";
}

bool in_container(const fs::path& root) {
  return fs::exists(root / ".dockerenv") || fs::exists(root / "run/.containerenv");
}

}  // namespace

std::vector<int> cores_of_list(std::string_view list) {
  std::vector<int> cores;
  for (const std::string& part : split_list(list)) {
    int first = 0;
    int last = 0;
    const char* const end = part.data() + part.size();
    auto read = std::from_chars(part.data(), end, first);
    if (read.ec != std::errc()) return {};
    last = first;
    if (read.ptr != end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, last);
    if (read.ec != std::errc() || read.ptr != end || last < first || last >= kMostCores) return {};
    for (int core = first; core <= last; ++core) cores.push_back(core);
  }
  return cores;
}

Json gpu_place(const std::string& pci, const fs::path& root) {
  Json place = Json::object();
  const std::string node = line_of(root / "sys/bus/pci/devices" / pci / "numa_node");
  // Minus one: the machine has one, or does not tell.
  if (!node.empty() && node.front() != '-') place["gpu_numa_node"] = std::atoi(node.c_str());
  return place;
}

bool stay_near_gpu(const std::string& pci, const fs::path& root) {
  const fs::path nodes = root / "sys/devices/system/node";
  const Json place = gpu_place(pci, root);
  if (numbered(nodes, "node") < 2 || !place.contains("gpu_numa_node")) return false;
  cpu_set_t may;
  CPU_ZERO(&may);
  if (sched_getaffinity(0, sizeof may, &may) != 0) return false;
  cpu_set_t near;
  CPU_ZERO(&near);
  const fs::path node = nodes / fmt::format("node{}", place.at("gpu_numa_node").get<int>());
  for (const int core : cores_of_list(line_of(node / "cpulist"))) {
    const auto index = static_cast<std::size_t>(core);
    if (CPU_ISSET(index, &may)) CPU_SET(index, &near);
  }
  return CPU_COUNT(&near) > 0 && sched_setaffinity(0, sizeof near, &near) == 0;
}

int usable_cores() {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  if (sched_getaffinity(0, sizeof usable, &usable) == 0) return std::max(1, CPU_COUNT(&usable));
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

Bytes available_memory(const fs::path& root) {
  const std::string available = value_of(root / "proc/meminfo", "MemAvailable");
  std::int64_t bytes = std::strtoll(available.c_str(), nullptr, 10) * 1024;
  const fs::path group = root / "sys/fs/cgroup";
  const std::string most = line_of(group / "memory.max");
  const std::string used = line_of(group / "memory.current");
  if (!most.empty() && most != "max") {
    // Files that were read once count as used, but are given back first.
    const std::int64_t kept =
        std::strtoll(used.c_str(), nullptr, 10) - number_of(group / "memory.stat", "inactive_file");
    bytes = std::min<std::int64_t>(
        bytes, std::strtoll(most.c_str(), nullptr, 10) - std::max<std::int64_t>(kept, 0));
  }
  return Bytes{std::max<std::int64_t>(bytes, 0)};
}

Json host_facts(const fs::path& root) {
  const fs::path cpus = root / "sys/devices/system/cpu";
  Json facts = Json::object();
  put(facts, "cpu", value_of(root / "proc/cpuinfo", "model name"));
  facts["cores"] = numbered(cpus, "cpu");
  facts.update(caches(cpus / "cpu0/cache"));
  const std::string memory = value_of(root / "proc/meminfo", "MemTotal");
  if (!memory.empty()) facts["memory_mib"] = std::strtoll(memory.c_str(), nullptr, 10) / 1024;
  facts["numa_nodes"] = std::max(1, numbered(root / "sys/devices/system/node", "node"));
  if (root == "/") {
    utsname kernel{};
    if (uname(&kernel) == 0) {
      facts["kernel"] = fmt::format("{} {}", kernel.sysname, kernel.release);
      facts["machine"] = kernel.machine;
    }
  }
  put(facts, "gpu_driver", value_of(root / "proc/driver/nvidia/version", "NVRM version"));
  const std::string below = hypervisor(root);
  facts["virt"] = below.empty() ? "none" : below;
  if (in_container(root)) facts["container"] = true;
  if (const std::string iommu = iommu_of(root); !iommu.empty()) facts["iommu"] = iommu;
  put(facts, "transparent_hugepages",
      chosen(line_of(root / "sys/kernel/mm/transparent_hugepage/enabled")));
  put(facts, "hugepages", value_of(root / "proc/meminfo", "HugePages_Total"));
  put(facts, "governor", line_of(cpus / "cpu0/cpufreq/scaling_governor"));
  return facts;
}

}  // namespace terrace::calibrate
