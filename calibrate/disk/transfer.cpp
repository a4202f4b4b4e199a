#include "calibrate/disk/transfer.hpp"

#include <cerrno>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <unistd.h>

#include "sim/base/check.hpp"
#include "sim/report/human.hpp"

namespace terrace::calibrate {
namespace {

[[noreturn]] void fail(const Transfer& transfer, int error) {
  const bool reads = transfer.direction == IoDirection::read;
  const std::string hint = error == ENOSPC
                               ? ": free some room on the disk, or name another directory"
                           : error == EIO   ? ": look what the system log says of the disk"
                           : error == EFBIG ? ": files may not be so large here, see ulimit -f"
                                            : "";
  throw std::system_error(
      error, std::generic_category(),
      fmt::format("cannot {} {} at byte {} of the test file{}", reads ? "read" : "write",
                  human::bytes(static_cast<double>(transfer.rest.size())), transfer.offset, hint));
}

}  // namespace

bool Transfer::advance(std::int64_t returned) {
  if (returned == -EINTR || returned == -EAGAIN) return false;
  if (returned < 0) fail(*this, static_cast<int>(-returned));
  // A read of nothing: somebody made the file shorter. A write of nothing: no room.
  if (returned == 0) fail(*this, direction == IoDirection::read ? EIO : ENOSPC);
  auto done = static_cast<std::size_t>(returned);
  TERRACE_CHECK(done <= rest.size());
  if (done < rest.size()) done -= done % TestFile::kAlignment;
  offset += static_cast<std::int64_t>(done);
  rest = rest.subspan(done);
  return rest.empty();
}

void transfer_now(int descriptor, Transfer transfer) {
  for (;;) {
    const ssize_t returned =
        transfer.direction == IoDirection::read
            ? ::pread(descriptor, transfer.rest.data(), transfer.rest.size(), transfer.offset)
            : ::pwrite(descriptor, transfer.rest.data(), transfer.rest.size(), transfer.offset);
    if (transfer.advance(returned < 0 ? -errno : returned)) return;
  }
}

}  // namespace terrace::calibrate
