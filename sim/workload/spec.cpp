#include "sim/workload/spec.hpp"

#include <algorithm>
#include <limits>

#include "sim/workload/content.hpp"

namespace terrace {
namespace {

using config::at_least;
using config::between;
using config::kFraction;
using config::kNotNegative;
using config::kPositive;

constexpr config::Limits kTextLength = between(1, static_cast<double>(kLongestText.count()));
constexpr config::Limits kMeanLength{0, static_cast<double>(kLongestText.count()), true};
constexpr config::Limits kVariation = between(0, 1000);
constexpr config::Limits kZipfExponent = between(0, 20);
constexpr config::Limits kPopulation = between(1, 1e12);

void describe_lognormal(config::Fields& f, LengthSpec& length) {
  f.field("mean", length.mean, "mean length", kMeanLength);
  f.field("cv", length.cv, "standard deviation / mean", kVariation);
  f.field("p50", length.p50, "median length; with p99, instead of mean and cv", kMeanLength);
  f.field("p99", length.p99, "length that one text in a hundred exceeds", kMeanLength);
  const bool by_moments = length.mean && length.cv && !length.p50 && !length.p99;
  const bool by_quantiles = !length.mean && !length.cv && length.p50 && length.p99;
  f.check(by_moments || by_quantiles, "distribution",
          "lognormal lengths need either mean and cv, or p50 and p99");
  f.check(!by_quantiles || *length.p50 <= *length.p99, "p99", "p99 is below p50");
}

void describe_histogram(config::Fields& f, LengthSpec& length) {
  f.values("values", length.values, "the lengths that occur", true, kTextLength);
  f.values("weights", length.weights, "how often each of them does, in any unit", true,
           between(0, 1e300));
  f.check(length.values.size() == length.weights.size(), "weights",
          "weights and values differ in number");
  double total = 0;
  for (const double weight : length.weights) total += weight;
  f.check(total > 0 && total < std::numeric_limits<double>::infinity(), "weights",
          "weights must have a positive, finite sum");
}

void describe_on_off(config::Fields& f, ArrivalSpec& arrivals) {
  f.required("rate_on", arrivals.rate_on, "rate while on", kPositive);
  f.field("rate_off", arrivals.rate_off, "rate while off; 0 for silence", kNotNegative);
  f.required("mean_on", arrivals.mean_on, "mean of the exponential time on", kPositive);
  f.required("mean_off", arrivals.mean_off, "mean of the exponential time off", kPositive);
}

void describe_diurnal(config::Fields& f, ArrivalSpec& arrivals) {
  f.required("rate", arrivals.rate, "mean rate over a period", kPositive);
  f.required("amplitude", arrivals.amplitude, "swing of the rate, as a part of its mean",
             kFraction);
  f.required("period", arrivals.period, "time from peak to peak", kPositive);
  f.field("phase", arrivals.phase, "where in a period time 0 is: 0 rising, 0.25 at the peak",
          kFraction);
}

void describe_closed_loop(config::Fields& f, ArrivalSpec& arrivals) {
  f.required("users", arrivals.users, "users, each with one request or conversation at a time",
             between(1, 1e6));
  f.object("think", arrivals.think,
           "pause from the end of a user's request, or conversation, to the next one", true);
  f.field("ramp", arrivals.ramp, "users begin evenly spread over this time; 0: all at once");
}

void describe_conversation(config::Fields& f, ContentSpec& content) {
  f.object("turns", content.turns, "turns of a conversation, at most 4096", true);
  f.object("think", content.think, "pause from the end of a turn to the next one", true);
  f.object("system", content.system, "system prompts; a conversation begins with one of them");
  f.field("max_context", content.max_context,
          "a conversation ends rather than let prompt and output of a turn exceed this",
          at_least(2));
  f.field("tool_calls", content.tool_calls,
          "the pauses are tools at work, not people thinking: every answer but the last calls one");
}

void describe_rag(config::Fields& f, ContentSpec& content) {
  f.required("documents", content.documents, "documents that there are", kPopulation);
  f.object("length", content.document_length, "length of a document, which never changes", true);
  f.required("documents_per_request", content.documents_per_request,
             "different documents in a prompt, in the order they were drawn", between(1, 1000));
  f.field("popularity", content.popularity, "Zipf exponent of the draw; 0: all alike",
          kZipfExponent);
  f.object("system", content.system, "system prompts; a prompt begins with one of them");
  f.check(content.documents_per_request <= content.documents, "documents_per_request",
          "a prompt cannot hold more different documents than there are");
}

bool finite(const WorkloadSpec& workload) {
  return workload.max_requests || workload.duration ||
         std::all_of(workload.clients.begin(), workload.clients.end(),
                     [](const ClientSpec& client) { return client.max_requests.has_value(); });
}

}  // namespace

void describe(config::Fields& f, GapSpec& gap) {
  f.variant(
      "distribution", gap.distribution, "how pauses vary",
      [&] {
        if (gap.distribution == GapDistribution::constant) {
          f.required("value", gap.mean, "the pause", kNotNegative);
          return;
        }
        f.required("mean", gap.mean, "mean pause", kPositive);
        if (gap.distribution == GapDistribution::lognormal) {
          f.required("cv", gap.cv, "standard deviation / mean", kVariation);
        }
      },
      true);
}

void describe(config::Fields& f, ClipSpec& clip) {
  f.field("min", clip.min, "shorter lengths become this", kTextLength);
  f.field("max", clip.max, "longer lengths become this", kTextLength);
  f.check(clip.min <= clip.max, "max", "max is below min");
}

void describe(config::Fields& f, LengthSpec& length) {
  const auto range = [&] {
    f.required("min", length.min, "least length", kTextLength);
    f.required("max", length.max, "greatest length", kTextLength);
    f.check(length.min <= length.max, "max", "max is below min");
  };
  const auto keys = [&] {
    switch (length.distribution) {
      case LengthDistribution::constant:
        return f.required("value", length.value, "the length", kTextLength);
      case LengthDistribution::uniform:
        return range();
      case LengthDistribution::lognormal:
        return describe_lognormal(f, length);
      case LengthDistribution::normal:
        f.required("mean", length.mean, "mean length, before rounding and clamping", kMeanLength);
        return f.required("stddev", length.stddev, "standard deviation", kNotNegative);
      case LengthDistribution::zipf:
        range();
        return f.required("exponent", length.exponent,
                          "min + i has a weight of (i + 1)^-exponent: short lengths are common",
                          kZipfExponent);
      case LengthDistribution::histogram:
        return describe_histogram(f, length);
    }
  };
  f.variant("distribution", length.distribution, "how lengths vary", keys, true);
  f.object("clip", length.clip, "bounds to which lengths are clamped");
}

void describe(config::Fields& f, ArrivalSpec& arrivals) {
  const auto keys = [&] {
    switch (arrivals.process) {
      case ArrivalLaw::poisson:
        return f.required("rate", arrivals.rate, "mean rate", kPositive);
      case ArrivalLaw::deterministic:
        return f.required("rate", arrivals.rate, "one arrival every 1 / rate, from time 0 on",
                          kPositive);
      case ArrivalLaw::gamma:
        f.required("rate", arrivals.rate, "mean rate", kPositive);
        return f.required("cv", arrivals.cv,
                          "standard deviation / mean of the gaps: 1 is poisson, above is bursty",
                          between(0.01, 100));
      case ArrivalLaw::on_off:
        return describe_on_off(f, arrivals);
      case ArrivalLaw::diurnal:
        return describe_diurnal(f, arrivals);
      case ArrivalLaw::closed_loop:
        return describe_closed_loop(f, arrivals);
    }
  };
  f.variant("process", arrivals.process, "what makes requests arrive", keys, true);
}

void describe(config::Fields& f, SystemPromptSpec& system) {
  f.field("prompts", system.prompts, "system prompts that there are", kPopulation);
  f.object("length", system.length, "length of a system prompt, which never changes", true);
  f.field("popularity", system.popularity, "Zipf exponent of the choice; 0: all alike",
          kZipfExponent);
}

void describe(config::Fields& f, ContentSpec& content) {
  const auto keys = [&] {
    switch (content.kind) {
      case ContentLaw::unique:
        return;
      case ContentLaw::shared_prefix:
        return describe(f, content.prefix);
      case ContentLaw::conversation:
        return describe_conversation(f, content);
      case ContentLaw::rag:
        return describe_rag(f, content);
    }
  };
  f.variant("kind", content.kind, "what prompts share", keys);
}

void describe(config::Fields& f, SloSpec& slo) {
  f.field("ttft", slo.ttft, "bound on the time to the first token", kPositive);
  f.field("tpot", slo.tpot, "bound on the mean time per token after the first", kPositive);
}

void describe(config::Fields& f, RetentionSpec& retention) {
  f.field("from", retention.from, "first token of the text that the rule is for", kNotNegative);
  f.field("to", retention.to, "first token behind it; the end of the answer if left out");
  f.required("priority", retention.priority, "which blocks go first: 0, which last: 100",
             between(0, 100));
  f.field("duration", retention.duration,
          "from a block's last use until it counts as ordinary (35); 0: for ever", kNotNegative);
  f.check(retention.from < retention.to, "to", "the range is empty");
}

void describe(config::Fields& f, ClientSpec& client) {
  f.required("name", client.name, "what results call it; also names its random streams");
  f.check(!client.name.empty(), "name", "a client needs a name");
  f.field("priority", client.priority, "lower is served first under a priority scheduler");
  f.object("slo", client.slo, "what its users were promised");
  f.field("max_requests", client.max_requests, "requests of this client, turns included",
          at_least(1));
  f.object("arrivals", client.arrivals, "when its requests, or conversations, arrive", true);
  f.object("prompt", client.prompt,
           "text new in each request: after what its content shares, or per turn", true);
  f.object("output", client.output, "generated text", true);
  f.object("content", client.content, "what its prompts have in common");
  f.list("retention", client.retention,
         "how much parts of its texts matter to the eviction policy 'priority' (TensorRT-LLM)");
}

void describe(config::Fields& f, WorkloadSpec& workload) {
  f.list("clients", workload.clients, "who sends requests", true);
  f.field("max_requests", workload.max_requests, "requests of all clients, turns included",
          at_least(1));
  f.field("duration", workload.duration, "requests arrive before this time only", kPositive);

  const std::size_t count = workload.clients.size();
  f.check(count >= 1 && count <= kMaxClients, "clients", "a workload has 1 to 4095 clients");
  std::vector<std::string_view> names;
  for (const ClientSpec& client : workload.clients) names.emplace_back(client.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  f.check(twice == names.end(), "clients",
          twice == names.end() ? std::string()
                               : "two clients are called '" + std::string(*twice) + "'");
  f.check(finite(workload), "duration", "the workload never ends",
          "give duration or max_requests, here or in each client");
}

}  // namespace terrace
