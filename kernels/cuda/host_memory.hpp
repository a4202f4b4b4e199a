#pragma once

#include <cstddef>
#include <cstring>
#include <memory>

#include "kernels/cuda/handles.hpp"
#include "kernels/cuda/transfers.hpp"

namespace terrace::kernels::cuda {

/// Touched, so that it is there.
inline std::shared_ptr<std::byte> host_memory(HostMemory kind, std::size_t bytes) {
  const auto memory = kind == HostMemory::pinned       ? pinned(bytes)
                      : kind == HostMemory::registered ? registered(bytes)
                                                       : pageable(bytes);
  std::memset(memory.get(), 0x5a, bytes);
  return memory;
}

}  // namespace terrace::kernels::cuda
