#pragma once

#include <filesystem>
#include <string>

#include "calibrate/disk/mount.hpp"
#include "sim/base/units.hpp"

namespace terrace::calibrate {

/// What a directory is on, without anything that tells one drive of a model from another.
struct DiskIdentity {
  /// "SAMSUNG MZQL23T8HCLS-00A07"; its kind where the drive tells none; "2 x KIOXIA KCM7XRJE3T84".
  std::string model;
  std::string kind;         // how it is attached: "nvme", "ata", "virtio"; "none": no block device
  std::string file_system;  // "ext4"
  bool rotational = false;  // as the kernel has it, which is often wrong of virtual disks
  int drives = 1;           // that share the work, below RAID or LVM
  Bytes capacity{};         // of the whole drive, or of what several make; zero if unknown
  /// Not a drive alone, but what a hypervisor, a cloud, a network or memory makes of one: what is
  /// measured says nothing of a product. Empty if it is a drive; else why: "virtio disk".
  std::string virtual_because;

  /// Whether what is measured is what a drive of that model does, which can be bought.
  [[nodiscard]] bool is_product() const { return virtual_because.empty() && drives == 1; }
};

/// Never fails: what cannot be found out is taken for virtual, and says so.
DiskIdentity disk_identity(const std::filesystem::path& directory);

/// The same of a mount, on a machine whose /sys and /dev are below `root`.
DiskIdentity disk_identity(const Mount& mount, const std::filesystem::path& root);

}  // namespace terrace::calibrate
