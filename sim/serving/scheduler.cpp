#include "sim/serving/scheduler.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {

void StepPlan::clear() {
  decodes = 0;
  decode_context = Tokens{};
  decode_longest = Tokens{};
  decode_bounded.clear();
  samples = 0;
  wait = Wait::nothing;
  chunks.clear();
  prefills.clear();
  full_blocks.clear();
  reused.clear();
  late.clear();
  gates.clear();
  preempted.clear();
}

void StepOutcome::clear() {
  finished.clear();
  other_gaps.clear();
  tokens = 0;
  regular_gaps = 0;
}

namespace {

/// The content that the request's block number `index` is going to have; none if it never fills.
ContentId content_at(const Request& r, std::size_t index) {
  return index < r.contents.size() ? r.contents[index] : ContentId::none();
}

}  // namespace

Scheduler::Scheduler(const EngineSpec& spec, ReplicaId replica, RequestTable& requests,
                     Hierarchy& hierarchy, LoadRule load_rule, const ModelShape& model)
    : spec_(spec),
      replica_(replica),
      requests_(requests),
      hierarchy_(hierarchy),
      pool_(hierarchy.hbm(replica)),
      load_rule_(std::move(load_rule)),
      prefetcher_(replica, spec.block_size, requests, hierarchy),
      decodes_(spec.block_size, model, requests) {}

bool Scheduler::fits(Tokens prompt, Tokens output) const {
  const Tokens whole = prompt + output;
  return spec_.blocks(whole) <= pool_.capacity() &&
         (spec_.enable_chunked_prefill || whole <= spec_.max_num_batched_tokens);
}

void Scheduler::enqueue(RequestId id) {
  Request& r = requests_[id];
  r.replica = replica_;
  r.queue_key = next_key_++;
  backlog_ += r.known();
  hierarchy_.ledger().queued(r.full_blocks(spec_.block_size));
  if (!prefetcher_.arrived(place(id))) return;
  if (spec_.execution.async_scheduling && !plan_.empty()) {
    incoming_.push_back(place(id));
  } else {
    push_waiting(id);
  }
}

void Scheduler::loaded(RequestId id, SimTime now) {
  Request& r = requests_[id];
  if (r.state == Request::State::prefilling) {
    r.tail.arrived = true;
    return;
  }
  r.spend(TtftPart::kv_load, now);
  join_tail(r);
  r.state = Request::State::waiting;
  --loading_;
  push_waiting(id);
}

Queued Scheduler::place(RequestId id) const {
  const Request& r = requests_[id];
  const bool by_priority = spec_.policy == QueuePolicy::priority;
  return {by_priority ? r.priority : r.queue_key, r.number, id};
}

// --- a step --------------------------------------------------------------------------------------

const StepPlan& Scheduler::plan(SimTime now) {
  decide(now);
  if (incoming_.empty()) return plan_;
  for (const Queued& queued : incoming_) waiting_.push(queued);
  incoming_.clear();
  if (plan_.empty()) decide(now);
  return plan_;
}

void Scheduler::decide(SimTime now) {
  plan_.clear();
  budget_ = spec_.max_num_batched_tokens;
  bool walked = false;
  for (bool again = true; again;) {
    const std::size_t preempted = plan_.preempted.size();
    walked = !everyone_is_served();
    if (walked) {
      walk(now);
    } else {
      advance();
    }
    if (plan_.preempted.size() == preempted) {
      const bool gave_up = plan_.empty() && preempted > 0;  // the only one that could run
      if (gave_up && holding_.size() > loading_) admit_loaded(now);
      plan_.wait = admit_waiting(now);
      if (plan_.empty() && holding_.size() > loading_) admit_loaded(now);
      again = false;
    } else {
      plan_.wait = Wait::blocks;
      // By priority, the last request may have had to give way to itself: others can run now.
      again = plan_.empty();
    }
  }
  if (plan_.empty()) return;

  if (walked) {
    sum_up_walked_decodes();
  } else {
    sum_up_decodes();
  }
  decodes_.advance();
}

/// Whether all running requests get what they want, a last prefill what is left of the budget, so
/// that their order does not matter.
bool Scheduler::everyone_is_served() const {
  const Tokens decodes{decodes_.size()};
  if (decodes_.stalled() > 0 || decodes > spec_.max_num_batched_tokens) return false;
  auto blocks = static_cast<std::int64_t>(decodes_.starting_a_block().size());
  if (!prefilling_.empty()) {
    if (prefilling_.front() != last_running_) return false;
    const Request& r = requests_[last_running_];
    blocks += missing_blocks(r, r.computed + std::min(wanted(r), budget_ - decodes));
  }
  return blocks <= pool_.free_blocks();
}

void Scheduler::advance() {
  for (const RequestId id : decodes_.starting_a_block()) {
    Request& r = requests_[id];
    r.blocks.push_back(pool_.allocate(content_at(r, r.blocks.size())));
  }
  for (const RequestId id : decodes_.filling_a_block()) {
    Request& r = requests_[id];
    fill_blocks(id, r, decodes_.computed(r) + Tokens{1});
  }
  plan_.decodes = decodes_.size();
  plan_.decode_context = decodes_.context();
  budget_ -= Tokens{decodes_.size()};
  if (prefilling_.empty() || budget_ == Tokens{}) return;
  Request& r = requests_[last_running_];
  plan_prefill(last_running_, r, std::min(wanted(r), budget_));
}

void Scheduler::walk(SimTime now) {
  ++walks_;
  for (RequestId id = first_running_; id != RequestId::none() && budget_ > Tokens{};) {
    Request& r = requests_[id];
    const bool decoding = r.state == Request::State::decoding;
    const Tokens computed = decodes_.computed(r);
    const Tokens fresh = decoding ? Tokens{1} : std::min(wanted(r), budget_);
    while (missing_blocks(r, computed + fresh) > pool_.free_blocks()) {
      const RequestId victim = choose_victim();
      preempt(victim, now);
      if (victim == id) return;
    }
    r.walked = walks_;
    if (!decoding) {
      plan_prefill(id, r, fresh);
    } else {
      extend(r, computed + fresh);
      fill_blocks(id, r, computed + fresh);
      ++plan_.decodes;
      plan_.decode_context += computed + fresh;
      budget_ -= fresh;
      if (r.stalled) plan_.late.push_back(id);
    }
    id = r.run_after;
  }
}

/// What the decodes attend to, if all members take part.
void Scheduler::sum_up_decodes() {
  plan_.decode_longest = decodes_.longest();
  for (const BoundedSum& sum : decodes_.bounded()) plan_.decode_bounded.push_back(sum.sum());
}

/// The same after a walk: members that it left out stall.
void Scheduler::sum_up_walked_decodes() {
  plan_.decode_bounded.resize(decodes_.bounded().size());
  for (RequestId id = first_running_; id != RequestId::none(); id = requests_[id].run_after) {
    const Request& r = requests_[id];
    if (r.state != Request::State::decoding) continue;
    if (r.walked != walks_) {
      decodes_.stall(id, previous_end_);
      continue;
    }
    const Tokens context = decodes_.computed(r) + Tokens{1};
    plan_.decode_longest = std::max(plan_.decode_longest, context);
    for (std::size_t i = 0; i < plan_.decode_bounded.size(); ++i) {
      plan_.decode_bounded[i] += decodes_.bounded()[i].attended(context);
    }
  }
}

void Scheduler::plan_prefill(RequestId id, Request& r, Tokens fresh) {
  const Tokens total = r.computed + fresh;
  extend(r, total);
  fill_blocks(id, r, total);
  plan_.chunks.push_back({fresh, r.computed});
  plan_.prefills.push_back(id);
  plan_.samples += total == r.known() ? 1 : 0;
  r.computed = total;
  backlog_ -= fresh;
  budget_ -= fresh;
}

const StepOutcome& Scheduler::complete(SimTime now) {
  outcome_.clear();
  for (const PlannedBlocks& full : plan_.full_blocks) {
    const Request& r = requests_[full.request];
    hierarchy_.writes().completed(replica_, r.blocks, r.contents, full.from, full.to);
  }
  // Only now is sure to be there what was found: it may have been computed by this very step.
  for (const PlannedBlocks& old : plan_.reused) {
    const Request& r = requests_[old.request];
    hierarchy_.writes().reused(replica_, r.blocks, r.contents, old.to);
  }
  outcome_.tokens = plan_.decodes + plan_.samples;
  outcome_.regular_gaps = plan_.decodes - static_cast<std::int64_t>(plan_.late.size());
  outcome_.regular_gap = now - previous_end_;
  previous_end_ = now;
  for (const RequestId id : plan_.late) {
    outcome_.other_gaps.push_back(now - requests_[id].last_token);
    decodes_.recover(id);
  }
  for (const RequestId id : plan_.prefills) {
    Request& r = requests_[id];
    if (r.tail.open() && r.computed == r.tail.from) reach_tail(id, now);
    if (r.computed < r.known()) continue;
    std::erase(prefilling_, id);
    if (r.generated == Tokens{}) {
      r.spend(TtftPart::prefill, now);
      r.first_token = now;
    } else {
      outcome_.other_gaps.push_back(now - r.last_token);
    }
    r.generated += Tokens{1};
    if (r.generated == r.output) {
      outcome_.finished.push_back(id);
    } else {
      decodes_.join(id);
    }
  }
  decodes_.take_finished(outcome_.finished);
  std::sort(outcome_.finished.begin(), outcome_.finished.end(), [this](RequestId a, RequestId b) {
    return requests_[a].run_order < requests_[b].run_order;
  });
  for (const RequestId id : outcome_.finished) {
    if (requests_[id].state == Request::State::decoding) decodes_.leave(id);
    stop_running(id);
    release_blocks(requests_[id]);
  }
  return outcome_;
}

/// It holds blocks for a load and does not run until that has arrived.
void Scheduler::park(RequestId id) {
  requests_[id].state = Request::State::loading;
  holding_.push_back(id);
  ++loading_;
}

/// All that comes before its tail has been computed.
void Scheduler::reach_tail(RequestId id, SimTime now) {
  Request& r = requests_[id];
  if (r.tail.arrived) {
    join_tail(r);
    return;
  }
  std::erase(prefilling_, id);
  stop_running(id);
  r.spend(TtftPart::prefill, now);
  park(id);
}

void Scheduler::join_tail(Request& r) {
  r.computed = r.tail.to;
  r.tail = {};
  publish(r, r.computed);
}

// --- blocks --------------------------------------------------------------------------------------

std::int64_t Scheduler::missing_blocks(const Request& r, Tokens total) const {
  return std::max<std::int64_t>(0,
                                spec_.blocks(total) - static_cast<std::int64_t>(r.blocks.size()));
}

void Scheduler::extend(Request& r, Tokens total) {
  for (std::int64_t missing = missing_blocks(r, total); missing > 0; --missing) {
    r.blocks.push_back(pool_.allocate(content_at(r, r.blocks.size())));
  }
}

/// Enters the blocks that `total` computed tokens fill into the prefix index. vLLM does so when the
/// step is scheduled, so that requests admitted by the same step already find them.
void Scheduler::publish(Request& r, Tokens total) {
  const std::int64_t full = total.count() / spec_.block_size.count();
  for (; r.published < full; ++r.published) {
    const auto i = static_cast<std::size_t>(r.published);
    pool_.publish(r.blocks[i], r.contents[i]);
  }
}

/// Publishes the blocks that this step fills, and has them written down once they are computed.
void Scheduler::fill_blocks(RequestId id, Request& r, Tokens total) {
  if (!spec_.enable_prefix_caching) return;
  const std::int64_t before = r.published;
  publish(r, total);
  if (CacheWatch* watch = hierarchy_.watch(); watch != nullptr && r.published > before) {
    watch->computed(std::span(r.contents)
                        .subspan(static_cast<std::size_t>(before),
                                 static_cast<std::size_t>(r.published - before)));
  }
  if (r.published > before && hierarchy_.has_tiers()) {
    plan_.full_blocks.push_back({id, before, r.published});
  }
}

/// The last block goes first, so that the tail of a sequence is evicted before its head.
void Scheduler::release_blocks(Request& r) {
  for (; !r.blocks.empty(); r.blocks.pop_back()) pool_.release(r.blocks.back());
  r.published = 0;
}

// --- requests ------------------------------------------------------------------------------------

/// New tokens a prefill asks for in one step, before the budget.
Tokens Scheduler::wanted(const Request& r) const {
  const Tokens rest = (r.tail.open() ? r.tail.from : r.known()) - r.computed;
  const Tokens cap = spec_.long_prefill_token_threshold;
  return cap > Tokens{} ? std::min(rest, cap) : rest;
}

void Scheduler::start_running(RequestId id) {
  Request& r = requests_[id];
  r.state = Request::State::prefilling;
  r.run_order = next_order_++;
  r.run_before = last_running_;
  r.run_after = RequestId::none();
  (last_running_ == RequestId::none() ? first_running_ : requests_[last_running_].run_after) = id;
  last_running_ = id;
  ++running_;
  prefilling_.push_back(id);
}

void Scheduler::stop_running(RequestId id) {
  const Request& r = requests_[id];
  const RequestId none = RequestId::none();
  (r.run_before == none ? first_running_ : requests_[r.run_before].run_after) = r.run_after;
  (r.run_after == none ? last_running_ : requests_[r.run_after].run_before) = r.run_before;
  --running_;
}

RequestId Scheduler::choose_victim() const {
  RequestId victim = RequestId::none();
  const auto rank = [this](RequestId id) {
    return std::pair{requests_[id].priority, requests_[id].number};
  };
  for (RequestId id = last_running_; id != RequestId::none(); id = requests_[id].run_before) {
    if (requests_[id].tail.open()) continue;
    if (spec_.policy == QueuePolicy::fcfs) return id;
    if (victim == RequestId::none() || rank(id) > rank(victim)) victim = id;
  }
  TERRACE_CHECK(victim != RequestId::none());
  return victim;
}

void Scheduler::preempt(RequestId id, SimTime now) {
  Request& r = requests_[id];
  if (r.walked == walks_) withdraw(id);
  const bool decoded = r.state == Request::State::decoding;
  if (decoded) {
    if (!r.stalled) r.last_token = previous_end_;
    decodes_.leave(id);
  } else {
    std::erase(prefilling_, id);
  }
  stop_running(id);
  release_blocks(r);
  r.spend(TtftPart::prefill, now);
  r.recomputed += r.computed;
  backlog_ += r.computed + Tokens{decoded ? 1 : 0};
  r.computed = Tokens{};
  ++r.preemptions;
  r.state = Request::State::waiting;
  hierarchy_.ledger().queued(r.full_blocks(spec_.block_size));
  r.queue_key = front_key_--;
  push_waiting(id);
  prefetcher_.queued(place(id));
  plan_.preempted.push_back(id);
}

/// Takes a request that this step had already scheduled out of the plan again. What it published
/// stays findable, as in vLLM.
void Scheduler::withdraw(RequestId id) {
  Request& r = requests_[id];
  std::erase_if(plan_.full_blocks, [id](const PlannedBlocks& b) { return b.request == id; });
  std::erase(plan_.late, id);
  if (r.state == Request::State::decoding) {
    --plan_.decodes;
    plan_.decode_context -= decodes_.computed(r) + Tokens{1};
    budget_ += Tokens{1};
    return;
  }
  const auto place = std::find(plan_.prefills.begin(), plan_.prefills.end(), id);
  const auto chunk = plan_.chunks.begin() + (place - plan_.prefills.begin());
  plan_.samples -= r.computed == r.known() ? 1 : 0;
  budget_ += chunk->fresh;
  r.computed -= chunk->fresh;
  backlog_ += chunk->fresh;
  plan_.chunks.erase(chunk);
  plan_.prefills.erase(place);
}

}  // namespace terrace
