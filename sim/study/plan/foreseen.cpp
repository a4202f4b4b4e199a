#include "sim/study/plan/foreseen.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <queue>
#include <utility>

namespace terrace {
namespace {

constexpr std::size_t kMostForeseen = 1'000'000;  // requests; of more, nothing is said

/// Texts as a tree of stretches. What a request is the first of its session to pass, and no other
/// session passes, can be in no cache when it comes. Stretches of one content and several lengths
/// may have blocks in common: they count as one.
class Beginnings {
 public:
  /// Adds a request's prompt and its answer, which later prompts may repeat.
  void add(const Arrival& arrival, std::size_t session) {
    std::size_t at = 0;
    for (const Span& span : arrival.prompt) at = pass(at, span, session);
    ends_.push_back(at);
    pass(at, {arrival.output_content, arrival.output}, session);
    ++requests_;
  }

  /// Tokens at the end of the `i`-th prompt that are nowhere before.
  [[nodiscard]] Tokens own(std::size_t i) const {
    Tokens own{};
    for (std::size_t at = ends_[i]; at != 0; at = stretches_[at].before) {
      if (stretches_[at].shared || stretches_[at].first != i) break;
      own += stretches_[at].tokens;
    }
    return own;
  }

 private:
  struct Stretch {
    std::size_t before = 0;
    Tokens tokens;  // of who passed first
    std::size_t first = 0;
    std::size_t session = 0;  // of the first
    bool shared = false;      // another one passed
  };

  std::size_t pass(std::size_t before, const Span& span, std::size_t session) {
    const auto [at, is_new] = next_.try_emplace({before, span.content}, stretches_.size());
    if (is_new) stretches_.push_back({before, span.tokens, requests_, session});
    Stretch& stretch = stretches_[at->second];
    stretch.shared = stretch.shared || stretch.session != session;
    return at->second;
  }

  std::map<std::pair<std::size_t, std::uint64_t>, std::size_t> next_;
  std::vector<Stretch> stretches_{{}};
  std::vector<std::size_t> ends_;
  std::size_t requests_ = 0;
};

bool any_client(const Scenario& scenario, bool (*is)(const ClientSpec&)) {
  const auto& clients = scenario.workload.synthetic.clients;
  return !scenario.workload.trace && std::any_of(clients.begin(), clients.end(), is);
}

/// Sessions by numbers that are not used again.
class Sessions {
 public:
  explicit Sessions(bool wait) : wait_(wait) {}

  std::size_t of(const Arrival& arrival) {
    // Turns of a trace do not wait for each other: any may be the first to be served.
    if (!wait_ || arrival.session == Arrival::kNoSession) return next_++;
    if (arrival.session >= number_.size()) number_.resize(arrival.session + 1);
    if (arrival.turn == 0) number_[arrival.session] = next_++;
    return number_[arrival.session];
  }

 private:
  bool wait_;
  std::size_t next_ = 0;
  std::vector<std::size_t> number_;
};

}  // namespace

bool any_in_a_loop(const Scenario& scenario) {
  return any_client(scenario, [](const ClientSpec& client) {
    return client.arrivals.process == ArrivalLaw::closed_loop;
  });
}

bool any_in_turns(const Scenario& scenario) {
  return any_client(scenario, [](const ClientSpec& client) {
    return client.content.kind == ContentLaw::conversation;
  });
}

std::vector<Foreseen> foresee(const Scenario& scenario,
                              const std::function<Duration(const Foreseen&)>& service) {
  std::vector<Foreseen> all;
  Beginnings beginnings;
  Sessions sessions(any_in_turns(scenario));
  using Leaving = std::pair<SimTime, std::uint32_t>;  // when, and whose ticket
  std::priority_queue<Leaving, std::vector<Leaving>, std::greater<>> inside;
  const std::unique_ptr<Workload> workload = make_workload(scenario);
  Arrival arrival;
  while (true) {
    const auto next = workload->next_time();
    if (!inside.empty() && (!next || inside.top().first <= *next)) {
      workload->left(inside.top().second, inside.top().first);
      inside.pop();
      continue;
    }
    if (!next) break;
    if (all.size() == kMostForeseen) return {};
    workload->next(arrival);
    Foreseen& known = all.emplace_back();
    known.at = seconds(arrival.at);
    known.client = arrival.client;
    for (const Span& span : arrival.prompt) known.prompt += span.tokens;
    known.output = arrival.output;
    known.whole = known.prompt + known.output;
    beginnings.add(arrival, sessions.of(arrival));
    if (arrival.ticket != Arrival::kNoTicket) {
      inside.emplace(arrival.at + service(known), arrival.ticket);
    }
  }
  const bool cached = scenario.serving.engine.enable_prefix_caching;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].fresh = cached ? std::max(beginnings.own(i), Tokens{1}) : all[i].prompt;
  }
  return all;
}

}  // namespace terrace
