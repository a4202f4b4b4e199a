// Memory of the device by the size of what is read, written or copied in order: what all else is
// compared with. Cold is what comes from memory; hot, what stays in a cache.

#include <array>

#include <fmt/format.h>

#include "calibrate/measuring/families/family.hpp"
#include "calibrate/measuring/operands.hpp"

namespace terrace::calibrate::family {
namespace {

enum class Stream { copy, read, write };
constexpr std::array<std::pair<Stream, std::string_view>, 3> kStreams = {
    {{Stream::copy, "copy"}, {Stream::read, "read"}, {Stream::write, "write"}}};

kernels::proof::BytesKernel proven(Stream stream) {
  using enum kernels::proof::BytesKernel;
  return stream == Stream::copy ? copy : stream == Stream::read ? read : write;
}

kernels::Start prepared(Operands& operands, Stream stream, std::span<std::byte> part,
                        std::uint64_t* sum) {
  using Word = std::uint64_t;
  kernels::KernelSet& kernels = operands.kernels();
  const std::size_t size = part.size();
  if (stream == Stream::write) {
    return kernels.prepare(kernels::StreamWrite{
        {reinterpret_cast<Word*>(part.data()), size / sizeof(Word)}, 0x0123456789abcdef});
  }
  const auto numbers = operands.next(kernels::Element::bf16, static_cast<std::int64_t>(size) / 2);
  if (stream == Stream::copy) {
    return kernels.prepare(
        kernels::StreamCopy{{static_cast<const std::byte*>(numbers.begin), size}, part});
  }
  return kernels.prepare(
      kernels::StreamRead{{static_cast<const Word*>(numbers.begin), size / sizeof(Word)}, sum});
}

Sample measure(Bench& bench, Stream stream, Bytes size, bool cold) {
  Operands& operands = *bench.operands;
  const auto bytes = static_cast<std::size_t>(size.count());
  const std::span<std::byte> scratch = operands.scratch(size);
  const auto sum = operands.allocate(Bytes{256});
  std::vector<kernels::Start> calls;
  const std::int64_t turns = cold ? operands.turns(size) : 1;
  operands.reserve(kernels::Element::bf16, turns, size.count() / 2);
  std::size_t at = 0;
  for (std::int64_t turn = 0; turn < turns; ++turn) {
    if (at + bytes > scratch.size()) at = 0;
    calls.push_back(prepared(operands, stream, scratch.subspan(at, bytes),
                             reinterpret_cast<std::uint64_t*>(sum.get())));
    at += bytes;
  }
  return operands.time(calls);
}

std::vector<Bytes> sizes(const Extent& extent) {
  using namespace literals;
  if (extent.gpu) {
    return extent.quick ? std::vector{16_MiB, 256_MiB, 1_GiB}
                        : std::vector{4_MiB, 16_MiB, 64_MiB, 256_MiB, 1_GiB, 4_GiB};
  }
  return extent.quick ? std::vector{256_KiB, 4_MiB, 64_MiB, 512_MiB}
                      : std::vector{64_KiB, 256_KiB, 1_MiB, 4_MiB, 16_MiB, 64_MiB, 256_MiB, 1_GiB};
}

std::vector<Measurement> plan(const Extent& extent) {
  std::vector<Measurement> all;
  for (const auto& [stream, name] : kStreams) {
    for (const Bytes size : sizes(extent)) {
      if (size * 8 > extent.memory) continue;
      for (const bool cold : {true, false}) {
        if (!cold && size * 2 > extent.cache) continue;
        const std::string_view cache = cold ? "cold" : "hot";
        all.push_back({.id = fmt::format("memory/{}/{}/{}", name, size.count(), cache),
                       .x = {{"op", name}, {"bytes", size.count()}},
                       .cache = std::string(cache),
                       .unit = "us",
                       .seconds = sampling_seconds(2 * seconds(size / extent.pace.memory),
                                                   sampling_of(extent)),
                       .measure = [stream, size, cold](
                                      Bench& bench) { return measure(bench, stream, size, cold); },
                       .kernels = {proven(stream)}});
      }
    }
  }
  return all;
}

}  // namespace

Family memory() {
  return {.name = "memory",
          .summary = "memory of the device: copy, read and write by size",
          .plan = plan};
}

}  // namespace terrace::calibrate::family
