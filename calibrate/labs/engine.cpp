#include "calibrate/labs/engine.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "sim/base/check.hpp"

namespace terrace::labs {

Engine::Engine(const EngineRules& rules, const std::vector<Conversation>& conversations,
               Machine& machine)
    : rules_(rules),
      conversations_(conversations),
      machine_(machine),
      blocks_(rules.blocks, rules.tiers, machine),
      queue_(conversations),
      said_(conversations.size()) {}

Served Engine::run() {
  for (;;) {
    take_in();
    blocks_.poll();
    const SimTime start = machine_.now();
    decide();
    blocks_.settle();
    if (!plan_.empty()) {
      execute(start);
    } else if (const auto next = queue_.next_time()) {
      machine_.idle_until(*next);
    } else {
      break;
    }
  }
  blocks_.drain();
  TERRACE_CHECK(running_.empty() && waiting_.empty());
  served_.tiers = blocks_.counts();
  served_.peak_blocks = blocks_.pool().peak_held();
  return std::move(served_);
}

std::int64_t Engine::blocks_of(std::int64_t tokens) const {
  return (tokens + rules_.page - 1) / rules_.page;
}

/// Blocks that a request of which so many tokens are computed has.
std::int64_t Engine::blocks_held(std::int64_t tokens) const {
  return blocks_of(std::max(tokens, rules_.reserve));
}

/// Turns that are due queue up.
void Engine::take_in() {
  while (queue_.next_time() && *queue_.next_time() <= machine_.now()) {
    const ConversationQueue::Due due = queue_.next();
    const Turn& turn = conversations_[due.conversation][due.turn];
    std::vector<std::int32_t>& said = said_[due.conversation];
    for (const Span& text : turn.says) {
      const auto tokens = tokens_of(text, rules_.vocabulary);
      said.insert(said.end(), tokens.begin(), tokens.end());
    }
    Sequence s;
    s.tokens = said;
    s.record.conversation = due.conversation;
    s.record.turn = due.turn;
    s.record.prompt = s.known();
    s.record.tokens = turn.answer;
    s.record.arrived = due.at;
    check_fits(s.record);
    waiting_.push_back(sequences_.size());
    sequences_.push_back(std::move(s));
  }
}

void Engine::check_fits(const ServedTurn& turn) const {
  if (blocks_of(turn.prompt + turn.tokens) > rules_.blocks) {
    throw DoesNotFit(
        fmt::format("a prompt of {} tokens and an answer of {} need more than the {} blocks that "
                    "there are: give the pool more blocks",
                    turn.prompt, turn.tokens, rules_.blocks));
  }
  if (blocks_of(rules_.reserve) > rules_.blocks) {
    throw DoesNotFit(
        fmt::format("every request reserves {} tokens, and the {} blocks that there are do not "
                    "hold them: give the pool more blocks, or reserve less",
                    rules_.reserve, rules_.blocks));
  }
}

// --- a step --------------------------------------------------------------------------------------

void Engine::decide() {
  bool preempted = true;
  for (plan_.clear(); plan_.empty() && preempted;) {
    budget_ = rules_.max_num_batched_tokens;
    preempted = schedule_running();
    if (!preempted) schedule_waiting();
  }
}

/// Returns whether somebody had to give way.
bool Engine::schedule_running() {
  bool preempted = false;
  for (std::size_t i = 0; i < running_.size() && budget_ > 0; ++i) {
    const std::size_t id = running_[i];
    const Sequence& s = sequences_[id];
    const std::int64_t fresh = std::min(s.known() - s.computed, budget_);
    while (blocks_held(s.computed + fresh) - std::ssize(s.blocks) > blocks_.pool().free_blocks()) {
      const std::size_t victim = running_.back();
      preempt(victim);
      preempted = true;
      if (victim == id) return true;
    }
    schedule(id, fresh);
  }
  return preempted;
}

void Engine::schedule_waiting() {
  const auto decodes = [this](std::size_t id) { return sequences_[id].decodes; };
  if (rules_.lists && std::any_of(running_.begin(), running_.end(), decodes)) return;
  while (!waiting_.empty() && budget_ > 0 && std::ssize(running_) < rules_.max_num_seqs) {
    if (!admit(waiting_.front())) return;
  }
}

/// Lets it run with what can be found of it, unless too few blocks are free.
bool Engine::admit(std::size_t id) {
  Sequence& s = sequences_[id];
  BlockCache& pool = blocks_.pool();
  // One token at least is computed, or there would be nothing to sample from.
  const std::int64_t limit = rules_.keeps ? (s.known() - 1) / rules_.page : 0;
  if (rules_.keeps) name_blocks(s, s.known() / rules_.page);
  std::vector<std::int32_t> hits;
  std::int64_t revived = 0;
  while (std::ssize(hits) < limit) {
    const auto block = pool.find(s.names[hits.size()]);
    if (!block) break;
    hits.push_back(*block);
    revived += pool.held(*block) ? 0 : 1;
  }
  const std::int64_t found = std::ssize(hits);
  const std::int64_t loaded =
      found + blocks_.below(std::span(s.names).first(static_cast<std::size_t>(limit)), found);
  const std::int64_t fresh = std::min(s.known() - loaded * rules_.page, budget_);
  const std::int64_t total = loaded * rules_.page + fresh;
  if (blocks_held(total) - found + revived > pool.free_blocks()) return false;

  waiting_.pop_front();
  running_.push_back(id);
  for (const std::int32_t block : hits) pool.hold(block);
  s.blocks = std::move(hits);
  s.published = found;
  if (s.record.preemptions == 0) {
    s.record.pool_hits = found * rules_.page;
    s.record.tier_hits = (loaded - found) * rules_.page;
    blocks_.looked_up(s.names, found, loaded);
  }
  s.computed = loaded * rules_.page;
  extend(s, s.computed);
  if (loaded > found) blocks_.load(s.names, s.blocks, found, loaded);
  publish(s);
  schedule(id, fresh);
  return true;
}

void Engine::schedule(std::size_t id, std::int64_t fresh) {
  Sequence& s = sequences_[id];
  plan_.push_back({id, fresh});
  budget_ -= fresh;
  s.computed += fresh;
  extend(s, s.computed);
  publish(s);
}

void Engine::extend(Sequence& s, std::int64_t total) {
  while (std::ssize(s.blocks) < blocks_held(total)) s.blocks.push_back(blocks_.take());
}

/// Blocks can be found from when it is decided that they will be full, so that others of the same
/// step share them already.
void Engine::publish(Sequence& s) {
  if (!rules_.keeps) return;
  const std::int64_t full = s.computed / rules_.page;
  name_blocks(s, full);
  for (; s.published < full; ++s.published) {
    const auto i = static_cast<std::size_t>(s.published);
    blocks_.pool().name(s.blocks[i], s.names[i]);
  }
}

void Engine::name_blocks(Sequence& s, std::int64_t count) {
  while (std::ssize(s.names) < count) {
    const auto begin = s.tokens.begin() + std::ssize(s.names) * rules_.page;
    s.names.push_back(
        names_.of(s.names.empty() ? 0 : s.names.back(), {begin, begin + rules_.page}));
  }
}

void Engine::preempt(std::size_t id) {
  Sequence& s = sequences_[id];
  std::erase(running_, id);
  release(s);
  s.computed = 0;
  s.decodes = false;
  ++s.record.preemptions;
  waiting_.push_front(id);
}

/// The last block goes first, so that the tail of a text is evicted before its head.
void Engine::release(Sequence& s) {
  for (; !s.blocks.empty(); s.blocks.pop_back()) blocks_.pool().release(s.blocks.back());
  s.published = 0;
}

ServedStep Engine::describe() const {
  ServedStep step;
  for (const Scheduled& scheduled : plan_) {
    const Sequence& s = sequences_[scheduled.sequence];
    const bool samples = s.computed == s.known();
    step.samples += samples ? 1 : 0;
    if (s.decodes) {
      ++step.decodes;
      step.decode_context += Tokens{s.computed};
    } else {
      step.chunks.push_back({Tokens{scheduled.fresh}, Tokens{s.computed - scheduled.fresh}});
    }
  }
  return step;
}

void Engine::execute(SimTime start) {
  ServedStep step = describe();
  step.start = start;
  step.blocks = blocks_.pool().held_blocks();
  for (const std::size_t id : running_) step.tokens += sequences_[id].computed;
  blocks_.await_loads();
  step.loaded = machine_.now();
  std::vector<SequenceStep> sequences;
  for (const Scheduled& scheduled : plan_) {
    const Sequence& s = sequences_[scheduled.sequence];
    const std::int64_t before = s.computed - scheduled.fresh;
    sequences.push_back({std::span(s.tokens).subspan(static_cast<std::size_t>(before),
                                                     static_cast<std::size_t>(scheduled.fresh)),
                         before, s.blocks});
  }
  const std::vector<std::int32_t> next = machine_.compute(sequences);
  step.end = machine_.now();
  served_.steps.push_back(std::move(step));
  sample(next, served_.steps.back().end);
}

/// Whose last token has been computed gets one more.
void Engine::sample(const std::vector<std::int32_t>& next, SimTime now) {
  std::vector<std::size_t> finished;
  for (std::size_t i = 0; i < plan_.size(); ++i) {
    Sequence& s = sequences_[plan_[i].sequence];
    if (s.computed < s.known()) continue;
    if (s.record.answer.empty()) s.record.first_token = now;
    s.decodes = true;
    s.tokens.push_back(next[i]);
    s.record.answer.push_back(next[i]);
    if (std::ssize(s.record.answer) == s.record.tokens) finished.push_back(plan_[i].sequence);
  }
  for (const std::size_t id : finished) release(sequences_[id]);
  for (const std::size_t id : finished) finish(id, now);
}

void Engine::finish(std::size_t id, SimTime now) {
  Sequence& s = sequences_[id];
  std::erase(running_, id);
  s.record.finished = now;
  said_[s.record.conversation] = std::move(s.tokens);
  queue_.answered(s.record.conversation, now);
  served_.turns.push_back(std::move(s.record));
}

}  // namespace terrace::labs
