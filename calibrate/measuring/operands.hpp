#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "calibrate/measuring/sample.hpp"
#include "kernels/kernel_set.hpp"
#include "sim/base/units.hpp"

namespace terrace::calibrate {

/// What kernels are measured on: random numbers of N(0, 1) in the memory of the device (products of
/// zeros are up to 13 % faster), in pools that are larger than its caches. Calls that take turns
/// among slices of a pool find none of it in a cache. What is handed out stays until begin().
class Operands {
 public:
  static constexpr std::int64_t kMostTurns = 4096;  // for calls that launching is all they do

  /// `cold`: the size of a pool, three times the last cache or more.
  Operands(kernels::KernelSet& kernels, Bytes cold, const Sampling& sampling = {},
           std::uint64_t seed = 1);

  [[nodiscard]] Bytes cold() const { return cold_; }

  /// Another measurement begins: what earlier ones were handed out may go.
  void begin();

  /// The first of at least `count` random numbers, and of cold() bytes of them.
  kernels::ConstArray pool(kernels::Element type, std::int64_t count);

  /// Makes a pool of which next() can cut so many slices of `count` numbers. To be called before
  /// anything is handed out: then a pool that is too small makes room for the larger one.
  void reserve(kernels::Element type, std::int64_t slices, std::int64_t count);

  /// The next `count` numbers of the pool, beginning on a cache line. No two slices of a
  /// measurement overlap: where the pool has no more, another one is filled.
  kernels::ConstArray next(kernels::Element type, std::int64_t count);

  /// Memory to write to: at least `size` bytes, and cold() ones. The same for all who ask.
  std::span<std::byte> scratch(Bytes size);

  /// Memory of one's own.
  std::shared_ptr<std::byte> allocate(Bytes size) { return kernels_.allocate(size); }

  /// How many slices of `size` bytes take turns so that none is in a cache when its turn comes.
  [[nodiscard]] std::int64_t turns(Bytes size) const;

  /// Microseconds that one of `calls` takes; they take turns.
  Sample time(std::span<const kernels::Start> calls) { return time(calls, sampling_); }
  Sample time(std::span<const kernels::Start> calls, const Sampling& sampling);

  [[nodiscard]] kernels::KernelSet& kernels() { return kernels_; }

 private:
  struct Pool {
    std::shared_ptr<std::byte> memory;
    std::int64_t count = 0;
    std::int64_t next = 0;
    bool used = false;  // in this measurement
  };
  Pool& filled(kernels::Element type, std::int64_t count);
  void fill(Pool& pool, kernels::Element type, std::int64_t count);
  [[nodiscard]] std::shared_ptr<std::byte> touched(Bytes size);

  kernels::KernelSet& kernels_;
  Bytes cold_;
  Sampling sampling_;
  std::uint64_t seed_;
  std::map<kernels::Element, Pool> pools_;
  std::vector<std::shared_ptr<std::byte>> replaced_;  // but in use until begin()
  std::shared_ptr<std::byte> scratch_;
  Bytes scratch_size_{};
  bool scratch_used_ = false;
};

}  // namespace terrace::calibrate
