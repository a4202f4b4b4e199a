#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <type_traits>

#include "calibrate/labs/weights.hpp"
#include "kernels/kernel_set.hpp"
#include "sim/base/units.hpp"

namespace terrace::labs {

/// Where the time of a step goes.
struct StepTimes {
  Duration gemm{};       // projections, the LM head among them
  Duration attention{};  // over the cache
  Duration total{};

  /// Norms, rotations, gates, new KV put in its place, what moves between host and device.
  [[nodiscard]] Duration other() const { return total - gemm - attention; }

  StepTimes& operator+=(const StepTimes& more) {
    gemm += more.gemm;
    attention += more.attention;
    total += more.total;
    return *this;
  }
};

/// Adds the time from its birth to its death to a sum.
class Stopwatch {
 public:
  explicit Stopwatch(Duration& sum) : sum_(sum) {}
  ~Stopwatch() { sum_ += std::chrono::steady_clock::now() - start_; }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  Duration& sum_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Kernels that note how long they take.
class TimedKernels {
 public:
  explicit TimedKernels(kernels::KernelSet& set) : set_(set) {}

  [[nodiscard]] kernels::KernelSet& set() { return set_; }
  [[nodiscard]] StepTimes& times() { return times_; }

  /// A product, or an attention.
  template <class Op>
  void run(const Op& op) {
    const Stopwatch watch(std::is_same_v<Op, kernels::Gemm> ? times_.gemm : times_.attention);
    set_.run(op);
  }

 private:
  kernels::KernelSet& set_;
  StepTimes times_;
};

/// A matrix in the kernels' memory.
class Projection {
 public:
  Projection(kernels::KernelSet& set, const Matrix& matrix);

  /// to [rows][matrix rows] = from [rows][matrix columns] times the matrix, transposed.
  void apply(TimedKernels& kernels, std::int64_t rows, kernels::ConstArray from,
             kernels::Array to) const;

 private:
  std::int64_t rows_;
  std::int64_t columns_;
  kernels::Element type_;
  std::shared_ptr<std::byte> memory_;
};

}  // namespace terrace::labs
