#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernels/kernel_set.hpp"

/// What prepare() does, but for what a device's runtime does. A runtime R has a `Machine`,
/// allocate() and upload() as KernelSet, and
///   - residents<Kernel>(): how many blocks of it the device runs at a time, asked before launches;
///   - launch(kernel, blocks): starts it, behind all that was started.
namespace terrace::kernels::cuda {

/// A copy of `host` in the runtime's memory.
template <class R, class T>
std::shared_ptr<const T> uploaded(R& runtime, std::span<const T> host) {
  const auto bytes = std::as_bytes(host);
  const auto memory = runtime.allocate(Bytes{static_cast<std::int64_t>(bytes.size())});
  runtime.upload(memory.get(), bytes);
  return {memory, reinterpret_cast<const T*>(memory.get())};
}

template <class R, class T>
std::shared_ptr<T> room_for(R& runtime, std::int64_t count) {
  const auto memory = runtime.allocate(Bytes{count * static_cast<std::int64_t>(sizeof(T))});
  return {memory, reinterpret_cast<T*>(memory.get())};
}

}  // namespace terrace::kernels::cuda
