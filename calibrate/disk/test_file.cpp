#include "calibrate/disk/test_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "calibrate/disk/mount.hpp"
#include "calibrate/disk/open_file.hpp"
#include "calibrate/disk/transfer.hpp"
#include "sim/base/check.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::size_t kFillBytes = std::size_t{4} << 20U;  // of one write while filling

bool bypass_page_cache(int descriptor, bool bypass) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return ::fcntl(descriptor, F_SETFL, bypass ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

/// Some file systems take O_DIRECT and then refuse to transfer.
bool writes_directly(int descriptor) {
  if (!bypass_page_cache(descriptor, true)) return false;
  const std::shared_ptr<std::byte> memory = io_memory(TestFile::kAlignment);
  if (::pwrite(descriptor, memory.get(), TestFile::kAlignment, 0) >= 0 || errno != EINVAL) {
    return true;
  }
  bypass_page_cache(descriptor, false);
  return false;
}

// Steele et al., "Fast splittable pseudorandom number generators", OOPSLA 2014: it needs no more
// than to look random, and to be much faster than a disk.
constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15U;

std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace

TestFile::TestFile(const std::filesystem::path& directory, Bytes size, Progress progress)
    : file_(std::make_unique<File>()) {
  TERRACE_CHECK(size > Bytes{0} && static_cast<std::size_t>(size.count()) % kAlignment == 0);
  const Mount mount = mount_of(directory);
  file_->descriptor = open_nameless(directory);
  check_room(file_->descriptor, size, directory);
  file_->size = size;
  allocate(file_->descriptor, size, directory);
  file_->direct = writes_directly(file_->descriptor);
  if (!file_->direct) {
    file_->caveats.push_back(fmt::format(
        "no O_DIRECT on {}: times are those of the page cache as well", mount.file_system));
  }
  if (mount.in_memory()) {
    file_->caveats.push_back(
        fmt::format("{} keeps files in memory: times are not those of a disk", mount.file_system));
  }
  if (const std::string refusal = io_uring_refusal(); !refusal.empty()) {
    file_->caveats.push_back(
        fmt::format("no io_uring ({}): every command in flight takes a thread", refusal));
  }
  const std::shared_ptr<std::byte> memory = io_memory(kFillBytes);
  for (std::int64_t at = 0; at < size.count();) {
    const std::span<std::byte> part(
        memory.get(), std::min(kFillBytes, static_cast<std::size_t>(size.count() - at)));
    fill_incompressible(part, static_cast<std::uint64_t>(at));
    write(at, part);
    at += static_cast<std::int64_t>(part.size());
    progress(Bytes{at});
  }
  if (!file_->direct) {  // else the page cache has most of it
    ::fdatasync(file_->descriptor);
    ::posix_fadvise(file_->descriptor, 0, 0, POSIX_FADV_DONTNEED);
  }
}

TestFile::~TestFile() = default;

Bytes TestFile::size() const { return file_->size; }
Bytes TestFile::written() const { return Bytes{file_->written}; }
int TestFile::descriptor() const { return file_->descriptor; }
bool TestFile::direct() const { return file_->direct; }
const std::vector<std::string>& TestFile::caveats() const { return file_->caveats; }

void TestFile::read(std::int64_t offset, std::span<std::byte> to) const {
  file_->check(offset, to);
  transfer_now(file_->descriptor, Transfer({IoDirection::read, offset, to, 0}));
}

void TestFile::write(std::int64_t offset, std::span<const std::byte> from) const {
  file_->check(offset, from);
  file_->written += std::ssize(from);
  // Nothing is written to the memory of a write.
  const std::span memory(const_cast<std::byte*>(from.data()), from.size());
  transfer_now(file_->descriptor, Transfer({IoDirection::write, offset, memory, 0}));
}

std::shared_ptr<std::byte> io_memory(std::size_t bytes) {
  constexpr std::size_t kAlignment = TestFile::kAlignment;
  const std::size_t whole =
      std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  void* memory = std::aligned_alloc(kAlignment, whole);
  if (memory == nullptr) throw std::bad_alloc();
  auto* begin = static_cast<std::byte*>(memory);
  std::fill_n(begin, whole, std::byte{1});  // pages of zeros would be one page
  return {begin, [](std::byte* all) { std::free(all); }};
}

void fill_incompressible(std::span<std::byte> memory, std::uint64_t seed) {
  std::uint64_t state = mixed(seed + kStep);  // streams of neighbours have nothing in common
  for (std::size_t at = 0; at < memory.size(); at += sizeof state) {
    const std::uint64_t z = mixed(state += kStep);
    std::copy_n(reinterpret_cast<const std::byte*>(&z), std::min(sizeof z, memory.size() - at),
                memory.data() + at);
  }
}

}  // namespace terrace::calibrate
