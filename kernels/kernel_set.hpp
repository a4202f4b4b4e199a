#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "kernels/block_copy.hpp"
#include "kernels/decode.hpp"
#include "kernels/gemm.hpp"
#include "kernels/mla_decode.hpp"
#include "kernels/prefill.hpp"
#include "kernels/streams.hpp"
#include "sim/base/units.hpp"

/// The microbenchmark kernels. An operation is a struct of views (`decode.hpp`, ...) that says what
/// has to come out; a set is one way to do all of them: `reference/` in fp64, obvious and slow;
/// `cpu/`, the fast twins; `cuda/`, on a GPU. What measures or generates with kernels holds a
/// KernelSet and does not know which.
namespace terrace::kernels {

/// A prepared operation: each call starts it once more. Calls are done in their order.
using Start = std::function<void()>;

/// An operation that means something, but that this set has no kernel for.
class Unsupported : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What was started has broken, and the set computes nothing more, nor does another one of this
/// process for the same device.
class DeviceLost : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One thread at a time may use a set. What it made must not outlive it.
class KernelSet {
 public:
  KernelSet() = default;
  KernelSet(const KernelSet&) = delete;
  KernelSet& operator=(const KernelSet&) = delete;
  virtual ~KernelSet() = default;

  /// What computes: "Intel(R) Xeon(R) ..., 2 threads of 512 bits", "NVIDIA H200".
  [[nodiscard]] virtual std::string description() const = 0;
  /// What whoever reads this set's results has to know, in a line: empty if there is nothing.
  [[nodiscard]] virtual std::string caveat() const { return {}; }
  /// What allocate() could give in all, about.
  [[nodiscard]] virtual Bytes free_memory() const = 0;
  /// The last cache in front of that memory: what is to be read cold must not fit in it.
  [[nodiscard]] virtual Bytes cache() const = 0;

  /// Memory that the set computes in, unset, aligned to 256 bytes, freed with the last copy of the
  /// pointer. Its bytes may be out of the host's reach. Throws std::runtime_error where there is
  /// not enough.
  virtual std::shared_ptr<std::byte> allocate(Bytes size) = 0;
  /// From the host's memory to the set's, and back; done on return, behind all that was started.
  virtual void upload(std::byte* to, std::span<const std::byte> from) = 0;
  virtual void download(std::span<std::byte> to, const std::byte* from) = 0;

  /// Checks an operation, divides its work and keeps its indices: block tables, lengths and lists
  /// of blocks are the host's, and may go when this returns. Tensors are in the set's memory, and
  /// are looked at when the operation is started. Throws InvariantViolation if shapes contradict
  /// each other, Unsupported where there is no kernel.
  [[nodiscard]] virtual Start prepare(const PagedDecode& op) = 0;
  [[nodiscard]] virtual Start prepare(const MlaDecode& op) = 0;
  [[nodiscard]] virtual Start prepare(const PagedPrefill& op) = 0;
  [[nodiscard]] virtual Start prepare(const BlockGather& op) = 0;
  [[nodiscard]] virtual Start prepare(const BlockScatter& op) = 0;
  [[nodiscard]] virtual Start prepare(const Gemm& op) = 0;
  [[nodiscard]] virtual Start prepare(const StreamCopy& op) = 0;
  [[nodiscard]] virtual Start prepare(const StreamRead& op) = 0;
  [[nodiscard]] virtual Start prepare(const StreamWrite& op) = 0;

  /// Returns when all that was started is done.
  virtual void wait() = 0;

  /// Starts all in turn, `rounds` times over, and returns how many seconds that took by the clock
  /// of what computes. A cause to pass several: rotating through buffers keeps them out of caches.
  virtual double seconds(std::span<const Start> in_turn, int rounds) = 0;

  /// Once, from checks to results.
  template <class Op>
  void run(const Op& op) {
    prepare(op)();
    wait();
  }
};

}  // namespace terrace::kernels
