#include "calibrate/loop/move_laws.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/base/check.hpp"
#include "sim/base/quantile.hpp"
#include "sim/base/random.hpp"
#include "sim/fabric/transfer_laws.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::int64_t kMostBlocks = 64;

/// So many different numbers below `n`.
std::vector<std::int32_t> drawn(Random& random, std::int64_t count, std::int64_t n) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    std::swap(all[i], all[i + random.below(all.size() - i)]);
  }
  all.resize(static_cast<std::size_t>(count));
  return all;
}

std::vector<labs::BlockCopy> drawn_copies(Random& random, std::int64_t count, std::int64_t from,
                                          std::int64_t to) {
  const auto sources = drawn(random, count, from);
  const auto targets = drawn(random, count, to);
  std::vector<labs::BlockCopy> copies;
  copies.reserve(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) copies.push_back({sources[i], targets[i]});
  return copies;
}

/// Medians of what one repetition of a move took.
MoveTimes repeated(std::int64_t most, int repeats, FunctionRef<Duration(std::int64_t)> move) {
  MoveTimes times;
  for (std::int64_t blocks = 1; blocks <= most; blocks *= 2) {
    std::vector<double> all;
    for (int i = 0; i < repeats; ++i) all.push_back(seconds(move(blocks)));
    times[blocks] = duration_from_seconds(interpolated_quantile(std::move(all), 0.5));
  }
  return times;
}

/// What p and the time per block make of the drive's closed-loop law.
SsdLaw law_of(Duration one, double per_block, double p, Bytes block) {
  // One size of commands does not tell a command's latency from its transfer: half of each.
  SsdLaw law;
  law.latency = one / 2;
  law.stream = Bandwidth{static_cast<double>(block.count()) / (seconds(one) / 2)};
  law.iops = 1e12;
  law.bandwidth = Bandwidth{static_cast<double>(block.count()) / per_block};
  law.p = p;
  return law;
}

double misfit(const SsdLaw& law, const MoveTimes& times, Bytes block, std::int64_t depth) {
  const auto io = static_cast<double>(block.count());
  double sum = 0;
  for (const auto& [blocks, time] : times) {
    const auto in_flight = static_cast<double>(std::min(blocks, depth));
    const double predicted =
        static_cast<double>(blocks) * io / closed_loop_rate(law, io, in_flight).count();
    const double off = std::log(predicted / seconds(time));
    sum += off * off;
  }
  return sum;
}

}  // namespace

MeasuredMoves measure_moves(labs::Machine& machine, std::int64_t pool, std::int64_t slots,
                            int repeats, std::uint64_t seed, FunctionRef<void()> between) {
  Random random(seed, "moves");
  const std::int64_t most = std::min({kMostBlocks, pool, slots});
  const auto loading = [&](std::size_t tier) {
    return repeated(most, repeats, [&, tier](std::int64_t blocks) {
      const auto copies = drawn_copies(random, blocks, slots, pool);
      between();
      const SimTime start = machine.now();
      machine.start_load(0, tier, copies);
      machine.wait();
      return machine.now() - start;
    });
  };
  const auto writing = [&](std::size_t tier) {
    return repeated(most, repeats, [&, tier](std::int64_t blocks) {
      const auto copies = drawn_copies(random, blocks, tier == 0 ? pool : slots, slots);
      between();
      const SimTime start = machine.now();
      for (const labs::BlockCopy& copy : copies) machine.queue_write(tier, copy);
      machine.start_writes(tier);
      machine.wait();
      return machine.now() - start;
    });
  };
  MeasuredMoves moves;
  moves.to_memory = writing(0);
  moves.from_memory = loading(0);
  moves.to_file = writing(1);
  moves.from_file = loading(1);
  return moves;
}

CopyLaw copy_law(const MoveTimes& times, Bytes block) {
  TERRACE_CHECK(times.size() >= 2);
  // The line through all sizes with the least squares of relative errors.
  double w = 0;
  double wn = 0;
  double wnn = 0;
  double wt = 0;
  double wnt = 0;
  for (const auto& [blocks, time] : times) {
    const auto n = static_cast<double>(blocks);
    const double t = seconds(time);
    const double weight = 1 / (t * t);
    w += weight;
    wn += weight * n;
    wnn += weight * n * n;
    wt += weight * t;
    wnt += weight * n * t;
  }
  const double slope = (w * wnt - wn * wt) / (w * wnn - wn * wn);
  const double start = (wt - slope * wn) / w;
  // A copy takes time, and no less than none before it starts.
  const double each = start > 0 && slope > 0 ? slope : wnt / wnn;
  return {duration_from_seconds(slope > 0 ? std::max(start, 0.0) : 0.0),
          Bandwidth{static_cast<double>(block.count()) / each}};
}

SsdLaw file_law(const MoveTimes& times, Bytes block, std::int64_t depth) {
  const Duration one = times.begin()->second;
  const double most = static_cast<double>(times.rbegin()->first);
  const double each = seconds(times.rbegin()->second) / most;
  SsdLaw best;
  double least = std::numeric_limits<double>::infinity();
  for (double p = 1; p <= 8; p += 0.5) {
    for (double share = 0.5; share <= 1.2; share += 0.02) {
      const SsdLaw law = law_of(one, each * share, p, block);
      const double off = misfit(law, times, block, depth);
      if (off >= least) continue;
      least = off;
      best = law;
    }
  }
  return best;
}

HardwareSpec machine_of(const MeasuredMoves& moves, Bytes block, std::int64_t depth) {
  constexpr Bytes kPlenty{std::int64_t{1} << 50U};
  const CopyLaw in = copy_law(moves.from_memory, block);
  const CopyLaw out = copy_law(moves.to_memory, block);
  HardwareSpec machine;
  machine.gpu.name = "this device";
  machine.gpu.sms = std::int64_t{1} << 40U;  // decodes are divided evenly
  machine.gpu.memory = kPlenty;
  machine.gpu.memory_bandwidth = in.rate;
  machine.gpu.bf16 = FlopRate{1e12};
  HostLinkSpec& link = machine.gpu.host_link;
  link.bus = "copies between the pool and memory";
  link.h2d = in.rate;
  link.d2h = out.rate;
  link.latency = in.latency;
  link.descriptors = {Duration{1}, in.rate * 1e3, Bytes{1}, Duration{1}, in.rate * 1e3};
  machine.host.name = "this machine";
  machine.host.dram = kPlenty;
  // What leaves the pool is copied before loads begin: nothing competes with them.
  machine.host.dram_bandwidth = in.rate * 1e3;
  SsdSpec& drive = machine.ssd.emplace();
  drive.name = "the file";
  drive.capacity = kPlenty;
  drive.read = file_law(moves.from_file, block, depth);
  drive.write = file_law(moves.to_file, block, depth);
  drive.io_size = block;
  drive.queue_depth = depth;
  return machine;
}

}  // namespace terrace::calibrate
