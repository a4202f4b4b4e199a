#include "tests/kernels/simt/block.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>
#include <stdexcept>
#include <utility>

#include <boost/context/pooled_fixedsize_stack.hpp>
#include <sys/mman.h>
#include <unistd.h>

namespace terrace::kernels::simt {
namespace {

constexpr std::size_t kStack = 64 * 1024;

boost::context::pooled_fixedsize_stack& stacks() {
  static boost::context::pooled_fixedsize_stack pool(kStack);
  return pool;
}

}  // namespace

Block*& running() {
  static thread_local Block* block = nullptr;
  return block;
}

std::shared_ptr<std::byte> guarded(std::size_t bytes, std::size_t alignment) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t used =
      (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  const std::size_t open = (used + page - 1) / page * page;
  void* const mapping =
      ::mmap(nullptr, open + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<std::byte*>(mapping);
  ::mprotect(begin + open, page, PROT_NONE);
  std::memset(begin, 0xff, open);
  return {begin + open - used, [begin, open, page](std::byte*) { ::munmap(begin, open + page); }};
}

Block::Block(int threads, int shared, std::uint64_t seed)
    : exchanges_(static_cast<std::size_t>(threads / kLanes)),
      order_(static_cast<std::size_t>(threads)),
      shared_(guarded(static_cast<std::size_t>(shared), 16)),
      shared_bytes_(static_cast<std::size_t>(shared)),
      random_(seed, "order of threads") {
  for (int i = 0; i < threads; ++i) {
    threads_.push_back(std::make_unique<Thread>());
    threads_.back()->index = i;
  }
  std::iota(order_.begin(), order_.end(), std::size_t{0});
}

void Block::run(int block, int blocks, const std::function<void()>& program) {
  block_ = block;
  blocks_ = blocks;
  running() = this;
  std::memset(shared_.get(), 0xff, shared_bytes_);
  start(program);
  while (resume_ready() || release()) {
    if (failure_) break;
  }
  const bool all_done = std::all_of(threads_.begin(), threads_.end(), [](const auto& thread) {
    return thread->state == Thread::State::done;
  });
  for (const auto& thread : threads_) thread->fiber = {};  // unwinds what did not end
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (!all_done) throw std::logic_error("threads of a block wait for others that never come");
}

void Block::start(const std::function<void()>& program) {
  for (std::size_t w = 0; w < exchanges_.size(); ++w) exchanges_[w] = {};
  for (const auto& thread : threads_) {
    Thread* const self = thread.get();
    self->state = Thread::State::ready;
    self->exchanges = 0;
    self->uncommitted.clear();
    self->committed.clear();
    self->fiber = boost::context::fiber(std::allocator_arg, stacks(),
                                        [this, self, &program](boost::context::fiber&& scheduler) {
                                          self->scheduler = std::move(scheduler);
                                          try {
                                            program();
                                          } catch (const boost::context::detail::forced_unwind&) {
                                            throw;
                                          } catch (...) {
                                            failure_ = std::current_exception();
                                          }
                                          self->state = Thread::State::done;
                                          return std::move(self->scheduler);
                                        });
  }
}

void Block::yield(Thread::State state) {
  Thread& self = *current_;
  self.state = state;
  self.scheduler = std::move(self.scheduler).resume();
}

/// Lets all ready threads run, each to its next barrier. Says whether there were any.
bool Block::resume_ready() {
  std::rotate(order_.begin(),
              order_.begin() + static_cast<std::ptrdiff_t>(random_.below(order_.size())),
              order_.end());
  if (random_.below(2) == 0) std::reverse(order_.begin(), order_.end());
  bool any = false;
  for (const std::size_t i : order_) {
    Thread& thread = *threads_[i];
    if (thread.state != Thread::State::ready) continue;
    any = true;
    current_ = &thread;
    thread.fiber = std::move(thread.fiber).resume();
    if (failure_) return true;
  }
  return any;
}

/// Opens the barriers at which all are that have to come. Says whether there were any.
bool Block::release() {
  using State = Thread::State;
  bool any = false;
  const auto open = [&](std::size_t first, std::size_t last, State barrier, bool all_come) {
    const auto begin = threads_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = threads_.begin() + static_cast<std::ptrdiff_t>(last);
    const bool all = std::all_of(begin, end, [&](const auto& t) {
      return t->state == barrier || (!all_come && t->state == State::done);
    });
    if (!all || std::all_of(begin, end, [](const auto& t) { return t->state == State::done; })) {
      return;
    }
    std::for_each(begin, end, [&](const auto& t) {
      if (t->state == barrier) t->state = State::ready;
    });
    any = true;
  };
  for (std::size_t w = 0; w < exchanges_.size(); ++w) {
    open(w * kLanes, (w + 1) * kLanes, State::at_warp_barrier, true);
  }
  open(0, threads_.size(), State::at_block_barrier, true);
  return any;
}

Exchange& Block::exchange(const std::array<std::uint64_t, 8>& mine,
                          const std::function<void(Exchange&)>& together) {
  Thread& self = *current_;
  const auto lane = static_cast<std::size_t>(self.index % kLanes);
  Exchange& exchange = exchanges_[static_cast<std::size_t>(self.index / kLanes)]
                                 [static_cast<std::size_t>(self.exchanges++ % 2)];
  exchange.given[lane] = mine;
  exchange.done = false;
  yield(Thread::State::at_warp_barrier);
  if (!exchange.done) together(exchange);
  exchange.done = true;
  return exchange;
}

}  // namespace terrace::kernels::simt
