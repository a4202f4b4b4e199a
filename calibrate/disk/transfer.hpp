#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "calibrate/disk/test_file.hpp"

namespace terrace::calibrate {

/// What is left of a command: the kernel may do it in parts.
struct Transfer {
  IoDirection direction = IoDirection::read;
  std::int64_t offset = 0;
  std::span<std::byte> rest;
  std::uint64_t tag = 0;

  Transfer() = default;
  explicit Transfer(const IoRequest& request)
      : direction(request.direction),
        offset(request.offset),
        rest(request.memory),
        tag(request.tag) {}

  /// Takes what the kernel returned: a number of bytes, or minus an error number. True if all is
  /// done; false if the rest has to be asked for. After a part the rest begins at the last aligned
  /// byte, as O_DIRECT takes no other. Throws std::system_error if the disk failed, is full, or the
  /// file ends.
  bool advance(std::int64_t returned);
};

/// All of it, by pread or pwrite. Throws as advance() does.
void transfer_now(int descriptor, Transfer transfer);

}  // namespace terrace::calibrate
