#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <liburing.h>

#include "calibrate/disk/open_file.hpp"
#include "calibrate/disk/transfer.hpp"
#include "sim/base/check.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 30U;  // the kernel takes less than 2 GiB at once

}  // namespace

/// A way to have commands in flight.
struct IoQueue::Commands {
  virtual ~Commands() = default;
  virtual void submit(const Transfer& transfer) = 0;
  /// Of one that is done. Throws what Transfer::advance throws.
  virtual std::uint64_t wait() = 0;
};

struct IoQueue::Ring final : Commands {
  Ring(int descriptor, unsigned depth) : transfers(depth), descriptor_(descriptor) {
    error = ::io_uring_queue_init(depth, &ring, 0);
    for (unsigned slot = 0; slot < depth; ++slot) free_.push_back(slot);
  }
  ~Ring() override {
    if (error == 0) ::io_uring_queue_exit(&ring);
  }

  void submit(const Transfer& transfer) override {
    const unsigned slot = free_.back();
    free_.pop_back();
    transfers[slot] = transfer;
    send(slot);
  }

  std::uint64_t wait() override {
    for (;;) {
      io_uring_cqe* done = nullptr;
      const int result = ::io_uring_wait_cqe(&ring, &done);
      if (result == -EINTR || result == -EAGAIN) continue;
      if (result != 0) {
        throw std::system_error(-result, std::generic_category(), "cannot wait for the disk");
      }
      const auto slot = static_cast<unsigned>(::io_uring_cqe_get_data64(done));
      const std::int64_t returned = done->res;
      ::io_uring_cqe_seen(&ring, done);
      if (finish(slot, returned)) return transfers[slot].tag;
    }
  }

  io_uring ring{};
  int error = 0;
  std::vector<Transfer> transfers;

 private:
  bool finish(unsigned slot, std::int64_t returned) {
    bool whole = false;
    try {
      whole = transfers[slot].advance(returned);
    } catch (...) {
      free_.push_back(slot);
      throw;
    }
    if (whole) {
      free_.push_back(slot);
    } else {
      send(slot);
    }
    return whole;
  }

  void send(unsigned slot) {
    const Transfer& transfer = transfers[slot];
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring);
    TERRACE_CHECK(entry != nullptr);
    const auto size = static_cast<unsigned>(std::min(transfer.rest.size(), kLargest));
    const auto offset = static_cast<std::uint64_t>(transfer.offset);
    if (transfer.direction == IoDirection::read) {
      ::io_uring_prep_read(entry, descriptor_, transfer.rest.data(), size, offset);
    } else {
      ::io_uring_prep_write(entry, descriptor_, transfer.rest.data(), size, offset);
    }
    ::io_uring_sqe_set_data64(entry, slot);
    for (;;) {
      const int result = ::io_uring_submit(&ring);
      if (result >= 0) return;
      if (result == -EINTR || result == -EAGAIN || result == -EBUSY) continue;
      throw std::system_error(-result, std::generic_category(), "cannot send commands to the disk");
    }
  }

  int descriptor_;
  std::vector<unsigned> free_;  // slots
};

/// A thread for each command in flight.
struct IoQueue::Crew final : Commands {
  Crew(int descriptor, unsigned depth) : descriptor_(descriptor) {
    for (unsigned i = 0; i < depth; ++i) {
      threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
    }
  }

  void submit(const Transfer& transfer) override {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(transfer);
    wake_.notify_one();
  }

  std::uint64_t wait() override {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this] { return !done_.empty(); });
    const auto [tag, failure] = std::move(done_.front());
    done_.pop_front();
    if (failure) std::rethrow_exception(failure);
    return tag;
  }

 private:
  void serve(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (wake_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
      const Transfer transfer = waiting_.front();
      waiting_.pop_front();
      lock.unlock();
      std::exception_ptr failure;
      try {
        transfer_now(descriptor_, transfer);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      done_.emplace_back(transfer.tag, failure);
      finished_.notify_one();
    }
  }

  int descriptor_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::condition_variable finished_;
  std::deque<Transfer> waiting_;                                   // under mutex_
  std::deque<std::pair<std::uint64_t, std::exception_ptr>> done_;  // under mutex_
  std::vector<std::jthread> threads_;
};

std::string io_uring_refusal() {
  io_uring ring{};
  if (const int error = ::io_uring_queue_init(1, &ring, 0); error != 0) {
    return std::generic_category().message(-error);
  }
  io_uring_probe* probe = ::io_uring_get_probe_ring(&ring);
  const bool reads = probe != nullptr && ::io_uring_opcode_supported(probe, IORING_OP_READ) != 0;
  ::io_uring_free_probe(probe);
  ::io_uring_queue_exit(&ring);
  return reads ? "" : "the kernel's is older than Linux 5.6";
}

IoQueue::IoQueue(const TestFile& file, unsigned depth) : file_(file), depth_(depth) {
  TERRACE_CHECK(depth >= 1);
  const int descriptor = file.file_->descriptor;
  if (io_uring_refusal().empty()) {
    auto ring = std::make_unique<Ring>(descriptor, depth);
    if (ring->error == 0) commands_ = std::move(ring);
  }
  if (!commands_) commands_ = std::make_unique<Crew>(descriptor, depth);
}

IoQueue::~IoQueue() {
  while (in_flight_ > 0) {
    try {
      wait();
    } catch (const std::exception&) {  // nobody is left to be told
    }
  }
}

bool IoQueue::uses_io_uring() const {
  return dynamic_cast<const Ring*>(commands_.get()) != nullptr;
}

void IoQueue::submit(const IoRequest& request) {
  TERRACE_CHECK(in_flight_ < depth_);
  file_.file_->check(request.offset, request.memory);
  commands_->submit(Transfer(request));
  ++in_flight_;
}

std::uint64_t IoQueue::wait() {
  TERRACE_CHECK(in_flight_ > 0);
  --in_flight_;
  return commands_->wait();
}

}  // namespace terrace::calibrate
