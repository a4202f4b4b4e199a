#pragma once

#include <chrono>

namespace terrace::kernels {

/// A steady clock of the host, in seconds since whenever.
inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace terrace::kernels
