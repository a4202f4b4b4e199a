#include "sim/workload/trace.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/base/portable_math.hpp"
#include "sim/base/random.hpp"
#include "sim/workload/trace_reader.hpp"

namespace terrace {
namespace {

std::unique_ptr<TraceReader> reader(const TraceInput& input, const TraceSpec& spec,
                                    std::uint64_t seed) {
  return read_trace(input, {spec.format, spec.hash_block, seed});
}

bool within(const TraceSpec& spec, std::uint64_t requests) {
  return !spec.max_requests || requests < static_cast<std::uint64_t>(*spec.max_requests);
}

[[noreturn]] void fail_empty(const TraceReader& trace) {
  trace.lines().fail_file(
      "there is no request in this trace",
      trace.skipped() == 0 ? ""
                           : fmt::format("all {} have failed and were skipped", trace.skipped()));
}

/// From the trace's own time to that of the simulation.
class TraceClock {
 public:
  TraceClock() = default;
  TraceClock(TraceTime origin, double speedup) : origin_(origin), speedup_(speedup) {}

  /// Throws ConfigError, at the request, if its time is more than simulated time can hold.
  [[nodiscard]] Duration at(const TraceRecord& record, const TraceReader& trace) const {
    if (speedup_ == 1) {
      if (const auto exact = elapsed(origin_, record.at)) return *exact;
    } else {
      const double scaled = elapsed_seconds(origin_, record.at) / speedup_ * 1e12;
      if (scaled < 9.2e18) return Duration{std::llround(scaled)};
    }
    trace.lines().fail(record.at_text, "this is beyond the 106 days that a simulation can last",
                       "'speedup' shortens a trace, 'max_requests' ends it");
  }

 private:
  TraceTime origin_;
  double speedup_ = 1;
};

/// Moves requests of one and the same time apart, by looking ahead, on a reader of its own, for
/// how many they are and what time follows. After the last time comes as much as before it.
class Spreader {
 public:
  Spreader(std::unique_ptr<TraceReader> ahead, TraceSpread spread, std::uint64_t seed)
      : ahead_(std::move(ahead)), spread_(spread), random_(seed, "workload/trace/spread") {
    more_ = ahead_->next(record_);
  }

  /// When the next request arrives. To be called for each request in turn.
  Duration next(const TraceClock& clock) {
    if (given_ == size_) look_ahead(clock);
    const std::uint64_t left = size_ - given_;
    const auto i = static_cast<Duration::rep>(given_++);
    if (spread_ == TraceSpread::uniform) {
      const auto size = static_cast<Duration::rep>(size_);
      return start_ + gap_ / size * i + gap_ % size * i / size;
    }
    // The least of the `left` times that are still to come, given that they lie behind the last.
    const double step = portable::pow(random_.uniform_positive(), 1 / static_cast<double>(left));
    behind_ *= step;
    return start_ +
           Duration{static_cast<Duration::rep>(static_cast<double>(gap_.count()) * (1 - behind_))};
  }

 private:
  void look_ahead(const TraceClock& clock) {
    if (!more_) ahead_->lines().fail_file("this trace changed while it was read");
    const TraceTime time = record_.at;
    start_ = clock.at(record_, *ahead_);
    size_ = 0;
    given_ = 0;
    behind_ = 1;
    for (; more_ && record_.at == time; ++size_) more_ = ahead_->next(record_);
    if (more_) gap_ = clock.at(record_, *ahead_) - start_;
  }

  std::unique_ptr<TraceReader> ahead_;
  TraceRecord record_;  // the first one beyond those in hand
  bool more_ = false;

  TraceSpread spread_;
  Random random_;
  std::uint64_t size_ = 0;  // requests of one time, and how many of them were given
  std::uint64_t given_ = 0;
  Duration start_{};
  Duration gap_{};
  double behind_ = 1;  // the part of the gap that lies behind the last time given
};

class TraceWorkload final : public Workload {
 public:
  TraceWorkload(const TraceInput& input, const TraceSpec& spec, std::uint64_t seed)
      : spec_(spec), trace_(reader(input, spec, seed)) {
    double speedup = spec.speedup;
    const bool clients_unknown = trace_->names_clients() && trace_->declared_clients() == nullptr;
    if (input.once && (spec.rate || clients_unknown || spec.spread != TraceSpread::none)) {
      trace_->lines().fail_file("this trace has to be read twice, which a pipe cannot be",
                                "write it into a file first");
    }
    TraceSummary summary;
    if (spec.rate || clients_unknown) summary = summarise_trace(input, spec);
    if (spec.rate) {
      if (!(summary.seconds > 0)) {
        trace_->lines().fail_file("all requests have the same time: there is no rate to change");
      }
      const auto gaps = static_cast<double>(summary.requests - 1);
      speedup = spec.rate->count() * summary.seconds / gaps;
    }
    if (spec.spread != TraceSpread::none) {
      spreader_.emplace(reader(input, spec, seed), spec.spread, seed);
    }
    if (!trace_->next(record_)) fail_empty(*trace_);
    clock_ = TraceClock(trace_->starts_at_first() ? record_.at : TraceTime{}, speedup);
    make_clients(input.name, std::move(summary.clients));
    take();
  }

  [[nodiscard]] const std::vector<Client>& clients() const override { return clients_; }

  std::optional<SimTime> next_time() override {
    if (!ready_ && !over_) {
      if (within(spec_, trace_->requests()) && trace_->next(record_)) {
        take();
      } else {
        over_ = true;
      }
    }
    return ready_ ? std::optional(at_) : std::nullopt;
  }

  void next(Arrival& arrival) override {
    TERRACE_CHECK(ready_);
    arrival.at = at_;
    arrival.client = client_;
    std::swap(arrival.prompt, record_.prompt);
    arrival.output = record_.output;
    arrival.output_content = record_.output_content;
    arrival.ticket = Arrival::kNoTicket;
    arrival.session = record_.session;
    arrival.turn = record_.turn;
    arrival.tool_call = record_.tool_call;
    ready_ = false;
  }

  void left(std::uint32_t, SimTime) override {}

 private:
  /// `names` are those that a trace uses without declaring them; requests without one belong to a
  /// client that is called like the trace.
  void make_clients(const std::string& name, std::vector<std::string> names) {
    if (const std::vector<Client>* declared = trace_->declared_clients()) {
      clients_ = *declared;
      for (std::uint32_t i = 0; i < clients_.size(); ++i) index_.emplace(clients_[i].name, i);
    } else {
      if (!trace_->names_clients()) names.emplace_back();
      for (const std::string& named : names) {
        const std::string shown =
            named.empty() ? std::filesystem::path(name).stem().string() : named;
        const auto next = static_cast<std::uint32_t>(clients_.size());
        const auto [at, is_new] = index_.emplace(shown, next);
        if (is_new) clients_.push_back({shown, 0, {}, {}, {}});
        if (named.empty()) index_.emplace(named, at->second);
      }
    }
    for (Client& client : clients_) {
      if (spec_.priority) client.priority = *spec_.priority;
      if (spec_.slo.ttft) client.ttft_slo = spec_.slo.ttft;
      if (spec_.slo.tpot) client.tpot_slo = spec_.slo.tpot;
    }
  }

  /// Makes the record the next arrival, unless it comes too late.
  void take() {
    const Duration at = spreader_ ? spreader_->next(clock_) : clock_.at(record_, *trace_);
    if (spec_.duration && at >= *spec_.duration) {
      over_ = true;
      return;
    }
    const auto found = index_.find(record_.client);
    if (found == index_.end()) {
      trace_->lines().fail(
          trace_->lines().line(),
          fmt::format("the client {} is not declared at the beginning", quoted(record_.client)));
    }
    client_ = found->second;
    at_ = SimTime{std::max(at, at_.time_since_epoch())};  // rounding must not reverse the order
    ready_ = true;
  }

  TraceSpec spec_;
  std::unique_ptr<TraceReader> trace_;
  std::optional<Spreader> spreader_;
  TraceClock clock_;
  std::vector<Client> clients_;
  std::map<std::string, std::uint32_t, std::less<>> index_;

  TraceRecord record_;
  SimTime at_{};
  std::uint32_t client_ = 0;
  bool ready_ = false;  // record_ is the next arrival
  bool over_ = false;
};

}  // namespace

std::unique_ptr<Workload> open_trace(const TraceSpec& spec, std::uint64_t seed) {
  return open_trace(trace_file(spec.path), spec, seed);
}

std::unique_ptr<Workload> open_trace(const TraceInput& input, const TraceSpec& spec,
                                     std::uint64_t seed) {
  return std::make_unique<TraceWorkload>(input, spec, seed);
}

std::optional<Tokens> trace_hash_block(const TraceInput& input, const TraceSpec& spec) {
  if (input.once) {
    TraceLines(input).fail_file("the size of its blocks cannot be read ahead from a pipe",
                                "write it into a file first, or say the block size");
  }
  return reader(input, spec, 0)->hash_block();
}

TraceSummary summarise_trace(const TraceInput& input, const TraceSpec& spec) {
  const auto trace = reader(input, spec, 0);
  TraceSummary summary;
  TraceRecord record;
  TraceTime first;
  std::set<std::string, std::less<>> seen;
  while (within(spec, trace->requests()) && trace->next(record)) {
    if (trace->requests() == 1) first = record.at;
    summary.seconds = elapsed_seconds(first, record.at);
    summary.spans += record.prompt.size();
    Tokens prompt;
    for (const Span& span : record.prompt) prompt += span.tokens;
    summary.prompt += prompt;
    summary.output += record.output;
    summary.longest_prompt = std::max(summary.longest_prompt, prompt);
    summary.longest_output = std::max(summary.longest_output, record.output);
    if (seen.find(record.client) == seen.end()) {
      seen.emplace(record.client);
      summary.clients.emplace_back(record.client);
    }
  }
  if (trace->requests() == 0) fail_empty(*trace);
  summary.requests = trace->requests();
  summary.skipped = trace->skipped();
  return summary;
}

}  // namespace terrace
