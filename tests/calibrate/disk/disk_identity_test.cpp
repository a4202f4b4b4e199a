#include "calibrate/disk/disk_identity.hpp"

#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/calibrate/disk/temporary_directory.hpp"

namespace terrace::calibrate {
namespace {

namespace fs = std::filesystem;

/// A machine that is described by files, as Linux describes it.
class DiskIdentityTest : public ::testing::Test {
 protected:
  [[nodiscard]] const fs::path& root() const { return directory_.path(); }

  /// A block device at that place below /sys/devices.
  void device(const std::string& number, const std::string& place, const std::string& model,
              const std::string& rotational = "0") {
    const fs::path at = root() / "sys/devices" / place;
    write(at / "queue/rotational", rotational);
    if (!model.empty()) write(at / "device/model", model);
    if (place.find("/nvme/") != std::string::npos) write(at / "device/transport", "pcie");
    link(root() / "sys/dev/block" / number, at);
    link(root() / "sys/class/block" / at.filename(), at);
  }
  void partition(const std::string& number, const std::string& place) {
    const fs::path at = root() / "sys/devices" / place;
    write(at / "partition", "1");
    link(root() / "sys/dev/block" / number, at);
    link(root() / "sys/class/block" / at.filename(), at);
  }
  /// `upper` does its work on `lower`, both places below /sys/devices.
  void slave(const std::string& upper, const std::string& lower) {
    const fs::path below = root() / "sys/devices" / lower;
    link(root() / "sys/devices" / upper / "slaves" / below.filename(), below);
  }
  /// A file of a device below /sys/devices.
  void attribute(const std::string& path, const std::string& text) {
    write(root() / "sys/devices" / path, text);
  }
  [[nodiscard]] DiskIdentity identity(const std::string& number,
                                      const std::string& file_system = "ext4",
                                      const std::string& source = "/dev/x") const {
    return disk_identity(Mount{number, file_system, source}, root());
  }

 private:
  static void write(const fs::path& file, const std::string& text) {
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  static void link(const fs::path& from, const fs::path& to) {
    fs::create_directories(from.parent_path());
    fs::create_directory_symlink(to, from);
  }
  TemporaryDirectory directory_;
};

TEST_F(DiskIdentityTest, ADriveIsAProduct) {
  device("259:0", "pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1", "SAMSUNG MZQL23T8HCLS-00A07    ");
  partition("259:1", "pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1");
  const DiskIdentity found = identity("259:1", "xfs");
  EXPECT_EQ(found.model, "SAMSUNG MZQL23T8HCLS-00A07");
  EXPECT_EQ(found.kind, "nvme");
  EXPECT_EQ(found.file_system, "xfs");
  EXPECT_FALSE(found.rotational);
  EXPECT_EQ(found.drives, 1);
  EXPECT_TRUE(found.is_product());
}

TEST_F(DiskIdentityTest, AVirtualDiskIsNot) {
  device("254:0", "pci0000:00/0000:00:02.0/virtio1/block/vda", "", "1");
  const DiskIdentity found = identity("254:0");
  EXPECT_EQ(found.virtual_because, "virtio disk");
  EXPECT_EQ(found.model, "virtio");
  EXPECT_TRUE(found.rotational);
  EXPECT_FALSE(found.is_product());
  device("202:1", "vbd-51712/block/xvda", "");
  EXPECT_EQ(identity("202:1").virtual_because, "xen disk");
  device("7:0", "virtual/block/loop0", "");
  EXPECT_EQ(identity("7:0").virtual_because, "loop disk");
}

TEST_F(DiskIdentityTest, NorIsADriveThatAVirtualMachineIsLent) {
  device("259:0", "pci0000:00/0000:00:1f.0/nvme/nvme0/nvme0n1", "Amazon Elastic Block Store");
  EXPECT_EQ(identity("259:0").virtual_because, "disk of a virtual machine");
  device("8:0", "pci0000:00/0000:00:05.0/ata1/host0/target0:0:0/0:0:0:0/block/sda",
         "QEMU HARDDISK");
  EXPECT_FALSE(identity("8:0").is_product());
  device("8:16", "pci0000:00/0000:00:05.0/host1/target1:0:0/1:0:0:0/block/sdb", "PersistentDisk");
  EXPECT_FALSE(identity("8:16").is_product());
  device("8:32", "platform/host5/session1/target5:0:0/5:0:0:0/block/sdc", "LUN");
  EXPECT_EQ(identity("8:32").virtual_because, "iscsi disk");
}

TEST_F(DiskIdentityTest, LooksBelowRaidAndLvm) {
  device("259:0", "pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1", "KIOXIA KCM7XRJE3T84");
  device("259:2", "pci0000:00/0000:02:00.0/nvme/nvme1/nvme1n1", "KIOXIA KCM7XRJE3T84");
  partition("259:1", "pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1");
  device("9:0", "virtual/block/md0", "");
  device("253:0", "virtual/block/dm-0", "");
  slave("virtual/block/dm-0", "virtual/block/md0");
  slave("virtual/block/md0", "pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1/nvme0n1p1");
  slave("virtual/block/md0", "pci0000:00/0000:02:00.0/nvme/nvme1/nvme1n1");
  const DiskIdentity found = identity("253:0");
  EXPECT_EQ(found.drives, 2);
  EXPECT_EQ(found.model, "2 x KIOXIA KCM7XRJE3T84");
  EXPECT_EQ(found.virtual_because, "");
  EXPECT_FALSE(found.is_product()) << "nobody sells an array";
  // One virtual disk below is enough.
  device("254:0", "pci0000:00/0000:00:02.0/virtio1/block/vda", "");
  slave("virtual/block/md0", "pci0000:00/0000:00:02.0/virtio1/block/vda");
  EXPECT_EQ(identity("253:0").drives, 3);
  EXPECT_FALSE(identity("253:0").is_product());
}

TEST_F(DiskIdentityTest, ADriveAcrossANetworkIsNoProduct) {
  const std::string local = "pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1";
  device("259:0", local, "KIOXIA KCM7XRJE3T84");
  EXPECT_TRUE(identity("259:0").is_product());
  for (const char* transport : {"tcp", "rdma", "fc"}) {
    attribute(local + "/device/transport", transport);
    EXPECT_EQ(identity("259:0").virtual_because, fmt::format("nvme over {}", transport));
    EXPECT_FALSE(identity("259:0").is_product());
  }
  attribute(local + "/device/transport", "");
  EXPECT_FALSE(identity("259:0").is_product()) << "who does not tell is not trusted";
  // Where several paths may lead to a drive, its controllers tell.
  const std::string shared = "virtual/nvme-subsystem/nvme-subsys1/nvme1n1";
  device("259:2", shared, "KIOXIA KCM7XRJE3T84");
  attribute(shared + "/device/nvme1/transport", "pcie");
  EXPECT_TRUE(identity("259:2").is_product());
  attribute(shared + "/device/nvme2/transport", "tcp");
  EXPECT_EQ(identity("259:2").virtual_because, "nvme over tcp");
}

TEST_F(DiskIdentityTest, TellsHowLargeTheWholeIs) {
  const std::string one = "pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1";
  const std::string two = "pci0000:00/0000:02:00.0/nvme/nvme1/nvme1n1";
  device("259:0", one, "A");
  device("259:2", two, "B");
  EXPECT_EQ(identity("259:0").capacity, Bytes{}) << "it does not say";
  attribute(one + "/size", "7501476528");
  partition("259:1", one + "/nvme0n1p1");
  attribute(one + "/nvme0n1p1/size", "2048");
  EXPECT_EQ(identity("259:0").capacity, Bytes{3'840'755'982'336});
  EXPECT_EQ(identity("259:1").capacity, Bytes{3'840'755'982'336}) << "the drive's, not its part's";
  device("9:0", "virtual/block/md0", "");
  attribute("virtual/block/md0/size", "1000");
  slave("virtual/block/md0", one);
  slave("virtual/block/md0", two);
  EXPECT_EQ(identity("9:0").capacity, Bytes{512'000});
  EXPECT_EQ(identity("9:0").model, "1 x A + 1 x B");
}

TEST_F(DiskIdentityTest, GoesByTheSourceWhereTheNumberIsNoDevice) {
  device("259:0", "pci0000:00/0000:01:00.0/nvme/nvme0/nvme0n1", "WDS100T1X0E-00AFY0");
  EXPECT_EQ(identity("0:40", "btrfs", "/dev/nvme0n1").model, "WDS100T1X0E-00AFY0");
  EXPECT_EQ(identity("0:41", "tmpfs", "tmpfs").virtual_because, "tmpfs keeps files in memory");
  EXPECT_EQ(identity("0:42", "overlay", "overlay").virtual_because,
            "overlay does not tell its disk");
  EXPECT_EQ(identity("0:43", "nfs4", "server:/data").kind, "none");
}

TEST(DiskIdentity, OfThisMachineIsSomething) {
  EXPECT_FALSE(disk_identity(fs::temp_directory_path()).model.empty());
  EXPECT_FALSE(disk_identity("/dev/shm").is_product());
  EXPECT_EQ(disk_identity("/none/such").virtual_because, "no such directory");
}

}  // namespace
}  // namespace terrace::calibrate
