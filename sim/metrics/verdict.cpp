#include "sim/metrics/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace terrace {
namespace {

constexpr double kGrowth = 2;       // of the queue, first third to last
constexpr double kLongQueue = 0.5;  // seconds
constexpr double kMostOfTtft = 0.5;

double part(const Summary& s, TtftPart which) {
  return s.ttft_parts[static_cast<std::size_t>(which)];
}

double mean_ttft(const Summary& s) {
  double sum = 0;
  for (const double seconds : s.ttft_parts) sum += seconds;
  return sum;
}

TtftPart largest_part(const Summary& s) {
  // Of equals, compute: an empty system waits for nothing else.
  TtftPart largest = TtftPart::prefill;
  for (const TtftPart p : {TtftPart::queue, TtftPart::kv_load, TtftPart::other}) {
    if (part(s, p) > part(s, largest)) largest = p;
  }
  return largest;
}

/// Time that all replicas together were there.
double replica_seconds(const Summary& s) {
  return seconds(s.duration) * static_cast<double>(s.replicas);
}

std::string percent(double part, double whole) {
  return fmt::format("{:.0f} %", whole > 0 ? 100 * part / whole : 0.0);
}

std::string gpus_busy(const Summary& s) {
  return "GPUs busy " + percent(seconds(s.busy - s.stalled), replica_seconds(s));
}

std::string kv_in_use(const Summary& s) {
  if (s.tiers.empty()) return "no KV";
  const TierSummary& hbm = s.tiers.front();
  return percent(hbm.mean_held, static_cast<double>(hbm.capacity.count()));
}

std::string queue_waited(const Summary& s, Wait why, const char* for_what) {
  return "the queue waited " +
         percent(s.wait_seconds[static_cast<std::size_t>(why)], replica_seconds(s)) +
         " of the time for " + for_what;
}

/// What loads queue for most; of what nothing queues for, the busiest.
const LinkReport* slowest_link(const Summary& s) {
  const LinkReport* slowest = nullptr;
  for (std::size_t i = 0; i < s.links.size(); ++i) {
    const LinkReport& link = s.links[i];
    const bool writes_only = i < s.writes_only.size() && s.writes_only[i];
    if (link.transfers == 0 || writes_only) continue;
    if (slowest == nullptr || link.queueing > slowest->queueing ||
        (link.queueing == slowest->queueing && link.utilisation > slowest->utilisation)) {
      slowest = &link;
    }
  }
  return slowest;
}

struct Limit {
  std::string name;
  std::string reason;
  std::string advice;  // empty: none is needed
};

Limit by_compute(const Summary& s) {
  return {"compute", gpus_busy(s) + ", KV in use " + kv_in_use(s),
          "more or faster GPUs, or fewer tokens per request"};
}

Limit by_memory(const Summary& s, const std::string& reason) {
  return {"HBM capacity", reason + ", KV in use " + kv_in_use(s),
          "more GPU memory, or fewer tokens per request"};
}

Limit by_queue(const Summary& s) {
  Wait longest = Wait::nothing;
  double most = 0;
  for (const Wait why : {Wait::budget, Wait::seats, Wait::blocks}) {
    const double waited = s.wait_seconds[static_cast<std::size_t>(why)];
    if (waited <= most) continue;
    most = waited;
    longest = why;
  }
  if (longest == Wait::blocks) return by_memory(s, queue_waited(s, longest, "KV blocks"));
  if (longest == Wait::seats) {
    return {
        "max_num_seqs",
        queue_waited(s, longest, "a seat") + ", KV in use " + kv_in_use(s) + ", " + gpus_busy(s),
        "a larger max_num_seqs, or more replicas"};
  }
  return by_compute(s);
}

Limit by_load(const Summary& s) {
  const LinkReport* link = slowest_link(s);
  if (link == nullptr) return by_compute(s);
  const double each = link->queueing.count() / static_cast<double>(link->transfers);
  return {link->name,
          fmt::format("KV loads take {} of mean TTFT; busy {}, queueing {:.3g} ms per transfer",
                      percent(part(s, TtftPart::kv_load), mean_ttft(s)),
                      percent(link->utilisation, 1), each * 1e3),
          "a faster one, more of them, or a nearer tier that holds more"};
}

Limit limit_of(const Summary& s, TtftPart largest) {
  switch (largest) {
    case TtftPart::queue:
      return by_queue(s);
    case TtftPart::kv_load:
      return by_load(s);
    case TtftPart::prefill:
      return by_compute(s);
    case TtftPart::other:
      return by_memory(s, "requests lost their KV blocks before their first token");
  }
  return {};
}

Verdict::State state_of(const Summary& s, TtftPart largest) {
  const double queue = part(s, TtftPart::queue);
  const bool waits = largest == TtftPart::queue || largest == TtftPart::kv_load;
  if (waits && s.queue_late > kLongQueue && s.queue_late > kGrowth * s.queue_early) {
    return Verdict::State::overloaded;
  }
  return queue > kMostOfTtft * mean_ttft(s) ? Verdict::State::backlogged : Verdict::State::stable;
}

std::string count_of(std::int64_t count, const char* what) {
  return fmt::format("; {} {}{}", count, what, count == 1 ? "" : "s");
}

bool has_slo(const Summary& s) {
  return std::any_of(s.clients.begin(), s.clients.end(),
                     [](const ClientSummary& c) { return c.ttft_slo || c.tpot_slo; });
}

Verdict idle(const Summary& s) {
  Verdict v{Verdict::State::idle, "none", "IDLE: "};
  if (s.came == 0) {
    v.sentence += "no requests came";
  } else {
    v.sentence += fmt::format("none of {} requests completed", s.came);
    if (s.all.rejected > 0) {
      v.limit = "HBM capacity";
      const auto too_long = static_cast<std::size_t>(Rejection::exceeds_max_model_len);
      const std::int64_t longer = s.rejections.size() > too_long ? s.rejections[too_long] : 0;
      if (longer * 2 > s.all.rejected) v.limit = "max_model_len";
      v.sentence += fmt::format("; {} rejected: longer than {}", s.all.rejected,
                                v.limit == "max_model_len" ? "max_model_len" : "the KV cache");
    }
  }
  return v;
}

}  // namespace

const char* name_of(Verdict::State state) {
  switch (state) {
    case Verdict::State::idle:
      return "IDLE";
    case Verdict::State::stable:
      return "STABLE";
    case Verdict::State::backlogged:
      return "BACKLOGGED";
    case Verdict::State::overloaded:
      return "OVERLOADED";
  }
  return "";
}

Verdict judge(const Summary& s) {
  if (s.all.completed == 0) return idle(s);
  const TtftPart largest = largest_part(s);
  const Limit limit = limit_of(s, largest);
  Verdict v{state_of(s, largest), limit.name, name_of(state_of(s, largest))};
  if (v.state == Verdict::State::stable) {
    v.sentence += ": first limit is " + limit.name + " (" + limit.reason + ")";
  } else {
    v.sentence += ": " + limit.name + ": " + limit.reason + "; " + limit.advice;
  }
  if (has_slo(s) && s.all.good * 10 < s.all.completed * 9) {
    v.sentence += "; SLO met by " +
                  percent(static_cast<double>(s.all.good), static_cast<double>(s.all.completed));
  }
  if (s.preemptions > 0) v.sentence += count_of(s.preemptions, "preemption");
  if (s.all.rejected > 0) v.sentence += count_of(s.all.rejected, "request") + " rejected";
  if (!s.complete) v.sentence += count_of(s.unfinished, "request") + " unfinished when stopped";
  return v;
}

}  // namespace terrace
