#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

/// A slow model of vLLM V1's scheduler and block pool that can be checked by reading it. Tokens are
/// materialised, a block is named by all tokens up to its end, and every choice is a linear scan.
/// The engine under test must agree with it step by step.
namespace terrace::oracle {

/// `tokens` consecutive tokens of one text; token i of a content is the same wherever it occurs.
struct Span {
  std::uint64_t content;
  std::int64_t tokens;
};

/// REQUIRES: a prompt of at least one token, output_tokens >= 1.
struct Request {
  std::int64_t arrival = 0;  ///< picoseconds
  int priority = 0;          ///< lower goes first
  std::vector<Span> prompt;
  std::int64_t output_tokens = 1;
  std::uint64_t output_content = 0;  ///< content of the generated span
};

struct Settings {
  std::int64_t num_blocks = 0;  ///< with the null block: one less is usable
  std::int64_t block_size = 16;
  std::int64_t max_num_seqs = 0;
  std::int64_t max_num_batched_tokens = 0;
  std::int64_t long_prefill_token_threshold = 0;  ///< 0: off
  bool chunked_prefill = true;
  bool prefix_caching = true;
  bool full_prompt_admission = false;  ///< admit only what could be prefilled to the end
  bool priority_policy = false;
  bool partial_blocks_first = true;  ///< reuse freed blocks without a hash before all others
};

struct Step {
  std::int64_t start;
  std::vector<std::pair<std::size_t, std::int64_t>> scheduled;  ///< request, tokens
  std::vector<std::size_t> preempted;
  std::vector<std::pair<std::size_t, std::int64_t>> admitted;  ///< request, prefix-hit tokens
  std::vector<std::size_t> finished;                           ///< at the end of this step
  std::int64_t free_blocks_after;                              ///< once the finished are freed
};

struct Result {
  std::vector<Step> steps;
  std::vector<std::size_t> rejected;
};

/// Serves all requests; every step lasts `step_duration`.
///
/// A pass that schedules nothing is no step. If it preempted (priority policy only: the request
/// served first is its own victim), the scheduler runs again at the same instant, since nothing
/// else would wake it, and the preemptions head the list of the step that follows.
///
/// REQUIRES: requests sorted by arrival, all limits positive.
Result run(const Settings& settings, const std::vector<Request>& requests,
           std::int64_t step_duration);

}  // namespace terrace::oracle
