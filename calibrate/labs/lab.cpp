#include "calibrate/labs/lab.hpp"

#include <algorithm>
#include <cstddef>
#include <deque>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "calibrate/labs/lab_memory.hpp"
#include "calibrate/labs/transformer.hpp"

namespace terrace::labs {
namespace {

/// Tokens of a dialogue when it is over.
std::int64_t length_of(const Dialogue& dialogue) {
  std::int64_t length = 0;
  for (const DialogueTurn& turn : dialogue) {
    length += static_cast<std::int64_t>(turn.says.size()) + turn.answer;
  }
  return length;
}

void check(const LabRules& rules, const std::vector<Dialogue>& dialogues) {
  for (const Dialogue& dialogue : dialogues) {
    if (length_of(dialogue) <= rules.context) continue;
    throw DoesNotFit(fmt::format(
        "a dialogue gets {} tokens long, and the context has {}: enlarge it, or say less",
        length_of(dialogue), rules.context));
  }
}

class Server {
 public:
  Server(const LabRules& rules, const std::vector<Dialogue>& dialogues, kernels::KernelSet& kernels)
      : rules_(rules),
        dialogues_(dialogues),
        model_(rules.shape, rules.pool_blocks, kernels, rules.threads),
        memory_(rules, model_) {
    result_.answers.resize(dialogues.size());
    for (std::size_t d = 0; d < dialogues.size(); ++d) {
      if (!dialogues[d].empty()) waiting_.push_back(LabRequest{d, 0, dialogues[d].front().says});
    }
  }

  LabResult run() {
    {
      const Stopwatch watch(result_.total);
      while (!waiting_.empty() || !running_.empty()) {
        admit();
        make_room();
        step();
      }
    }
    result_.used /= static_cast<double>(std::max<std::int64_t>(result_.step_count, 1));
    result_.transfers = memory_.transfers();
    if (const BlockStore* store = memory_.store()) {
      result_.memory = store->memory();
      result_.file = store->file();
    }
    return std::move(result_);
  }

 private:
  void admit() {
    if (rules_.batching == Batching::lists && !running_.empty()) return;
    while (!waiting_.empty() && static_cast<std::int64_t>(running_.size()) < rules_.most_at_once) {
      // Room for the next token, too: or it would have to leave as soon as that is there.
      if (!memory_.reserve(waiting_.front(), waiting_.front().known() + 1)) break;
      running_.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
      memory_.restore(running_.back());
    }
    if (!running_.empty()) return;
    throw DoesNotFit(fmt::format(
        "there is no room for a text of {} tokens in a pool of {} blocks of {}: enlarge the pool",
        waiting_.front().known(), rules_.pool_blocks, rules_.shape.page));
  }

  /// Who came last has to wait for who came first.
  void make_room() {
    for (std::size_t i = 0; i < running_.size(); ++i) {
      while (i < running_.size() && !memory_.reserve(running_[i], running_[i].known())) {
        memory_.release(running_.back());
        waiting_.push_front(std::move(running_.back()));
        running_.pop_back();
        ++result_.preemptions;
      }
    }
  }

  void step() {
    const std::vector<std::int64_t> fresh = divide_step();
    const std::vector<float> logits =
        rules_.cache == CacheMode::off ? compute_anew() : compute(fresh);
    const std::vector<std::int32_t> next = greedy(logits, rules_.shape.vocabulary);
    std::size_t row = 0;
    for (std::size_t i = 0; i < running_.size(); ++i) {
      if (fresh[i] == 0) continue;
      advance(running_[i], fresh[i]);
      if (running_[i].computed == running_[i].known()) say(running_[i], next[row]);
      ++row;
    }
    ++result_.step_count;
    note_memory();
    end_turns();
  }

  /// New tokens of each: with a cache, all together no more than a step may have.
  std::vector<std::int64_t> divide_step() {
    std::vector<std::int64_t> fresh;
    std::int64_t left = rules_.step_tokens;
    for (LabRequest& request : running_) {
      if (rules_.cache == CacheMode::off) request.computed = 0;
      const std::int64_t wanted = request.known() - request.computed;
      fresh.push_back(rules_.cache == CacheMode::off ? wanted : std::min(wanted, left));
      left -= std::min(left, wanted);
    }
    return fresh;
  }

  std::vector<float> compute(const std::vector<std::int64_t>& fresh) {
    std::vector<SequenceStep> steps;
    for (std::size_t i = 0; i < running_.size(); ++i) {
      if (fresh[i] == 0) continue;
      const LabRequest& request = running_[i];
      const std::span<const std::int32_t> tokens = request.tokens;
      steps.push_back({tokens.subspan(static_cast<std::size_t>(request.computed),
                                      static_cast<std::size_t>(fresh[i])),
                       request.computed, request.blocks});
    }
    std::vector<float> logits = model_.step(steps);
    result_.steps += model_.last_times();
    return logits;
  }

  std::vector<float> compute_anew() {
    std::vector<float> all;
    for (const LabRequest& request : running_) {
      const std::vector<float> logits = model_.logits_without_cache(request.tokens);
      all.insert(all.end(), logits.begin(), logits.end());
      result_.steps += model_.last_times();
    }
    return all;
  }

  void advance(LabRequest& request, std::int64_t fresh) {
    const std::int64_t end = request.computed + fresh;
    result_.computed += fresh;
    result_.recomputed +=
        std::min(end, request.ever_computed) - std::min(request.computed, request.ever_computed);
    request.computed = end;
    request.ever_computed = std::max(request.ever_computed, end);
  }

  void say(LabRequest& request, std::int32_t token) {
    request.tokens.push_back(token);
    result_.answers[request.dialogue].push_back(token);
    ++request.answered;
    ++result_.generated;
  }

  void note_memory() {
    const Bytes reserved = memory_.reserved();
    if (reserved == Bytes{}) return;
    std::int64_t tokens = 0;
    for (const LabRequest& request : running_) tokens += request.computed;
    const Bytes token = Bytes{rules_.shape.block_bytes().count() / rules_.shape.page};
    result_.used += token * tokens / reserved;
    result_.most_reserved = std::max(result_.most_reserved, reserved);
  }

  void end_turns() {
    std::vector<LabRequest> still;
    for (LabRequest& request : running_) {
      const Dialogue& dialogue = dialogues_[request.dialogue];
      if (request.answered < dialogue[request.turn].answer) {
        still.push_back(std::move(request));
        continue;
      }
      memory_.release(request);
      request.answered = 0;
      if (++request.turn == dialogue.size()) continue;
      const std::vector<std::int32_t>& says = dialogue[request.turn].says;
      request.tokens.insert(request.tokens.end(), says.begin(), says.end());
      waiting_.push_back(std::move(request));
    }
    running_ = std::move(still);
  }

  const LabRules& rules_;
  const std::vector<Dialogue>& dialogues_;
  Transformer model_;
  LabMemory memory_;
  std::deque<LabRequest> waiting_;
  std::vector<LabRequest> running_;  // in order of admission
  LabResult result_;
};

}  // namespace

LabResult run_lab(const LabRules& rules, const std::vector<Dialogue>& dialogues,
                  kernels::KernelSet& kernels) {
  check(rules, dialogues);
  return Server(rules, dialogues, kernels).run();
}

}  // namespace terrace::labs
