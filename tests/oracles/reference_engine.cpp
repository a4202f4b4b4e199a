#include "tests/oracles/reference_engine.hpp"

#include <algorithm>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <stdexcept>
#include <tuple>

namespace terrace::oracle {
namespace {

using Token = std::pair<std::uint64_t, std::int64_t>;  // content, position in its span
using BlockId = std::int64_t;
using BlockHash = std::int64_t;

std::vector<Token> all_tokens(const Request& request) {
  std::vector<Span> spans = request.prompt;
  spans.push_back({request.output_content, request.output_tokens});
  std::vector<Token> tokens;
  for (const Span& span : spans) {
    for (std::int64_t i = 0; i < span.tokens; ++i) tokens.emplace_back(span.content, i);
  }
  return tokens;
}

/// Numbers whole prefixes: equal hashes if and only if all tokens up to the block's end are equal.
class Hashes {
 public:
  /// The hashes of all full blocks of `tokens`.
  std::vector<BlockHash> of(const std::vector<Token>& tokens, std::int64_t block_size) {
    std::vector<BlockHash> hashes;
    BlockHash parent = 0;
    for (auto rest = tokens.begin(); tokens.end() - rest >= block_size; rest += block_size) {
      std::pair key{parent, std::vector<Token>(rest, rest + block_size)};
      parent = known_.emplace(std::move(key), std::ssize(known_) + 1).first->second;
      hashes.push_back(parent);
    }
    return hashes;
  }

 private:
  std::map<std::pair<BlockHash, std::vector<Token>>, BlockHash> known_;
};

class Pool {
 public:
  Pool(std::int64_t num_blocks, bool partial_blocks_first)
      : partial_blocks_first_(partial_blocks_first) {
    for (BlockId id = 1; id < num_blocks; ++id) {
      blocks_[id] = Block{};
      free_queue_.push_back(id);
    }
  }

  [[nodiscard]] std::int64_t num_free() const { return std::ssize(free_queue_); }
  [[nodiscard]] std::int64_t references(BlockId id) const { return blocks_.at(id).ref_cnt; }

  /// The oldest copy of every block of the longest cached prefix of `hashes`.
  [[nodiscard]] std::vector<BlockId> lookup(const std::vector<BlockHash>& hashes) const {
    std::vector<BlockId> hits;
    for (BlockHash hash : hashes) {
      const auto copies = cached_.find(hash);
      if (copies == cached_.end()) break;
      hits.push_back(copies->second.front());
    }
    return hits;
  }

  void touch(BlockId id) {
    if (blocks_.at(id).ref_cnt++ == 0) free_queue_.remove(id);
  }

  BlockId allocate() {
    const BlockId id = free_queue_.front();
    free_queue_.pop_front();
    Block& block = blocks_.at(id);
    block.ref_cnt = 1;
    if (block.hash) {
      std::vector<BlockId>& copies = cached_.at(*block.hash);
      std::erase(copies, id);
      if (copies.empty()) cached_.erase(*block.hash);
      block.hash.reset();
    }
    return id;
  }

  void register_hash(BlockId id, BlockHash hash) {
    blocks_.at(id).hash = hash;
    cached_[hash].push_back(id);
  }

  /// Last block first, so that the end of a sequence is evicted before its prefix.
  void release(std::vector<BlockId> held) {
    std::reverse(held.begin(), held.end());
    for (BlockId id : held) {
      Block& block = blocks_.at(id);
      if (--block.ref_cnt > 0) continue;
      if (partial_blocks_first_ && !block.hash) {
        free_queue_.push_front(id);
      } else {
        free_queue_.push_back(id);
      }
    }
  }

 private:
  struct Block {
    std::int64_t ref_cnt = 0;
    std::optional<BlockHash> hash;
  };

  bool partial_blocks_first_;
  std::map<BlockId, Block> blocks_;
  std::list<BlockId> free_queue_;  // all blocks without a reference, the next victim first
  std::map<BlockHash, std::vector<BlockId>> cached_;  // the copies, in order of registration
};

struct Sequence {
  std::vector<BlockHash> hashes;  // of prompt and all outputs, also those still to come
  std::int64_t num_tokens = 0;    // prompt and outputs so far
  std::int64_t total_tokens = 0;  // prompt and all outputs
  std::int64_t computed = 0;
  std::vector<BlockId> blocks;
  std::int64_t registered = 0;  // so many leading blocks are in the prefix cache
};

enum class Phase { running, waiting };

class Engine {
 public:
  Engine(const Settings& settings, const std::vector<Request>& requests)
      : settings_(settings),
        requests_(requests),
        pool_(settings.num_blocks, settings.partial_blocks_first),
        sequences_(requests.size()) {}

  Result run(std::int64_t step_duration) {
    std::int64_t now = 0;
    std::vector<std::size_t> preempted;  // by passes that scheduled nothing
    for (;;) {
      while (arrived_ < requests_.size() && requests_[arrived_].arrival <= now) arrive(arrived_++);
      Step step{.start = now,
                .scheduled = {},
                .preempted = {},
                .admitted = {},
                .finished = {},
                .free_blocks_after = 0};
      schedule(step);
      preempted.insert(preempted.end(), step.preempted.begin(), step.preempted.end());
      if (!step.scheduled.empty()) {
        complete(step);
        check();
        step.preempted = std::exchange(preempted, {});
        result_.steps.push_back(std::move(step));
        now += step_duration;
      } else if (step.preempted.empty()) {
        if (arrived_ == requests_.size()) break;
        now = requests_[arrived_].arrival;
      }
    }
    if (!running_.empty() || !waiting_.empty()) throw std::logic_error("requests are stuck");
    return std::move(result_);
  }

 private:
  [[nodiscard]] std::int64_t num_blocks(std::int64_t tokens) const {
    return (tokens + settings_.block_size - 1) / settings_.block_size;
  }

  void arrive(std::size_t r) {
    const Request& request = requests_[r];
    Sequence& sequence = sequences_[r];
    for (const Span& span : request.prompt) sequence.num_tokens += span.tokens;
    sequence.total_tokens = sequence.num_tokens + request.output_tokens;
    // Without chunks, a preempted request must be able to recompute all it had in one step.
    if (num_blocks(sequence.total_tokens) > settings_.num_blocks - 1 ||
        (!settings_.chunked_prefill && sequence.total_tokens > settings_.max_num_batched_tokens)) {
      result_.rejected.push_back(r);
      return;
    }
    sequence.hashes = hashes_.of(all_tokens(request), settings_.block_size);
    waiting_.push_back(r);
  }

  void schedule(Step& step) {
    std::int64_t budget = settings_.max_num_batched_tokens;
    schedule_running(step, budget);
    if (step.preempted.empty()) schedule_waiting(step, budget);
    for (const auto& [r, n] : step.scheduled) sequences_[r].computed += n;
  }

  void schedule_running(Step& step, std::int64_t& budget) {
    std::size_t i = 0;
    while (i < running_.size() && budget > 0) {
      const std::size_t r = running_[i];
      const std::int64_t missing = sequences_[r].num_tokens - sequences_[r].computed;
      const std::int64_t n = std::min(capped(missing), budget);
      bool allocated = allocate_slots(r, n, {}, Phase::running);
      while (!allocated) {
        const std::size_t v = victim();
        const auto scheduled = std::find_if(step.scheduled.begin(), step.scheduled.end(),
                                            [v](const auto& entry) { return entry.first == v; });
        if (scheduled != step.scheduled.end()) {
          budget += scheduled->second;
          step.scheduled.erase(scheduled);
          --i;
        }
        preempt(v);
        step.preempted.push_back(v);
        if (v == r) break;
        allocated = allocate_slots(r, n, {}, Phase::running);
      }
      if (!allocated) break;
      step.scheduled.emplace_back(r, n);
      budget -= n;
      ++i;
    }
  }

  void schedule_waiting(Step& step, std::int64_t& budget) {
    while (!waiting_.empty() && budget > 0 && std::ssize(running_) < settings_.max_num_seqs) {
      const std::size_t r = next_waiting();
      const std::vector<BlockId> hits = prefix_hits(r);
      const std::int64_t hit_tokens = std::ssize(hits) * settings_.block_size;
      std::int64_t n = capped(sequences_[r].num_tokens - hit_tokens);
      if (!settings_.chunked_prefill && n > budget) break;
      n = std::min(n, budget);
      if (!allocate_slots(r, n, hits, Phase::waiting)) break;
      std::erase(waiting_, r);
      running_.push_back(r);
      step.admitted.emplace_back(r, hit_tokens);
      step.scheduled.emplace_back(r, n);
      budget -= n;
    }
  }

  [[nodiscard]] std::int64_t capped(std::int64_t n) const {
    const std::int64_t threshold = settings_.long_prefill_token_threshold;
    return threshold > 0 ? std::min(n, threshold) : n;
  }

  /// The last token is never taken from the cache: computing it gives the next one.
  [[nodiscard]] std::vector<BlockId> prefix_hits(std::size_t r) const {
    if (!settings_.prefix_caching) return {};
    const Sequence& sequence = sequences_[r];
    const auto end = sequence.hashes.begin() + (sequence.num_tokens - 1) / settings_.block_size;
    return pool_.lookup({sequence.hashes.begin(), end});
  }

  bool allocate_slots(std::size_t r, std::int64_t n, const std::vector<BlockId>& hits,
                      Phase phase) {
    Sequence& sequence = sequences_[r];
    const std::int64_t held = std::ssize(sequence.blocks) + std::ssize(hits);
    const std::int64_t revived = std::count_if(
        hits.begin(), hits.end(), [this](BlockId id) { return pool_.references(id) == 0; });
    const auto fits = [&](std::int64_t tokens) {
      return num_blocks(tokens) - held + revived <= pool_.num_free();
    };
    const std::int64_t target =
        sequence.computed + std::ssize(hits) * settings_.block_size + n;  // tokens with a slot
    if (!fits(target)) return false;
    if (phase == Phase::waiting && settings_.full_prompt_admission && !fits(sequence.num_tokens)) {
      return false;
    }

    // Hits leave the free queue before new blocks are taken from it.
    for (BlockId id : hits) {
      pool_.touch(id);
      sequence.blocks.push_back(id);
      ++sequence.registered;
    }
    sequence.computed += std::ssize(hits) * settings_.block_size;
    while (std::ssize(sequence.blocks) < num_blocks(target)) {
      sequence.blocks.push_back(pool_.allocate());
    }
    // Registered when scheduled, not when computed: a later request of this step may hit.
    while (settings_.prefix_caching && sequence.registered < target / settings_.block_size) {
      const auto i = static_cast<std::size_t>(sequence.registered++);
      pool_.register_hash(sequence.blocks[i], sequence.hashes[i]);
    }
    return true;
  }

  /// Smaller is served earlier and preempted later.
  [[nodiscard]] auto rank(std::size_t r) const {
    return std::tuple(requests_[r].priority, requests_[r].arrival, r);
  }

  [[nodiscard]] std::size_t next_waiting() const {
    if (!settings_.priority_policy) return waiting_.front();
    return *std::min_element(waiting_.begin(), waiting_.end(),
                             [this](auto a, auto b) { return rank(a) < rank(b); });
  }

  [[nodiscard]] std::size_t victim() const {
    if (!settings_.priority_policy) return running_.back();
    return *std::max_element(running_.begin(), running_.end(),
                             [this](auto a, auto b) { return rank(a) < rank(b); });
  }

  void preempt(std::size_t r) {
    leave(r);
    sequences_[r].computed = 0;
    waiting_.push_front(r);
  }

  void leave(std::size_t r) {
    std::erase(running_, r);
    pool_.release(std::exchange(sequences_[r].blocks, {}));
    sequences_[r].registered = 0;
  }

  /// Whoever has computed all its tokens samples one more.
  void complete(Step& step) {
    for (const auto& [r, n] : step.scheduled) {
      Sequence& sequence = sequences_[r];
      if (sequence.computed < sequence.num_tokens) continue;
      if (++sequence.num_tokens < sequence.total_tokens) continue;
      leave(r);
      step.finished.push_back(r);
    }
    step.free_blocks_after = pool_.num_free();
  }

  /// The pool's references must be those that the sequences hold.
  void check() const {
    std::map<BlockId, std::int64_t> references;
    for (const Sequence& sequence : sequences_) {
      if (!sequence.blocks.empty() &&
          std::ssize(sequence.blocks) != num_blocks(sequence.computed)) {
        throw std::logic_error("a sequence holds blocks that it does not fill");
      }
      for (BlockId id : sequence.blocks) ++references[id];
    }
    for (const auto& [id, count] : references) {
      if (pool_.references(id) != count) throw std::logic_error("a reference count is off");
    }
    if (pool_.num_free() + std::ssize(references) != settings_.num_blocks - 1) {
      throw std::logic_error("a block is lost");
    }
  }

  const Settings& settings_;
  const std::vector<Request>& requests_;
  Hashes hashes_;
  Pool pool_;
  std::vector<Sequence> sequences_;
  std::deque<std::size_t> waiting_;
  std::deque<std::size_t> running_;  // in order of admission
  std::size_t arrived_ = 0;
  Result result_;
};

}  // namespace

Result run(const Settings& settings, const std::vector<Request>& requests,
           std::int64_t step_duration) {
  return Engine(settings, requests).run(step_duration);
}

}  // namespace terrace::oracle
