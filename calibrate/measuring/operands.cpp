#include "calibrate/measuring/operands.hpp"

#include <algorithm>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::int64_t kLine = 256;               // bytes at which slices begin
constexpr std::int64_t kDrawn = (1 << 20U) - 17;  // numbers, then again: no two pages are alike

/// `count` numbers, up to where the next slice begins.
std::int64_t in_lines(kernels::Element type, std::int64_t count) {
  const std::int64_t line = kLine / kernels::bytes_of(type);
  return (count + line - 1) / line * line;
}

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

void Operands::begin() {
  replaced_.clear();
  for (auto& [type, pool] : pools_) {
    pool.next = 0;
    pool.used = false;
  }
  scratch_used_ = false;
}

/// First touched by the threads that compute, so that pages lie where those threads are.
std::shared_ptr<std::byte> Operands::touched(Bytes size) {
  using Word = std::uint64_t;
  auto memory = kernels_.allocate(size);
  kernels_.run(kernels::StreamWrite{{reinterpret_cast<Word*>(memory.get()),
                                     static_cast<std::size_t>(size.count()) / sizeof(Word)}});
  return memory;
}

void Operands::fill(Pool& pool, kernels::Element type, std::int64_t count) {
  const std::int64_t width = kernels::bytes_of(type);
  if (pool.used) replaced_.push_back(std::move(pool.memory));
  pool = {};  // there may not be room for both
  pool.memory = touched(Bytes{count * width});
  const std::vector<std::byte> numbers = drawn(type, seed_);
  const auto step = static_cast<std::int64_t>(numbers.size());
  for (std::int64_t at = 0; at < count * width; at += step) {
    const auto part = static_cast<std::size_t>(std::min(step, count * width - at));
    kernels_.upload(pool.memory.get() + at, std::span(numbers).first(part));
  }
  pool.count = count;
}

Operands::Pool& Operands::filled(kernels::Element type, std::int64_t count) {
  Pool& pool = pools_[type];
  count = std::max(count, cold_.count() / kernels::bytes_of(type));
  if (pool.count < count) fill(pool, type, count);
  return pool;
}

kernels::ConstArray Operands::pool(kernels::Element type, std::int64_t count) {
  Pool& pool = filled(type, count);
  pool.used = true;
  return {type, pool.memory.get()};
}

void Operands::reserve(kernels::Element type, std::int64_t slices, std::int64_t count) {
  filled(type, slices * in_lines(type, count));
}

kernels::ConstArray Operands::next(kernels::Element type, std::int64_t count) {
  Pool& pool = filled(type, count);
  if (pool.next + count > pool.count) fill(pool, type, pool.count);
  const kernels::ConstArray slice{type, pool.memory.get() + pool.next * kernels::bytes_of(type)};
  pool.next += in_lines(type, count);
  pool.used = true;
  return slice;
}

std::span<std::byte> Operands::scratch(Bytes size) {
  size = std::max(size, cold_);
  if (scratch_size_ < size) {
    if (scratch_used_) replaced_.push_back(std::move(scratch_));
    scratch_.reset();
    scratch_size_ = {};
    scratch_ = touched(size);
    scratch_size_ = size;
  }
  scratch_used_ = true;
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
