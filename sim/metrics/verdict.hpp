#pragma once

#include "sim/metrics/summary.hpp"

namespace terrace {

/// Names what limits a run, and whether it keeps up.
///
/// The limit follows from the largest part of mean TTFT:
///   queue    what the first in the queue waited for longest: free KV blocks ("HBM capacity"), a
///            seat ("max_num_seqs"), or the step's token budget or its end ("compute")
///   kv_load  the link, drive or memory of the fabric with the most queueing, links that only
///            writes take left out; if nothing queued, the one with the highest utilisation
///   prefill  "compute"
///   other    "HBM capacity": preempted before the first token
/// The state:
///   idle        nothing completed
///   overloaded  queue is the largest part, and the last third of the requests queued for more than
///               0.5 s and more than twice as long as the first third: the queue grows
///   backlogged  queue is more than half of mean TTFT, and so longer than prefill
///   stable      anything else
/// `summary.verdict` is not looked at.
[[nodiscard]] Verdict judge(const Summary& summary);

/// "IDLE", "STABLE" ...
[[nodiscard]] const char* name_of(Verdict::State state);

}  // namespace terrace
