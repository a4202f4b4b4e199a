#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/histogram.hpp"
#include "sim/base/units.hpp"
#include "sim/fabric/fabric.hpp"
#include "sim/kv/misses.hpp"
#include "sim/kv/tier.hpp"
#include "sim/serving/request.hpp"
#include "sim/serving/scheduler.hpp"

namespace terrace {

/// Latencies in picoseconds, as vLLM defines them:
///   ttft  arrival -> first token known; includes queue, KV load, prefill
///   tpot  (last token - first token) / (tokens - 1), one value per request of two tokens or more
///   itl   every gap between consecutive tokens of a request, pooled
///   e2e   arrival -> last token
struct Latencies {
  Histogram ttft;
  Histogram tpot;
  Histogram itl;
  Histogram e2e;
};

/// Requests of one client, or of all.
struct ClientSummary {
  std::string name;
  std::int64_t completed = 0;
  std::int64_t rejected = 0;
  std::int64_t good = 0;             // completed within every SLO its client has
  std::optional<Duration> ttft_slo;  // of a client; none in the summary over all clients
  std::optional<Duration> tpot_slo;  // holds for a request of one token, which has no tpot
  Tokens prompt;                     // of completed requests
  Tokens output;
  Latencies latencies;  // itl only in the summary over all clients
};

/// One level of the hierarchy, HBM first, all its parts together. Peaks are sums of what each part
/// reached at a time of its own; means are over the whole run, the last transfer included.
struct TierSummary {
  std::string name;
  std::string medium;  // hbm, dram, nvme, network
  Bytes capacity;      // of whole blocks; Bytes::max(): unlimited
  Bytes peak_occupied;
  double mean_occupied = 0;  // bytes, over time
  Bytes peak_held;           // in use: by running requests, or by transfers
  double mean_held = 0;
  bool prefetches = false;  // blocks are moved up from here before they are asked for
  TierCounters counters;
};

/// What limits a run, and how it copes.
struct Verdict {
  enum class State { idle, stable, backlogged, overloaded };
  State state = State::stable;
  std::string limit;     // the bottleneck: "compute", "HBM capacity", "gpu0.h2d" ...
  std::string sentence;  // one line for people
};

/// Everything a run has to say, in exact units.
struct Summary {
  bool complete = true;  // false: stopped early, all figures are of the part that ran
  Duration duration{};   // from the first instant to the end of the last request
  std::int64_t came = 0;
  std::vector<std::int64_t> rejections;  // by Rejection
  std::int64_t unfinished = 0;           // still in the engine when stopped
  std::int64_t replicas = 1;
  ClientSummary all;
  std::vector<ClientSummary> clients;
  std::array<double, kTtftParts> ttft_parts{};  // mean seconds by TtftPart; they sum to mean TTFT
  double queue_early = 0;  // mean seconds in queue and loads, first third of all that came, and
  double queue_late = 0;   // of the last third: a queue that grows does not keep up
  std::int64_t preemptions = 0;
  Tokens recomputed;
  std::int64_t steps = 0;
  std::int64_t extrapolated_steps = 0;        // their times lie outside of what was measured
  std::vector<std::string> caveats;           // what step times rest on that was not measured
  Duration busy{};                            // of steps, summed over replicas
  Duration stalled{};                         // part of it that waited for loads
  std::array<double, kWaits> wait_seconds{};  // by Wait: while the first in the queue waited for it
  std::vector<TierSummary> tiers;
  std::vector<LinkReport> links;  // by LinkId
  std::vector<bool> writes_only;  // by LinkId: no load ever takes this way
  std::optional<Misses> misses;   // if output.misses
  Verdict verdict;
};

}  // namespace terrace
