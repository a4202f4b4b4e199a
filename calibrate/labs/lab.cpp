#include "calibrate/labs/lab.hpp"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "calibrate/labs/patient_machine.hpp"
#include "calibrate/labs/transformer.hpp"

namespace terrace::labs {
namespace {

/// Tokens of a dialogue when it is over.
std::int64_t length_of(const Conversation& dialogue) {
  std::int64_t length = 0;
  for (const Turn& turn : dialogue) {
    for (const Span& text : turn.says) length += text.tokens.count();
    length += turn.answer;
  }
  return length;
}

void check(const LabRules& rules, const std::vector<Conversation>& dialogues) {
  const std::int64_t longest = longest_of(dialogues);
  if (longest <= rules.context) return;
  throw DoesNotFit(
      fmt::format("a dialogue gets {} tokens long, and the context has {}: enlarge it, or say less",
                  longest, rules.context));
}

EngineRules engine_rules(const LabRules& rules) {
  EngineRules engine;
  engine.page = rules.shape.page;
  engine.blocks = rules.pool_blocks;
  engine.max_num_seqs = rules.most_at_once;
  engine.max_num_batched_tokens = rules.step_tokens;
  engine.vocabulary = rules.shape.vocabulary;
  engine.keeps = rules.cache == CacheMode::tiered;
  if (rules.cache == CacheMode::tiered) engine.tiers = rules.tiers;
  if (rules.cache == CacheMode::contiguous) engine.reserve = rules.context;
  engine.lists = rules.batching == Batching::lists;
  return engine;
}

void add_step(LabResult& result, const ServedStep& step, std::int64_t page) {
  ++result.step_count;
  result.computed += step.decodes;  // a token each
  for (const PrefillChunk& chunk : step.chunks) result.computed += chunk.fresh.count();
  result.moves += step.loaded - step.start;
  result.used += static_cast<double>(step.tokens) / static_cast<double>(step.blocks * page);
}

LabResult serve(const LabRules& rules, const std::vector<Conversation>& dialogues,
                Transformer& model) {
  const EngineRules engine = engine_rules(rules);
  RealMachine real(model, engine.tiers, rules.file);
  PatientMachine machine(real);
  LabResult result;
  result.answers.resize(dialogues.size());
  Served served;
  real.restart();
  {
    const Stopwatch watch(result.total);
    served = Engine(engine, dialogues, machine).run();
  }
  for (const ServedStep& step : served.steps) add_step(result, step, engine.page);
  for (const ServedTurn& turn : served.turns) {
    auto& answers = result.answers[turn.conversation];
    answers.insert(answers.end(), turn.answer.begin(), turn.answer.end());
  }
  result.used /= static_cast<double>(std::max<std::int64_t>(result.step_count, 1));
  result.moves += machine.waited();
  result.steps = real.times();
  result.most_reserved = rules.shape.block_bytes() * served.peak_blocks;
  result.tiers = served.tiers;
  return result;
}

void answer_anew(LabResult& result, std::vector<std::int32_t>& text,
                 std::vector<std::int32_t>& answers, Transformer& model, std::int64_t tokens) {
  for (; tokens > 0; --tokens) {
    const std::vector<float> logits = model.logits_without_cache(text);
    result.steps += model.last_times();
    result.computed += std::ssize(text);
    ++result.step_count;
    text.push_back(greedy(logits, model.shape().vocabulary).front());
    answers.push_back(text.back());
  }
}

LabResult without_cache(const std::vector<Conversation>& dialogues, Transformer& model) {
  LabResult result;
  result.answers.resize(dialogues.size());
  const Stopwatch watch(result.total);
  for (std::size_t d = 0; d < dialogues.size(); ++d) {
    std::vector<std::int32_t> text;
    for (const Turn& turn : dialogues[d]) {
      for (const Span& says : turn.says) {
        const auto tokens = tokens_of(says, model.shape().vocabulary);
        text.insert(text.end(), tokens.begin(), tokens.end());
      }
      answer_anew(result, text, result.answers[d], model, turn.answer);
    }
  }
  return result;
}

}  // namespace

std::int64_t longest_of(const std::vector<Conversation>& dialogues) {
  std::int64_t longest = 0;
  for (const Conversation& dialogue : dialogues) longest = std::max(longest, length_of(dialogue));
  return longest;
}

std::int64_t least_blocks(const LabRules& rules, const std::vector<Conversation>& dialogues) {
  if (rules.cache == CacheMode::off) return 0;
  const std::int64_t reserved = rules.cache == CacheMode::contiguous ? rules.context : 0;
  return rules.shape.blocks_for(std::max(longest_of(dialogues), reserved));
}

LabResult run_lab(const LabRules& rules, const std::vector<Conversation>& dialogues,
                  kernels::KernelSet& kernels) {
  check(rules, dialogues);
  Transformer model(rules.shape, rules.pool_blocks, kernels, rules.threads);
  LabResult result = rules.cache == CacheMode::off ? without_cache(dialogues, model)
                                                   : serve(rules, dialogues, model);
  result.recomputed = result.computed;
  for (std::size_t d = 0; d < dialogues.size(); ++d) {
    result.generated += std::ssize(result.answers[d]);
    // Once is needed for all but the very last token, which nothing follows.
    result.recomputed -= std::max<std::int64_t>(length_of(dialogues[d]) - 1, 0);
  }
  return result;
}

}  // namespace terrace::labs
