#include "kernels/host_set.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <vector>

#include <unistd.h>

#include "kernels/steady_clock.hpp"

namespace terrace::kernels {
namespace {

using Indices = std::span<const std::int32_t>;

// Calls `f` with every list of indices of an operation.
template <class Op, class F>
requires requires(Op op) { op.table; }
void each_list(Op& op, const F& f) {
  f(op.table.blocks);
  f(op.table.kv_lens);
  if constexpr (requires { op.indptr; }) f(op.indptr);
}
template <class Op, class F>
requires requires(Op op) { op.blocks; }
void each_list(Op& op, const F& f) { f(op.blocks); }
template <class Op, class F>
void each_list(Op&, const F&) {}

/// An operation that outlives the lists it was made with.
template <class Op>
struct Kept {
  Op op;
  std::vector<std::vector<std::int32_t>> lists{};

  explicit Kept(const Op& operation) : op(operation) {
    each_list(op, [this](Indices& list) {
      list = lists.emplace_back(list.begin(), list.end());  // whose memory stays when `lists` grow
    });
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() = default;
};

/// What sysconf() knows, or `otherwise`: in containers it may know nothing.
std::int64_t system_number(int name, std::int64_t otherwise) {
  const std::int64_t found = ::sysconf(name);
  return found > 0 ? found : otherwise;
}

}  // namespace

template <class Op>
Start HostSet::keep(const Op& op) {
  if constexpr (requires { check(op); }) check(op);
  const auto kept = std::make_shared<const Kept<Op>>(op);
  return [this, kept] { compute(kept->op); };
}

Start HostSet::prepare(const PagedDecode& op) { return keep(op); }
Start HostSet::prepare(const MlaDecode& op) { return keep(op); }
Start HostSet::prepare(const PagedPrefill& op) { return keep(op); }
Start HostSet::prepare(const BlockGather& op) { return keep(op); }
Start HostSet::prepare(const BlockScatter& op) { return keep(op); }
Start HostSet::prepare(const Gemm& op) {
  check(op);
  if (op.multiply == Multiply::tf32) {
    throw Unsupported("tf32 is what tensor cores multiply; a processor takes fp32 as it is");
  }
  return keep(op);
}
Start HostSet::prepare(const StreamCopy& op) { return keep(op); }
Start HostSet::prepare(const StreamRead& op) { return keep(op); }
Start HostSet::prepare(const StreamWrite& op) { return keep(op); }

Bytes HostSet::free_memory() const {
  return Bytes{system_number(_SC_AVPHYS_PAGES, 0) * system_number(_SC_PAGESIZE, 4096)};
}

Bytes HostSet::cache() const {
  return Bytes{system_number(_SC_LEVEL3_CACHE_SIZE, std::int64_t{32} << 20)};
}

std::shared_ptr<std::byte> HostSet::allocate(Bytes size) {
  constexpr std::size_t kAlignment = 256;
  const auto bytes = static_cast<std::size_t>(std::max<std::int64_t>(size.count(), 1));
  auto* memory = static_cast<std::byte*>(
      std::aligned_alloc(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment));
  if (memory == nullptr) {
    constexpr std::size_t kMebi = std::size_t{1} << 20U;
    throw std::runtime_error("no memory for tensors of " +
                             std::to_string((bytes + kMebi - 1) / kMebi) + " MiB");
  }
  return {memory, [](std::byte* p) { std::free(p); }};
}

void HostSet::upload(std::byte* to, std::span<const std::byte> from) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

void HostSet::download(std::span<std::byte> to, const std::byte* from) {
  if (!to.empty()) std::memcpy(to.data(), from, to.size());
}

double HostSet::seconds(std::span<const Start> in_turn, int rounds) {
  const double begin = steady_seconds();
  for (int i = 0; i < rounds; ++i) {
    for (const Start& start : in_turn) start();
  }
  return steady_seconds() - begin;
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "CPU";
}

}  // namespace terrace::kernels
