#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "calibrate/disk/test_file.hpp"
#include "kernels/cuda/transfers.hpp"

namespace terrace::testing {

/// Copies within the host that are done when they are waited for. As a link would, it never is
/// empty, unless it is told to be.
class HostLane final : public kernels::CopyLane {
 public:
  struct Behaviour {
    bool empty = false;    // all that was started is done at once
    int fails_after = -1;  // copies
  };
  struct Seen {
    std::atomic<int> lanes = 0;  // that are open
    std::atomic<int> copies = 0;
  };
  explicit HostLane(const Behaviour& behaviour,
                    std::shared_ptr<Seen> seen = std::make_shared<Seen>())
      : behaviour_(behaviour), seen_(std::move(seen)), memory_(2 * kBytes) {
    ++seen_->lanes;
  }
  ~HostLane() override { --seen_->lanes; }
  HostLane(const HostLane&) = delete;
  HostLane& operator=(const HostLane&) = delete;

  void start(std::size_t) override {
    if (behaviour_.fails_after >= 0 && started_++ >= behaviour_.fails_after) {
      throw std::runtime_error("the link fell off");
    }
  }
  void wait(std::size_t) override {
    std::memcpy(memory_.data(), memory_.data() + kBytes, kBytes);
    ++seen_->copies;
  }
  bool done(std::size_t) override { return behaviour_.empty; }

 private:
  static constexpr std::size_t kBytes = 1U << 20U;
  Behaviour behaviour_;
  std::shared_ptr<Seen> seen_;
  int started_ = 0;
  std::vector<std::byte> memory_;
};

/// What calibration asks of a GPU, within the host.
class HostLink : public kernels::Transfers {
 public:
  HostLane::Behaviour lanes;
  std::vector<kernels::Traffic> opened;
  std::shared_ptr<HostLane::Seen> seen = std::make_shared<HostLane::Seen>();

  kernels::TransferTime copy(kernels::HostMemory, kernels::Transfer, Bytes, int) override {
    return {};
  }
  kernels::TransferTime blocks(const kernels::BlockTransfer&, int) override { return {}; }
  kernels::TransferTime empty_kernels(int, bool) override { return {}; }
  std::unique_ptr<kernels::CopyLane> open_lane(const kernels::Traffic& traffic) override {
    opened.push_back(traffic);
    return std::make_unique<HostLane>(lanes, seen);
  }
  std::shared_ptr<std::byte> host_memory(kernels::HostMemory, Bytes size) override {
    return calibrate::io_memory(static_cast<std::size_t>(size.count()));
  }
  std::shared_ptr<std::byte> exposed_memory(Bytes size) override {
    return calibrate::io_memory(static_cast<std::size_t>(size.count()));
  }
  void echo(kernels::HostMemory, kernels::Transfer, std::span<const std::byte> in,
            std::span<std::byte> out) override {
    std::copy(in.begin(), in.end(), out.begin());
  }
  void echo(const kernels::BlockTransfer&, std::span<const std::byte> in,
            std::span<std::byte> out) override {
    std::copy(in.begin(), in.end(), out.begin());
  }
  void use_here() const override {}
};

}  // namespace terrace::testing
