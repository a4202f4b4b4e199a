#include "calibrate/disk/disk_identity.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

namespace terrace::calibrate {
namespace {

namespace fs = std::filesystem;

/// The first line without the blanks at its ends; drives pad their names.
std::string line_of(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == std::string::npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t") + 1 - begin);
}

/// Where sysfs has the device; empty if there is none.
fs::path sysfs_of(const Mount& mount, const fs::path& root) {
  std::error_code error;
  fs::path found = fs::canonical(root / "sys/dev/block" / mount.device, error);
  if (!error && !mount.device.empty()) return found;
  // File systems that span devices have a number of their own: go by what was mounted.
  if (!mount.source.starts_with("/dev/")) return {};
  const fs::path node = fs::canonical(root / mount.source.substr(1), error);
  const fs::path name = error ? fs::path(mount.source).filename() : node.filename();
  found = fs::canonical(root / "sys/class/block" / name, error);
  return error ? fs::path() : found;
}

/// The drives that do the work, below partitions, LVM, RAID and encryption.
void add_drives(fs::path device, std::vector<fs::path>& drives) {
  if (fs::exists(device / "partition")) device = device.parent_path();
  std::error_code error;
  std::vector<fs::path> below;
  for (const auto& entry : fs::directory_iterator(device / "slaves", error)) {
    const fs::path real = fs::canonical(entry.path(), error);
    if (!error) below.push_back(real);
  }
  std::sort(below.begin(), below.end());
  for (const fs::path& one : below) add_drives(one, drives);
  // Two partitions of a drive are one drive.
  if (below.empty() && std::find(drives.begin(), drives.end(), device) == drives.end()) {
    drives.push_back(device);
  }
}

std::string kind_of(const fs::path& device) {
  const std::string name = device.filename();
  for (const char* kind : {"loop", "zram", "ram", "nbd", "rbd", "drbd"}) {
    if (name.starts_with(kind)) return kind;
  }
  const std::string path = device.string();
  // Sysfs calls a drive by all that it is attached by, the nearest to the machine first.
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kWords = {
      {{"/virtio", "virtio"},
       {"/vbd-", "xen"},
       {"/vmbus", "vmbus"},
       {"/nvme", "nvme"},
       {"/session", "iscsi"},
       {"/usb", "usb"},
       {"/mmc", "mmc"},
       {"/ata", "ata"},
       {"/virtual/", "virtual"}}};
  for (const auto& [word, kind] : kWords) {
    if (path.find(word) != std::string::npos) return std::string(kind);
  }
  return "scsi";
}

/// How the controller of an NVMe drive is reached: "pcie", "tcp"; empty if it does not say. Where
/// several paths lead to a drive, its device is what has the controllers.
std::string transport_of(const fs::path& drive) {
  const std::string own = line_of(drive / "device/transport");
  if (!own.empty()) return own;
  std::error_code error;
  std::string found;
  for (const auto& entry : fs::directory_iterator(drive / "device", error)) {
    if (!entry.path().filename().string().starts_with("nvme")) continue;
    const std::string path = line_of(entry.path() / "transport");
    if (found.empty() || found == "pcie") found = path.empty() ? found : path;
  }
  return found;
}

/// "2 x KIOXIA KCM7XRJE3T84"; "1 x A + 1 x B" of drives that differ; of one drive its model.
std::string model_of(const std::vector<std::string>& models) {
  if (models.size() == 1) return models.front();
  std::map<std::string, int> counts;
  for (const std::string& model : models) ++counts[model];
  std::string text;
  for (const auto& [model, count] : counts) {
    text += fmt::format("{}{} x {}", text.empty() ? "" : " + ", count, model);
  }
  return text;
}

/// Sysfs counts in sectors of 512 bytes, whatever the drive's are.
Bytes size_of(const fs::path& device) {
  constexpr std::int64_t kSector = 512;
  return Bytes{std::strtoll(line_of(device / "size").c_str(), nullptr, 10) * kSector};
}

/// Why what is measured there is not what a drive does; empty if it is.
std::string why_virtual(const fs::path& drive, const std::string& kind, const std::string& model) {
  constexpr std::array<std::string_view, 5> kDrives = {"nvme", "ata", "scsi", "usb", "mmc"};
  if (std::find(kDrives.begin(), kDrives.end(), kind) == kDrives.end()) return kind + " disk";
  if (kind == "nvme") {
    const std::string transport = transport_of(drive);
    if (transport != "pcie") {
      return "nvme over " + (transport.empty() ? "something that it does not tell" : transport);
    }
  }
  // What hypervisors and clouds call the disks that they lend.
  constexpr std::array<std::string_view, 14> kLent = {
      "QEMU",          "VMware",      "VBOX",          "Virtual",        "Elastic Block",
      "Amazon EC2",    "Msft",        "Microsoft",     "PersistentDisk", "nvme_card",
      "Alibaba Cloud", "BlockVolume", "EphemeralDisk", "Oracle"};
  for (const std::string_view word : kLent) {
    if (model.find(word) != std::string::npos) return "disk of a virtual machine";
  }
  return {};
}

}  // namespace

DiskIdentity disk_identity(const Mount& mount, const fs::path& root) {
  DiskIdentity identity;
  identity.file_system = mount.file_system;
  const fs::path device = sysfs_of(mount, root);
  if (device.empty()) {
    identity.model = identity.kind = "none";
    identity.virtual_because = mount.in_memory() ? mount.file_system + " keeps files in memory"
                               : mount.file_system.empty()
                                   ? "no such directory"
                                   : mount.file_system + " does not tell its disk";
    return identity;
  }
  std::vector<fs::path> drives;
  add_drives(device, drives);
  identity.drives = static_cast<int>(drives.size());
  identity.capacity = size_of(drives.size() == 1 ? drives.front() : device);
  std::vector<std::string> models;
  for (const fs::path& drive : drives) {
    const std::string kind = kind_of(drive);
    const std::string model = line_of(drive / "device/model");
    if (identity.kind.empty()) identity.kind = kind;
    models.push_back(model.empty() ? kind : model);
    if (identity.virtual_because.empty()) {
      identity.virtual_because = why_virtual(drive, kind, model);
    }
    identity.rotational = identity.rotational || line_of(drive / "queue/rotational") == "1";
  }
  identity.model = model_of(models);
  return identity;
}

DiskIdentity disk_identity(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(directory, error)) return disk_identity(Mount{}, "/");
  return disk_identity(mount_of(directory), "/");
}

}  // namespace terrace::calibrate
