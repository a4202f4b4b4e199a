#include "calibrate/measuring/operands.hpp"

#include <algorithm>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::int64_t kLine = 256;        // bytes at which slices begin
constexpr std::int64_t kDrawn = (1 << 20U) - 17;  // numbers, then again: no two pages are alike

/// Random numbers of one type, as many as are worth drawing.
std::vector<std::byte> drawn(kernels::Element type, std::uint64_t seed) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(kDrawn * kernels::bytes_of(type)));
  Random random(seed, "calibrate/operands");
  kernels::with_elements(kernels::Array{type, bytes.data()}, [&]<class T>(T* out) {
    for (std::int64_t i = 0; i < kDrawn; ++i) {
      out[i] = kernels::round_to<T>(static_cast<float>(normal(random, 0, 1)));
    }
  });
  return bytes;
}

}  // namespace

Operands::Operands(kernels::KernelSet& kernels, Bytes cold, const Sampling& sampling,
                   std::uint64_t seed)
    : kernels_(kernels), cold_(cold), sampling_(sampling), seed_(seed) {}

Operands::Pool& Operands::filled(kernels::Element type, std::int64_t count) {
  Pool& pool = pools_[type];
  const std::int64_t width = kernels::bytes_of(type);
  count = std::max(count, cold_.count() / width);
  if (pool.count >= count) return pool;
  pool = {};  // there may not be room for both
  pool.memory = kernels_.allocate(Bytes{count * width});
  const std::vector<std::byte> numbers = drawn(type, seed_);
  const auto step = static_cast<std::int64_t>(numbers.size());
  for (std::int64_t at = 0; at < count * width; at += step) {
    const auto part = static_cast<std::size_t>(std::min(step, count * width - at));
    kernels_.upload(pool.memory.get() + at, std::span(numbers).first(part));
  }
  pool.count = count;
  return pool;
}

kernels::ConstArray Operands::pool(kernels::Element type, std::int64_t count) {
  return {type, filled(type, count).memory.get()};
}

kernels::ConstArray Operands::next(kernels::Element type, std::int64_t count) {
  Pool& pool = filled(type, count);
  const std::int64_t width = kernels::bytes_of(type);
  if (pool.next + count > pool.count) pool.next = 0;
  const kernels::ConstArray slice{type, pool.memory.get() + pool.next * width};
  const std::int64_t line = kLine / width;
  pool.next += (count + line - 1) / line * line;
  return slice;
}

std::span<std::byte> Operands::scratch(Bytes size) {
  size = std::max(size, cold_);
  if (scratch_size_ < size) {
    scratch_.reset();
    scratch_ = kernels_.allocate(size);
    scratch_size_ = size;
    const std::vector<std::byte> zeros(std::size_t{1} << 20U);  // so that pages are there
    for (std::int64_t at = 0; at < size.count(); at += std::ssize(zeros)) {
      const auto part = static_cast<std::size_t>(std::min(std::ssize(zeros), size.count() - at));
      kernels_.upload(scratch_.get() + at, std::span(zeros).first(part));
    }
  }
  return {scratch_.get(), static_cast<std::size_t>(scratch_size_.count())};
}

std::int64_t Operands::turns(Bytes size) const {
  const std::int64_t all =
      (cold_.count() + size.count() - 1) / std::max<std::int64_t>(1, size.count());
  return std::clamp<std::int64_t>(all, 1, kMostTurns);
}

Sample Operands::time(std::span<const kernels::Start> calls, const Sampling& sampling) {
  std::size_t next = 0;
  const auto some = [&](std::int64_t n) {
    double seconds = 0;
    for (auto left = static_cast<std::size_t>(n); left > 0;) {
      const std::size_t part = std::min(left, calls.size() - next);
      const std::size_t rounds = part == calls.size() ? left / part : 1;
      seconds += kernels_.seconds(calls.subspan(next, part), static_cast<int>(rounds));
      next = (next + part) % calls.size();
      left -= part * rounds;
    }
    return seconds;
  };
  return scaled(sample_calls(some, sampling), 1e6);
}

}  // namespace terrace::calibrate
