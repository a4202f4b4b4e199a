#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernels/copy_traffic.hpp"
#include "sim/base/units.hpp"

namespace terrace::kernels {

enum class HostMemory : std::uint8_t {
  pinned,      // allocated by CUDA
  registered,  // ordinary memory that CUDA has locked
  pageable,    // ordinary memory: CUDA copies it once more
};
enum class Transfer : std::uint8_t { to_device, to_host, both_ways };

/// How blocks that lie anywhere on the device come from or go to one run of host memory.
enum class BlockPath : std::uint8_t {
  loop,       // a copy for each
  batch,      // one call for all (cudaMemcpyBatchAsync)
  staged,     // a kernel collects or distributes them on the device, and one copy is made
  zero_copy,  // a kernel that reads or writes the host's memory itself
};

struct BlockTransfer {
  BlockPath path = BlockPath::loop;
  Transfer way = Transfer::to_device;  // not both_ways
  std::int64_t blocks = 1;
  Bytes size{};  // of a block, a multiple of 16
};

enum class Copier : std::uint8_t {
  engine,           // what a device has for copies: takes no multiprocessor
  multiprocessors,  // a kernel on kCopyingBlocks of them
};
/// As many blocks of threads as engines give to kernels that copy: enough for a link, few of 132.
constexpr int kCopyingBlocks = 16;

/// Copies between pinned memory and the device, one after the other.
struct Traffic {
  Copier by = Copier::engine;
  Transfer way = Transfer::to_device;  // not both_ways
  Bytes size{};                        // of one, a multiple of 16
};

/// How long it takes from the device's clock and the host's.
struct TransferTime {
  double seconds = 0;          // by events on the device, enqueueing excluded
  double enqueue_seconds = 0;  // that the host was busy with calls
};

/// What calibration asks of a GPU besides operations: transfers, and what a launch costs. Copies
/// and events are enqueued behind a kernel that waits for the host, so that they follow each other
/// without gaps (nvbandwidth's method); but copies of pageable memory keep the host busy, and are
/// timed by its clock. Belongs to the thread that made it, but for open_lane(), host_memory() and
/// use_here(), which any thread may call. Errors are those of cuda_set().
class Transfers {
 public:
  Transfers() = default;
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;
  virtual ~Transfers() = default;

  /// Of one copy of `size`, the mean of `rounds` in a row; both_ways: of one each way, at a time.
  virtual TransferTime copy(HostMemory memory, Transfer way, Bytes size, int rounds) = 0;
  /// Of all blocks, shuffled among twice as many, to or from pinned memory; the mean of `rounds`.
  /// Throws Unsupported for a batch where the toolkit has none.
  virtual TransferTime blocks(const BlockTransfer& transfer, int rounds) = 0;

  // The same paths once, of bytes that can be looked at: `in` goes to memory of the device and
  // comes back to `out`, by the path in question on its way, by plain copies on the other; where
  // both are timed at a time, half of the bytes go while the other half come back. Blocks are as
  // many bytes as all of them have. REQUIRES: `in` and `out` of one size.
  virtual void echo(HostMemory memory, Transfer way, std::span<const std::byte> in,
                    std::span<std::byte> out) = 0;
  virtual void echo(const BlockTransfer& transfer, std::span<const std::byte> in,
                    std::span<std::byte> out) = 0;

  /// Of one of `count` kernels in a row that do nothing, started one by one or as one graph.
  virtual TransferTime empty_kernels(int count, bool graph) = 0;

  /// Copies on a stream of their own, beside whatever else the device does. The calling thread
  /// becomes one of this device's, and the lane belongs to it.
  virtual std::unique_ptr<CopyLane> open_lane(const Traffic& traffic) = 0;
  /// Memory of the host, touched.
  virtual std::shared_ptr<std::byte> host_memory(HostMemory kind, Bytes size) = 0;
  /// Memory of the device that other devices may write to and read; pools' may be out of reach.
  virtual std::shared_ptr<std::byte> exposed_memory(Bytes size) = 0;
  /// Makes the device the calling thread's.
  virtual void use_here() const = 0;
};

std::unique_ptr<Transfers> cuda_transfers(int device = 0);

}  // namespace terrace::kernels
