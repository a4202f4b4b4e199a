#include "calibrate/measuring/kernel_proof.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>

#include <fmt/format.h>

#include "calibrate/measuring/words.hpp"
#include "kernels/reference/reference_set.hpp"
#include "sim/base/check.hpp"
#include "sim/base/random.hpp"

namespace terrace::calibrate {
namespace {

namespace proof = kernels::proof;
using kernels::Element;

struct Name {
  std::string operator()(const proof::DecodeKernel& k) const {
    return fmt::format("decode_attention/{}/hd{}/g{}{}", word(k.cached), k.head_dim, k.group,
                       k.windowed ? "/window" : "");
  }
  std::string operator()(const proof::MlaDecodeKernel& k) const {
    return fmt::format("mla_decode/bf16/h{}", k.heads);
  }
  std::string operator()(const proof::PrefillKernel& k) const {
    return fmt::format("prefill_attention/{}/hd{}/g{}", word(k.cached), k.head_dim, k.group);
  }
  std::string operator()(const proof::GemmKernel& k) const {
    const bool cut = k.multiply == kernels::Multiply::tf32;
    return fmt::format("gemm/{}/{}", cut ? "tf32" : word(k.operands), word(k.product));
  }
  std::string operator()(proof::BytesKernel k) const {
    constexpr std::string_view kNames[] = {"gather", "scatter", "copy", "read", "write"};
    const auto i = static_cast<std::size_t>(k);
    return fmt::format("{}/{}", i < 2 ? "blocks" : "memory", kNames[i]);
  }
  std::string operator()(const CopyPath& k) const {
    return fmt::format("transfer/{}/{}", word(k.way), word(k.memory));
  }
  std::string operator()(const BlocksPath& k) const {
    return fmt::format("transfer_blocks/{}/{}", word(k.way), word(k.path));
  }
};

/// Allows none, or what roundings of the operands explain.
struct Bound {
  double operator()(const proof::DecodeKernel& k) const { return proof::bound_of(k.cached); }
  double operator()(const proof::MlaDecodeKernel&) const { return proof::bound_of(Element::bf16); }
  double operator()(const proof::PrefillKernel& k) const { return proof::bound_of(k.cached); }
  double operator()(const proof::GemmKernel& k) const {
    const bool cut = k.multiply == kernels::Multiply::tf32;  // to 10 bits, as fp16 has
    return std::max(proof::bound_of(cut ? Element::fp16 : k.operands), proof::bound_of(k.product));
  }
  double operator()(proof::BytesKernel) const { return 0; }
  double operator()(const CopyPath&) const { return 0; }
  double operator()(const BlocksPath&) const { return 0; }
};

/// What comes back of bytes that were sent to the device, and is not what was sent.
template <class Send>
double lost(Bytes count, const Send& send) {
  const std::vector<std::byte> in =
      proof::random_bytes(static_cast<std::size_t>(count.count()), Random(1, "calibrate/echo"));
  std::vector<std::byte> out(in.size(), std::byte{0xee});
  send(in, out);
  return proof::share_that_differs(in, out);
}

struct Error {
  kernels::KernelSet& device;
  kernels::Transfers* transfers;

  template <class Kernel>
  double operator()(const Kernel& k) const {
    kernels::ReferenceSet reference;
    return proof::deviation(device, reference, k);
  }
  double operator()(const CopyPath& k) const {
    TERRACE_CHECK(transfers != nullptr);
    constexpr Bytes kOdd{(std::int64_t{1} << 20U) + 48};  // not whole pages
    return lost(kOdd,
                [&](const auto& in, auto& out) { transfers->echo(k.memory, k.way, in, out); });
  }
  double operator()(const BlocksPath& k) const {
    TERRACE_CHECK(transfers != nullptr);
    const kernels::BlockTransfer blocks{k.path, k.way, 37, Bytes{4112}};
    return lost(blocks.size * blocks.blocks,
                [&](const auto& in, auto& out) { transfers->echo(blocks, in, out); });
  }
};

}  // namespace

std::string name_of(const TimedKernel& kernel) { return std::visit(Name{}, kernel); }

std::string KernelFinding::what() const {
  if (!failure.empty()) return failure;
  return fmt::format("relative error {:.3g}, at most {:.3g}", error, bound);
}

KernelFinding prove(const TimedKernel& kernel, kernels::KernelSet& device,
                    kernels::Transfers* transfers) {
  KernelFinding finding{name_of(kernel), {}, 0, std::visit(Bound{}, kernel), {}};
  try {
    finding.error = std::visit(Error{device, transfers}, kernel);
  } catch (const InvariantViolation&) {
    throw;
  } catch (const kernels::Unsupported&) {
    throw;
  } catch (const kernels::DeviceLost& e) {
    finding.failure = e.what();
    finding.lost = true;
  } catch (const std::exception& e) {
    finding.failure = e.what();
  }
  return finding;
}

}  // namespace terrace::calibrate
