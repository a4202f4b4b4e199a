#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace terrace::calibrate {

/// An argument of a system call that has all bits of `bits` set.
struct ArgumentBits {
  unsigned argument = 0;
  std::uint32_t bits = 0;
};

/// From here on the kernel answers `call`, with such arguments, with `error` to this thread and
/// those it starts, for good: what containers and older kernels do. For death tests, which run in a
/// process of their own.
inline void refuse_system_call(long call, int error,
                               const std::vector<ArgumentBits>& arguments = {}) {
  const auto skip = [](std::size_t n) { return static_cast<std::uint8_t>(n); };
  std::vector<sock_filter> program{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offsetof(seccomp_data, nr))),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0,
               skip(3 * arguments.size() + 1))};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto [argument, bits] = arguments[i];
    const std::size_t at = offsetof(seccomp_data, args) + 8 * argument;
    program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(at)));
    program.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits));
    program.push_back(
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, bits, 0, skip(3 * (arguments.size() - i - 1) + 1)));
  }
  program.push_back(
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)));
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog all{static_cast<unsigned short>(program.size()), program.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all, 0, 0) != 0) {
    throw std::runtime_error("no system call filters here");
  }
}

}  // namespace terrace::calibrate
