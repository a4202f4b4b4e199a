#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include <boost/context/fiber.hpp>

#include "sim/base/random.hpp"

/// Blocks of threads on the host, so that device code can be tested where there is no GPU. Each
/// thread of a block is a fibre: one runs at a time, from one barrier or exchange within its warp
/// to the next, in an order that is drawn anew each time. What code gets wrong about indices,
/// layouts and barriers shows. What hardware does beyond that does not: nothing that is seen here
/// says that a kernel runs on a GPU, or how fast.
namespace terrace::kernels::simt {

constexpr int kLanes = 32;

struct PendingCopy {
  std::byte* to = nullptr;
  std::array<std::byte, 16> bytes{};
};

struct Thread {
  enum class State { ready, at_block_barrier, at_warp_barrier, done };
  int index = 0;
  State state = State::ready;
  int exchanges = 0;
  boost::context::fiber fiber;
  boost::context::fiber scheduler;
  std::vector<PendingCopy> uncommitted;
  std::vector<std::vector<PendingCopy>> committed;  // groups, oldest first
};

/// What the lanes of a warp give to an instruction that they do together, and what they get.
struct Exchange {
  std::array<std::array<std::uint64_t, 8>, kLanes> given{};
  std::array<std::array<std::uint32_t, 4>, kLanes> got{};
  bool done = false;
};

/// A block, which runs on the host thread that calls run().
class Block {
 public:
  /// The `shared` bytes end where the host forbids access.
  Block(int threads, int shared, std::uint64_t seed);

  /// Runs `program` once in each thread, as block number `block` of `blocks`. Throws what a thread
  /// throws, and std::logic_error if threads wait for others that never come.
  void run(int block, int blocks, const std::function<void()>& program);

  void sync() { yield(Thread::State::at_block_barrier); }
  /// What all lanes of the current thread's warp do together: the first to go on calls `together`
  /// with what all have given, and leaves what each gets.
  Exchange& exchange(const std::array<std::uint64_t, 8>& mine,
                     const std::function<void(Exchange&)>& together);

  [[nodiscard]] Thread& current() const { return *current_; }
  [[nodiscard]] std::byte* shared() const { return shared_.get(); }
  [[nodiscard]] int block() const { return block_; }
  [[nodiscard]] int blocks() const { return blocks_; }

 private:
  void start(const std::function<void()>& program);
  void yield(Thread::State state);
  bool resume_ready();
  bool release();

  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<std::array<Exchange, 2>> exchanges_;  // by warp; two, as lanes may be one apart
  std::vector<std::size_t> order_;
  Thread* current_ = nullptr;
  std::shared_ptr<std::byte> shared_;
  std::size_t shared_bytes_;
  int block_ = 0;
  int blocks_ = 0;
  Random random_;
  std::exception_ptr failure_;
};

/// The block that this host thread runs.
Block*& running();

/// Memory that ends where the host forbids access, but for what alignment takes; all bits are set,
/// which makes numbers of every type NaN.
std::shared_ptr<std::byte> guarded(std::size_t bytes, std::size_t alignment);

}  // namespace terrace::kernels::simt
