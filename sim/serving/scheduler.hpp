#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/cost/cost_model.hpp"
#include "sim/kv/hierarchy.hpp"
#include "sim/serving/decode_set.hpp"
#include "sim/serving/engine_spec.hpp"
#include "sim/serving/load_rule.hpp"
#include "sim/serving/prefetcher.hpp"
#include "sim/serving/request.hpp"

namespace terrace {

/// Blocks [from, to) of a request that are full once the step has been computed.
struct PlannedBlocks {
  RequestId request;
  std::int64_t from = 0;
  std::int64_t to = 0;
};

/// Why the first request of the queue was not admitted.
enum class Wait : std::uint8_t {
  nothing,  // nobody waits
  budget,   // the step's tokens are spent: the GPUs are busy
  seats,    // max_num_seqs are running
  blocks    // too few KV blocks are free
};
constexpr std::size_t kWaits = 4;

/// What one step does.
struct StepPlan {
  std::int64_t decodes = 0;
  Tokens decode_context;
  Tokens decode_longest;
  std::vector<Tokens> decode_bounded;
  std::vector<RequestId> prefills;         // running first, then what this step admits
  std::vector<PrefillChunk> chunks;        // one for each of `prefills`
  std::vector<PlannedBlocks> full_blocks;  // kept only if there are tiers
  std::vector<PlannedBlocks> reused;       // the same: what admitted requests found or have loaded
  std::vector<RequestId> late;             // decodes whose previous token is not of the last step
  std::vector<RequestId> gates;            // requests whose load the step has to wait for
  std::vector<RequestId> preempted;
  std::int64_t samples = 0;   // prefills that reach their next token
  Wait wait = Wait::nothing;  // of who is still in the queue

  [[nodiscard]] bool empty() const { return decodes == 0 && prefills.empty(); }
  [[nodiscard]] Batch batch() const {
    return {.decodes = decodes,
            .decode_context = decode_context,
            .decode_longest = decode_longest,
            .decode_bounded = decode_bounded,
            .prefills = chunks,
            .samples = decodes + samples};
  }
  void clear();
};

/// What one step produced.
struct StepOutcome {
  std::vector<RequestId> finished;  // in running order; still in the table
  std::int64_t tokens = 0;
  // Gaps between tokens of one request: most are the same, those of `late` requests are not.
  std::int64_t regular_gaps = 0;
  Duration regular_gap{};
  std::vector<Duration> other_gaps;

  void clear();
};

/// vLLM V1's scheduler and block tables (vllm/v1/core/sched/scheduler.py): running requests first
/// in order of admission, then waiting ones, all against one token budget; there are no phases,
/// only tokens not computed yet. When blocks run out, the last running request (under `priority`
/// the least important) is preempted: it loses its blocks and recomputes. Who computes ahead of a
/// load, into blocks it holds, is spared until both have met: it needs no further block until then,
/// so somebody else can always give way.
///
/// A step costs O(what changes), not O(running): requests that merely decode are in a DecodeSet;
/// only prompts being computed, what is admitted and what crosses a block boundary is visited.
/// When a step cannot give every running request what it wants (blocks or budget run out, or a long
/// prefill is capped), walk() goes through all of them in order, as vLLM always does.
///
/// A request that its prefetch keeps waiting (see Prefetcher) is not in the queue until it is let
/// go, and then has the place that it came for.
///
/// With asynchronous scheduling (vLLM's default), the engine decides on a step while the one before
/// it runs: who arrives meanwhile is first considered for the step after that. Seats and blocks of
/// who finishes are free at once all the same.
///
/// Protocol: (enqueue* loaded* let_go* plan (execute complete)?)*
class Scheduler {
 public:
  Scheduler(const EngineSpec& spec, ReplicaId replica, RequestTable& requests, Hierarchy& hierarchy,
            LoadRule load_rule, const ModelShape& model);

  /// The request waits its turn. REQUIRES: fits().
  void enqueue(RequestId id);

  /// Its load has arrived: it waits for its turn to run, ahead of all that came later, unless it
  /// is running, still busy with what comes before.
  void loaded(RequestId id, SimTime now);

  /// A prefetch has ended, or has taken too long: returns whether a request may now be scheduled
  /// that had to wait for it.
  template <class PrefetchEvent>
  bool let_go(const PrefetchEvent& event) {
    if (!prefetcher_.lets_go(event)) return false;
    push_waiting(event.request);
    return true;
  }

  /// Lets prefetches begin for who is still in the queue.
  void look_ahead() { prefetcher_.look_ahead(); }

  /// Whether the request could ever run: its whole length fits into the empty cache, and into one
  /// step if prompts are not chunked.
  [[nodiscard]] bool fits(Tokens prompt, Tokens output) const;

  /// Decides the next step; an empty plan if there is nothing to do.
  const StepPlan& plan(SimTime now);

  /// The planned step has been computed. REQUIRES: the plan is not empty.
  const StepOutcome& complete(SimTime now);

  [[nodiscard]] std::int64_t running() const { return running_; }
  [[nodiscard]] std::size_t waiting() const {
    return waiting_.size() + incoming_.size() + prefetcher_.kept();
  }
  [[nodiscard]] std::size_t loading() const { return loading_; }

  /// Requests that have not left.
  [[nodiscard]] std::int64_t requests() const {
    return running_ + static_cast<std::int64_t>(waiting() + loading_);
  }
  /// Tokens of prompts that are still to be computed.
  [[nodiscard]] Tokens backlog() const { return backlog_; }

 private:
  void decide(SimTime now);
  [[nodiscard]] bool everyone_is_served() const;
  void advance();
  void walk(SimTime now);
  void sum_up_decodes();
  void sum_up_walked_decodes();
  Wait admit_next(SimTime now);
  Wait admit_waiting(SimTime now);
  void admit_loaded(SimTime now);
  struct Start;
  Start look_up(const Request& r);
  [[nodiscard]] Wait obstacle(const Request& r, const Start& start) const;
  void take_found(RequestId id, const Start& start);
  void run(RequestId id, const Start& start);
  void plan_prefill(RequestId id, Request& r, Tokens fresh);
  void park(RequestId id);
  void reach_tail(RequestId id, SimTime now);
  void join_tail(Request& r);

  [[nodiscard]] std::int64_t missing_blocks(const Request& r, Tokens total) const;
  [[nodiscard]] std::int64_t reserved_blocks() const;
  std::int64_t find_cached_prefix(const Request& r, std::int64_t limit);
  void extend(Request& r, Tokens total);
  void publish(Request& r, Tokens total);
  void fill_blocks(RequestId id, Request& r, Tokens total);
  void release_blocks(Request& r);

  [[nodiscard]] Tokens wanted(const Request& r) const;
  [[nodiscard]] Queued place(RequestId id) const;
  void push_waiting(RequestId id) { waiting_.push(place(id)); }
  void start_running(RequestId id);
  void stop_running(RequestId id);
  [[nodiscard]] RequestId choose_victim() const;
  void preempt(RequestId id, SimTime now);
  void withdraw(RequestId id);

  const EngineSpec spec_;
  ReplicaId replica_;
  RequestTable& requests_;
  Hierarchy& hierarchy_;
  BlockPool& pool_;
  LoadRule load_rule_;
  Prefetcher prefetcher_;

  std::priority_queue<Queued, std::vector<Queued>, std::greater<>> waiting_;
  std::vector<Queued> incoming_;    // not seen yet: the coming step is already decided
  std::int64_t next_key_ = 0;       // of what arrives
  std::int64_t front_key_ = -1;     // of what is put back in front
  std::vector<RequestId> holding_;  // loading, or loaded and still waiting to run
  std::size_t loading_ = 0;
  Tokens backlog_;

  RequestId first_running_ = RequestId::none();  // in order of admission
  RequestId last_running_ = RequestId::none();
  std::int64_t running_ = 0;
  std::uint64_t next_order_ = 1;
  std::vector<RequestId> prefilling_;  // of the running ones, in order

  DecodeSet decodes_;  // of the running ones, all others

  StepPlan plan_;
  StepOutcome outcome_;
  Tokens budget_;              // of the step being planned
  std::vector<BlockId> hits_;  // of the request being admitted
  std::uint64_t walks_ = 0;    // marks what a walk has scheduled
  SimTime previous_end_{};     // of the last step computed
};

}  // namespace terrace
