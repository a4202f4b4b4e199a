// cuFile, of which nothing is needed here: its functions are played by ones that read and write the
// file for the host's memory, and keep a record.

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "calibrate/disk/test_file.hpp"
#include "calibrate/measuring/families/family.hpp"
#include "calibrate/vendor/cu_file.hpp"
#include "kernels/cpu/cpu_set.hpp"
#include "tests/calibrate/disk/temporary_directory.hpp"
#include "tests/calibrate/measuring/host_link.hpp"

namespace terrace::calibrate {

namespace family {
Family gds();
}

namespace {

using namespace literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The C interface's layout on 64-bit Linux.
static_assert(sizeof(CuFileFunctions::Status) == 8);
static_assert(sizeof(CuFileFunctions::Descriptor) == 24);
static_assert(offsetof(CuFileFunctions::Descriptor, of) == 8);
static_assert(offsetof(CuFileFunctions::Descriptor, operations) == 16);
static_assert(offsetof(CuFileFunctions::Properties, driver.status) == 24);
static_assert(offsetof(CuFileFunctions::Properties, driver.control) == 28);

using Status = CuFileFunctions::Status;

struct Played {
  std::mutex mutex;
  std::vector<std::string> calls;
  int file = -1;
  Status open{}, memory{};
  CuFileFunctions::Properties properties;
  ssize_t transferred = -2;  // -2: all of it
  std::int64_t reads = 0, writes = 0;
};
Played* played = nullptr;

ssize_t play(bool write, void* base, std::size_t bytes, off_t in_file, off_t in_memory) {
  {
    const std::lock_guard lock(played->mutex);
    ++(write ? played->writes : played->reads);
  }
  if (played->transferred != -2) {
    errno = EIO;
    return played->transferred;
  }
  auto* const at = static_cast<std::byte*>(base) + in_memory;
  return write ? ::pwrite(played->file, at, bytes, in_file)
               : ::pread(played->file, at, bytes, in_file);
}

CuFileFunctions functions() {
  CuFileFunctions f;
  const auto note = [](const char* call) { played->calls.emplace_back(call); };
  static const auto record = note;
  f.open = [] { return record("open"), played->open; };
  f.close = [] { return record("close"), Status{}; };
  f.properties = [](CuFileFunctions::Properties* out) {
    *out = played->properties;
    return Status{};
  };
  f.register_file = [](CuFileFunctions::Handle* handle, CuFileFunctions::Descriptor* descriptor) {
    record("register file");
    EXPECT_EQ(descriptor->type, 1);
    EXPECT_EQ(descriptor->operations, nullptr);
    played->file = descriptor->of.file;
    *handle = played;
    return Status{};
  };
  f.forget_file = [](CuFileFunctions::Handle) { record("forget file"); };
  f.register_memory = [](const void*, std::size_t, int) {
    return record("register memory"), played->memory;
  };
  f.forget_memory = [](const void*) { return record("forget memory"), Status{}; };
  f.read = [](CuFileFunctions::Handle, void* base, std::size_t bytes, off_t in_file,
              off_t in_memory) { return play(false, base, bytes, in_file, in_memory); };
  f.write = [](CuFileFunctions::Handle, const void* base, std::size_t bytes, off_t in_file,
               off_t in_memory) {
    return play(true, const_cast<void*>(base), bytes, in_file, in_memory);
  };
  return f;
}

class Gds : public ::testing::Test {
 protected:
  Gds() { played = &played_; }
  ~Gds() override { played = nullptr; }

  template <class F>
  static std::string error_of(const F& f) {
    try {
      f();
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "none";
  }

  Played played_;
  TemporaryDirectory directory_;
};

TEST_F(Gds, TransfersBetweenFileAndMemoryAndLeavesNothingBehind) {
  const TestFile file(directory_.path(), 1_MiB);
  const auto memory = io_memory(64 << 10);
  const auto expected = io_memory(8192);
  {
    CuFile cu_file(functions());
    DirectTransfers transfers(cu_file, file.descriptor(), memory.get(), 64 << 10);
    transfers.read(16384, 4096, 8192);
    file.read(16384, {expected.get(), 8192});
    EXPECT_EQ(std::memcmp(memory.get() + 4096, expected.get(), 8192), 0);
    transfers.write(65536, 4096, 8192);
    file.read(65536, {expected.get(), 8192});
    EXPECT_EQ(std::memcmp(memory.get() + 4096, expected.get(), 8192), 0);
  }
  EXPECT_THAT(played_.calls, ElementsAre("open", "register file", "register memory",
                                         "forget memory", "forget file", "close"));
}

TEST_F(Gds, SaysWhatCuFileRefuses) {
  played_.open = {5003, 0};
  EXPECT_EQ(error_of([] { const CuFile none(functions()); }),
            "cuFileDriverOpen: cuFile's status 5003");
  EXPECT_THAT(played_.calls, ElementsAre("open"));  // and nothing is closed that is not open

  played_.open = {};
  played_.calls.clear();
  played_.memory = {5011, 1};
  const auto memory = io_memory(4096);
  EXPECT_EQ(error_of([&] {
              CuFile cu_file(functions());
              const DirectTransfers none(cu_file, 3, memory.get(), 4096);
            }),
            "cuFileBufRegister: cuFile's status 5011, CUDA's 1");
  EXPECT_THAT(played_.calls,
              ElementsAre("open", "register file", "register memory", "forget file", "close"));

  played_.memory = {};
  CuFile cu_file(functions());
  DirectTransfers transfers(cu_file, 3, memory.get(), 4096);
  const auto read = [&] { transfers.read(0, 0, 4096); };
  played_.transferred = 512;
  EXPECT_EQ(error_of(read), "cuFileRead: it ended after 512 of 4096 bytes");
  played_.transferred = -1;
  EXPECT_THAT(error_of(read), HasSubstr(std::strerror(EIO)));
  played_.transferred = -5030;
  EXPECT_EQ(error_of(read), "cuFileRead: cuFile's status 5030");
}

TEST_F(Gds, TellsItsCompatibilityMode) {
  const CuFile cu_file(functions());
  EXPECT_EQ(cu_file.compatibility_mode(), "always");  // no module, no transfers between devices
  played_.properties.driver.status = 1U << 11U;
  EXPECT_EQ(cu_file.compatibility_mode(), "never");
  played_.properties.driver.control = 1U << 1U;
  EXPECT_EQ(cu_file.compatibility_mode(), "possible");
  played_.properties.driver.status = 1U << 4U;
  EXPECT_EQ(cu_file.compatibility_mode(), "always");
  played_.properties.driver.major_version = 2;
  EXPECT_EQ(cu_file.compatibility_mode(), "possible");
}

TEST_F(Gds, MeasuresEachPointOfItsPlan) {
  TestFile file(directory_.path(), 32_MiB);
  kernels::CpuSet host(1);
  testing::HostLink link;
  CuFile cu_file(functions());
  Bench bench{.kernels = host, .gpu = true, .disk = &file, .transfers = &link, .cu_file = &cu_file};
  const auto plan = family::gds().plan({.quick = true, .gpu = true, .disk = 32_MiB});
  ASSERT_EQ(plan.size(), 12U);
  for (const Measurement& m : plan) {
    const bool is_write = m.x.at("op") == "write";
    EXPECT_EQ(m.written > Bytes{}, is_write);
    if (m.x.at("io") != 65536) continue;  // one size is enough here
    played_.reads = played_.writes = 0;
    const Sample sample = m.measure(bench);
    EXPECT_GT(sample.median, 0) << m.id;
    EXPECT_EQ(played_.reads > 0, !is_write) << m.id;
    EXPECT_EQ(played_.writes > 0, is_write) << m.id;
  }
  played_.transferred = -1;  // of any thread
  EXPECT_THAT(error_of([&] { plan[2].measure(bench); }), HasSubstr("cuFileRead"));
  EXPECT_TRUE(family::gds().plan({.gpu = true, .disk = 16_KiB}).empty());
}

}  // namespace
}  // namespace terrace::calibrate
