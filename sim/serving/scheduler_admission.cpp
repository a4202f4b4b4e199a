#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/serving/scheduler.hpp"

namespace terrace {

/// How a request would start: what it finds, loads, and computes first.
struct Scheduler::Start {
  bool resumes = false;      // with the blocks that it holds, its load among them
  std::int64_t hits = 0;     // blocks found in HBM, or held
  std::int64_t revived = 0;  // hits that nobody holds: they will no longer be free
  LoadPlan load;
  bool waits = false;  // for its load: itself, not the step
  bool runs = true;    // at once
  Tokens computed;     // where it goes on from
  Tokens fresh;  // what it would compute in this step if the budget allowed, or while it waits
};

/// Admits from the front of the queue; returns what the first who has to stay there waits for.
Wait Scheduler::admit_waiting(SimTime now) {
  while (!waiting_.empty()) {
    if (budget_ == Tokens{}) return Wait::budget;
    if (running_ == spec_.max_num_seqs) return Wait::seats;
    if (const Wait wait = admit_next(now); wait != Wait::nothing) return wait;
  }
  return Wait::nothing;
}

/// Nothing can run, and whoever is first in the queue lacks blocks that loaded requests behind it
/// hold, as after a preemption: the first of these goes before it. vLLM would wait for ever.
void Scheduler::admit_loaded(SimTime now) {
  std::vector<Queued> passed;
  while (requests_[waiting_.top().request].blocks.empty()) {
    passed.push_back(waiting_.top());
    waiting_.pop();
  }
  admit_next(now);
  for (const Queued& queued : passed) waiting_.push(queued);
}

/// Admits the request whose turn it is, unless it has to wait, and with it all others.
Wait Scheduler::admit_next(SimTime now) {
  const RequestId id = waiting_.top().request;
  Request& r = requests_[id];
  const Start start = look_up(r);
  if (const Wait wait = obstacle(r, start); wait != Wait::nothing) return wait;

  waiting_.pop();
  if (!start.resumes && prefetcher_.holds_back(id)) return Wait::nothing;
  r.spend(r.preemptions == 0 ? TtftPart::queue : TtftPart::other, now);
  if (start.resumes) {
    std::erase(holding_, id);
  } else {
    take_found(id, start);
  }
  if (start.waits) {
    const Tokens block = spec_.block_size;
    r.tail = {block * start.load.from, block * start.load.to};
  }
  if (start.runs) {
    run(id, start);
  } else {
    park(id);
  }
  return Wait::nothing;
}

/// Leaves what it finds in HBM in hits_.
Scheduler::Start Scheduler::look_up(const Request& r) {
  const Tokens block = spec_.block_size;
  Start start;
  start.resumes = !r.blocks.empty();
  start.hits = static_cast<std::int64_t>(r.blocks.size());
  start.load = {start.hits, start.hits};
  if (!start.resumes && spec_.enable_prefix_caching) {
    // At least one token is left to compute, or there would be nothing to sample from.
    const std::int64_t limit = (r.known().count() - 1) / block.count();
    start.revived = find_cached_prefix(r, limit);
    start.hits = static_cast<std::int64_t>(hits_.size());
    start.load = load_rule_.choose(replica_, r, start.hits, limit - start.hits);
  } else {
    hits_.clear();
  }
  start.waits = start.load.from < start.load.to && spec_.load_wait == LoadWait::park;
  start.runs = !start.waits || start.load.from > start.hits;
  start.computed = start.resumes ? r.computed : block * (start.waits ? start.hits : start.load.to);
  start.fresh = (start.waits ? block * start.load.from : r.known()) - start.computed;
  if (spec_.long_prefill_token_threshold > Tokens{}) {
    start.fresh = std::min(start.fresh, spec_.long_prefill_token_threshold);
  }
  return start;
}

/// What keeps it from starting like this now.
Wait Scheduler::obstacle(const Request& r, const Start& start) const {
  const auto fits_free = [&](Tokens total, std::int64_t reserved) {
    return spec_.blocks(total) - start.hits + start.revived + reserved <= pool_.free_blocks();
  };
  // What waits for a load holds blocks without running: unless the rest of its prompt, and of
  // all other such requests, is sure to fit as well, they could block each other for ever.
  if (start.waits && !fits_free(r.known(), reserved_blocks())) return Wait::blocks;
  if (!start.runs) return Wait::nothing;
  if (!spec_.enable_chunked_prefill && start.fresh > budget_) return Wait::budget;
  if (!fits_free(start.computed + std::min(start.fresh, budget_), 0)) return Wait::blocks;
  const bool all = spec_.admission == Admission::full_prompt;
  return all && !fits_free(r.known(), 0) ? Wait::blocks : Wait::nothing;
}

/// It leaves the queue with what it has found, and with blocks for what it loads.
void Scheduler::take_found(RequestId id, const Start& start) {
  Request& r = requests_[id];
  const Tokens block = spec_.block_size;
  const std::int64_t loaded = start.load.to - start.load.from;
  hierarchy_.ledger().unqueued(r.full_blocks(block));
  hierarchy_.ledger().met(r.number);
  hierarchy_.ledger().used(r.contents, r.use, r.retention);
  for (const BlockId hit : hits_) {
    pool_.hold(hit);
    pool_.touch(hit);
  }
  r.blocks.assign(hits_.begin(), hits_.end());
  r.published = start.hits;
  r.computed = start.computed;
  backlog_ -= block * (start.hits + loaded);
  if (r.preemptions == 0) {
    r.hbm_hits = block * start.hits;
    r.tier_hits = block * loaded;
    hierarchy_.count_lookup(replica_, r.contents, r.prompt, start.hits, start.load.from,
                            start.load.to);
  }
  if (loaded > 0) {
    extend(r, block * start.load.to);
    hierarchy_.load(replica_, id, r.contents, start.load.from, start.load.to);
  }
  prefetcher_.admitted(place(id));
}

void Scheduler::run(RequestId id, const Start& start) {
  Request& r = requests_[id];
  if (start.load.from < start.load.to && !start.waits) {
    plan_.gates.push_back(id);
    publish(r, start.computed);  // the step waits for the load, as does whoever shares these blocks
  }
  if (start.computed > Tokens{} && hierarchy_.has_tiers()) {
    plan_.reused.push_back({id, 0, start.computed.count() / spec_.block_size.count()});
  }
  start_running(id);
  plan_prefill(id, r, std::min(start.fresh, budget_));
}

/// Fills hits_ with the longest cached prefix of at most `limit` blocks; returns how many of them
/// nobody holds.
std::int64_t Scheduler::find_cached_prefix(const Request& r, std::int64_t limit) {
  hits_.clear();
  std::int64_t revived = 0;
  for (std::int64_t i = 0; i < limit; ++i) {
    const BlockId block = pool_.find(r.contents[static_cast<std::size_t>(i)]);
    if (block == BlockId::none()) break;
    revived += pool_.held(block) ? 0 : 1;
    hits_.push_back(block);
  }
  return revived;
}

/// Blocks that prompts under way, or waiting for a load, will still ask for.
std::int64_t Scheduler::reserved_blocks() const {
  std::int64_t blocks = 0;
  for (const RequestId id : holding_) {
    blocks += missing_blocks(requests_[id], requests_[id].known());
  }
  for (const RequestId id : prefilling_) {
    blocks += missing_blocks(requests_[id], requests_[id].known());
  }
  return blocks;
}

}  // namespace terrace
