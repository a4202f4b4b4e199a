#include "sim/workload/sessions.hpp"

#include <algorithm>
#include <functional>
#include <limits>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

class OpenStarts final : public SessionStarts {
 public:
  explicit OpenStarts(std::unique_ptr<ArrivalProcess> arrivals)
      : arrivals_(std::move(arrivals)), next_(arrivals_->next()) {}

  [[nodiscard]] SimTime next_time() const override { return next_; }

  SessionKey begin() override {
    next_ = arrivals_->next();
    const std::uint64_t session = begun_++;
    return {session, session};
  }

  [[nodiscard]] bool closed() const override { return false; }
  void ended(SessionKey, SimTime) override {}

 private:
  std::unique_ptr<ArrivalProcess> arrivals_;
  SimTime next_;
  std::uint64_t begun_ = 0;
};

/// Each user is either in the heap, waiting to begin a session, or in one.
class ClosedStarts final : public SessionStarts {
 public:
  ClosedStarts(const ArrivalSpec& spec, Random think)
      : rounds_(static_cast<std::size_t>(spec.users)), think_(spec.think), think_random_(think) {
    const Duration apart = spec.ramp / spec.users;
    for (std::int64_t user = 0; user < spec.users; ++user) {
      waiting_.push_back({later(SimTime{}, apart * user), static_cast<std::uint32_t>(user)});
    }
  }

  [[nodiscard]] SimTime next_time() const override {
    return waiting_.empty() ? kNever : waiting_.front().until;
  }

  SessionKey begin() override {
    std::pop_heap(waiting_.begin(), waiting_.end(), std::greater<>());
    const std::uint64_t user = waiting_.back().user;
    waiting_.pop_back();
    const std::uint64_t round = rounds_[user]++;
    return {user << 32U | round, round * rounds_.size() + user};
  }

  [[nodiscard]] bool closed() const override { return true; }

  void ended(SessionKey session, SimTime now) override {
    const auto user = static_cast<std::uint32_t>(session.luck >> 32U);
    waiting_.push_back({later(now, think_.draw(think_random_.fork(session.luck))), user});
    std::push_heap(waiting_.begin(), waiting_.end(), std::greater<>());
  }

 private:
  struct Waiting {
    SimTime until{};
    std::uint32_t user = 0;

    friend bool operator>(const Waiting& a, const Waiting& b) {
      return a.until != b.until ? a.until > b.until : a.user > b.user;
    }
  };

  std::vector<Waiting> waiting_;  // a heap, the earliest on top
  std::vector<std::uint32_t> rounds_;
  GapSampler think_;
  Random think_random_;
};

}  // namespace

std::unique_ptr<SessionStarts> make_session_starts(const ClientSpec& spec, std::uint64_t seed) {
  if (spec.arrivals.process == ArrivalLaw::closed_loop) {
    return std::make_unique<ClosedStarts>(spec.arrivals,
                                          client_stream(seed, spec.name, "user_think"));
  }
  return std::make_unique<OpenStarts>(make_arrivals(spec.arrivals, seed, spec.name));
}

std::uint32_t SessionPool::take() {
  if (free_.empty()) {
    TERRACE_CHECK(sessions_.size() < Arrival::kNoTicket);
    sessions_.emplace_back();
    return static_cast<std::uint32_t>(sessions_.size() - 1);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void SessionPool::give_back(std::uint32_t slot) {
  sessions_[slot].history.clear();
  sessions_[slot].in_engine = false;
  free_.push_back(slot);
}

ClientStream::ClientStream(const ClientSpec& spec, std::uint32_t client, std::uint64_t seed,
                           SessionPool& pool)
    : client_(client),
      pool_(pool),
      requests_left_(spec.max_requests.value_or(std::numeric_limits<std::int64_t>::max())),
      starts_(make_session_starts(spec, seed)),
      head_(spec, client, seed),
      conversation_(spec.content.kind == ContentLaw::conversation),
      tool_calls_(spec.content.tool_calls),
      max_context_(conversation_ ? spec.content.max_context.value_or(Tokens::max())
                                 : Tokens::max()),
      text_lengths_(spec.prompt),
      output_lengths_(spec.output),
      turns_(spec.content.turns),
      think_(spec.content.think),
      text_random_(client_stream(seed, spec.name, "prompt")),
      output_random_(client_stream(seed, spec.name, "output")),
      turns_random_(client_stream(seed, spec.name, "turns")),
      think_random_(client_stream(seed, spec.name, "think")) {}

SimTime ClientStream::next_time() const {
  if (requests_left_ == 0) return kNever;
  const SimTime start = starts_->next_time();
  return thinking_.empty() ? start : std::min(start, thinking_.front().until);
}

void ClientStream::next(Arrival& arrival) {
  arrival.at = next_time();
  TERRACE_CHECK(arrival.at < kNever);
  --requests_left_;
  arrival.client = client_;
  arrival.ticket = Arrival::kNoTicket;
  arrival.session = Arrival::kNoSession;
  arrival.turn = 0;
  arrival.tool_call = false;
  arrival.prompt.clear();
  if (!thinking_.empty() && thinking_.front().until == arrival.at) {
    resume(arrival);
  } else {
    begin(arrival);
  }
}

void ClientStream::begin(Arrival& arrival) {
  const SessionKey key = starts_->begin();
  head_.append(key.luck, arrival.prompt);
  Tokens head;
  for (const Span& span : arrival.prompt) head += span.tokens;
  const Turn first = first_turn(key, head);
  send(arrival, key, 0, first);

  std::uint64_t turns = 1;
  std::optional<Turn> second;
  const Tokens history = head + first.text + first.output;
  if (conversation_) {
    turns = static_cast<std::uint64_t>(turns_.draw(turns_random_.fork(key.luck)).count());
    second = turn_after(key, 0, turns, history);
  }
  if (!second && !starts_->closed()) return;

  arrival.ticket = pool_.take();
  Session& session = pool_[arrival.ticket];
  session.client = client_;
  session.in_engine = true;
  session.key = key;
  session.turn = 0;
  session.turns = turns;
  session.goes_on = second.has_value();
  if (conversation_) arrival.session = arrival.ticket;
  arrival.tool_call = tool_calls_ && session.goes_on;
  if (!second) return;
  session.history.assign(arrival.prompt.begin(), arrival.prompt.end());
  session.history.push_back({arrival.output_content, arrival.output});
  session.history_tokens = history;
  session.next_text = second->text;
  session.next_output = second->output;
}

void ClientStream::resume(Arrival& arrival) {
  std::pop_heap(thinking_.begin(), thinking_.end(), std::greater<>());
  const std::uint32_t slot = thinking_.back().slot;
  thinking_.pop_back();

  Session& session = pool_[slot];
  ++session.turn;
  arrival.session = slot;
  arrival.turn = static_cast<std::uint32_t>(session.turn);
  arrival.prompt.assign(session.history.begin(), session.history.end());
  send(arrival, session.key, session.turn, {session.next_text, session.next_output});
  session.history_tokens += session.next_text + session.next_output;
  const auto then = turn_after(session.key, session.turn, session.turns, session.history_tokens);
  if (!then && !starts_->closed()) return pool_.give_back(slot);

  arrival.ticket = slot;
  session.in_engine = true;
  session.goes_on = then.has_value();
  arrival.tool_call = tool_calls_ && session.goes_on;
  if (!then) return;
  session.history.push_back(arrival.prompt.back());
  session.history.push_back({arrival.output_content, arrival.output});
  session.next_text = then->text;
  session.next_output = then->output;
}

void ClientStream::left(std::uint32_t slot, SimTime now) {
  Session& session = pool_[slot];
  TERRACE_CHECK(session.in_engine && session.client == client_);
  session.in_engine = false;
  if (session.goes_on) {
    const Duration pause = think_.draw(think_random_.fork(session.key.luck).fork(session.turn));
    thinking_.push_back({later(now, pause), session.key.luck, slot});
    std::push_heap(thinking_.begin(), thinking_.end(), std::greater<>());
  } else {
    starts_->ended(session.key, now);
    pool_.give_back(slot);
  }
}

ClientStream::Turn ClientStream::lengths(SessionKey session, std::uint64_t turn) const {
  return {text_lengths_.draw(text_random_.fork(session.luck).fork(turn)),
          output_lengths_.draw(output_random_.fork(session.luck).fork(turn))};
}

/// A first turn that exceeds the context is cut to fit: the text, but for one token, then the
/// output.
ClientStream::Turn ClientStream::first_turn(SessionKey session, Tokens head) const {
  Turn turn = lengths(session, 0);
  const Tokens room = max_context_ - head;
  turn.text = std::max(Tokens{1}, std::min(turn.text, room - turn.output));
  turn.output = std::min(turn.output, room - turn.text);
  TERRACE_CHECK(turn.output >= Tokens{1});
  return turn;
}

std::optional<ClientStream::Turn> ClientStream::turn_after(SessionKey session, std::uint64_t turn,
                                                           std::uint64_t turns,
                                                           Tokens history) const {
  if (turn + 1 >= std::min(turns, kMaxTurns)) return std::nullopt;
  const Turn next = lengths(session, turn + 1);
  if (history + next.text + next.output > max_context_) return std::nullopt;
  return next;
}

void ClientStream::send(Arrival& arrival, SessionKey session, std::uint64_t turn,
                        Turn lengths) const {
  const std::uint64_t index = turn_index(session.number, turn);
  arrival.prompt.push_back({content_id(ContentKind::text, client_, index), lengths.text});
  arrival.output = lengths.output;
  arrival.output_content = content_id(ContentKind::output, client_, index);
}

}  // namespace terrace
