#include "calibrate/disk/mount.hpp"

#include <sstream>

#include <gtest/gtest.h>

namespace terrace::calibrate {
namespace {

constexpr const char* kTable =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "31 22 0:20 / /dev/shm rw - tmpfs tmpfs rw,size=24683656k\n"
    "32 22 259:3 /data /mnt/fast\\040disk rw,noatime shared:3 master:1 - xfs /dev/nvme0n1p1 rw\n"
    "33 22 0:51 / /mnt/fast rw - overlay overlay rw,lowerdir=/a,upperdir=/b\n"
    "34 33 0:52 / /mnt/fast rw - btrfs /dev/sda1 rw\n";

Mount at(const char* directory) {
  std::istringstream table(kTable);
  return mount_of(directory, table);
}

TEST(Mount, IsTheOneThatTheDirectoryIsSeenThrough) {
  EXPECT_EQ(at("/home/me").source, "/dev/vda");
  EXPECT_EQ(at("/").file_system, "ext4");
  EXPECT_EQ(at("/mnt/fast disk/x").source, "/dev/nvme0n1p1");
  EXPECT_EQ(at("/mnt/fast disk/x").device, "259:3");
  EXPECT_EQ(at("/mnt/fast/x").file_system, "btrfs") << "the last one hides those before";
  EXPECT_EQ(at("/mnt/faster").file_system, "ext4") << "a name is not a path";
  EXPECT_TRUE(at("/dev/shm").in_memory());
  EXPECT_FALSE(at("/").in_memory());
}

TEST(Mount, IsEmptyWithoutATable) {
  std::istringstream none("garbage\n1 2 3\n");
  EXPECT_EQ(mount_of("/", none).file_system, "");
}

}  // namespace
}  // namespace terrace::calibrate
