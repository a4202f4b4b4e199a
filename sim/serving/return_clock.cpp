#include "sim/serving/return_clock.hpp"

#include <algorithm>
#include <cmath>

namespace terrace {

void ReturnTimes::add(Duration time) {
  ++samples_;
  sum_ += time.count();
  if (!quantile_) return;
  if (lower_.empty() || time <= lower_.top()) {
    lower_.push(time);
  } else {
    upper_.push(time);
  }
  const double part = std::ceil(*quantile_ * static_cast<double>(samples_));
  const std::size_t low = std::max<std::size_t>(1, static_cast<std::size_t>(part));
  for (; lower_.size() < low; upper_.pop()) lower_.push(upper_.top());
  for (; lower_.size() > low; lower_.pop()) upper_.push(lower_.top());
}

Duration ReturnTimes::guess() const {
  return quantile_ ? lower_.top() : Duration{static_cast<std::int64_t>(sum_ / samples_)};
}

ReturnClock::ReturnClock(EventLoop& loop, Hierarchy& hierarchy)
    : loop_(loop), hierarchy_(hierarchy) {
  for (std::size_t t = 0; t < hierarchy.tiers().size(); ++t) {
    if (hierarchy.tiers()[t].spec.prefetch.policy == PrefetchPolicy::next_turn) {
      rules_.push_back({t, {}});
    }
  }
}

ReturnTimes& ReturnClock::times(Rule& rule, std::uint32_t group) {
  const PrefetchSpec& spec = hierarchy_.tiers()[rule.tier].spec.prefetch;
  const bool quantile = spec.predict == ReturnGuess::quantile;
  while (rule.groups.size() <= group) {
    rule.groups.emplace_back(quantile ? std::optional(spec.quantile) : std::nullopt);
  }
  return rule.groups[group];
}

void ReturnClock::came(std::uint32_t session, std::uint32_t turn) {
  if (rules_.empty() || session == BlockUse::kNoSession) return;
  if (session >= sessions_.size()) sessions_.resize(session + 1);
  Session& s = sessions_[session];
  ++s.stamp;
  s.contents.clear();
  if (turn == 0) {  // the number is used again
    s.in_engine = 0;
    s.begun.clear();
  } else if (s.away) {
    for (Rule& rule : rules_) times(rule, s.group).add(loop_.now() - *s.away);
  }
  s.away.reset();
}

void ReturnClock::takes_in(std::uint32_t session, RequestId request) {
  if (rules_.empty() || session == BlockUse::kNoSession) return;
  Session& s = sessions_[session];
  ++s.in_engine;
  for (const Prefetches::Handle job : s.begun) hierarchy_.prefetches().adopt(job, request);
  s.begun.clear();
}

void ReturnClock::left(const Request& request) {
  if (rules_.empty() || request.use.session == BlockUse::kNoSession) return;
  Session& s = sessions_[request.use.session];
  if (--s.in_engine > 0) return;
  s.away = loop_.now();
  s.group = request.use.group;
  s.replica = request.replica;
  for (Rule& rule : rules_) {
    const PrefetchSpec& spec = hierarchy_.tiers()[rule.tier].spec.prefetch;
    const ReturnTimes& seen = times(rule, s.group);
    if (seen.samples() < spec.min_samples) continue;
    s.contents = request.contents;
    loop_.post_if_ever(
        std::max(Duration::zero(), seen.guess() - spec.lead),
        ReturnExpected{request.use.session, static_cast<std::uint32_t>(rule.tier), s.stamp});
  }
}

void ReturnClock::on(const ReturnExpected& event) {
  Session& s = sessions_[event.session];
  if (s.stamp != event.stamp || !s.away) return;
  s.begun.push_back(hierarchy_.prefetches().begin(
      event.tier, s.replica, RequestId::none(),
      hierarchy_.to_prefetch(event.tier, s.replica, s.contents,
                             static_cast<std::int64_t>(s.contents.size()))));
}

void ReturnClock::mark_contents(FunctionRef<void(ContentId)> mark) const {
  for (const Session& session : sessions_) {
    for (const ContentId content : session.contents) mark(content);
  }
}

}  // namespace terrace
