#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/base/units.hpp"
#include "sim/workload/arrivals.hpp"
#include "sim/workload/content.hpp"
#include "sim/workload/lengths.hpp"
#include "sim/workload/spec.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

/// Which session of a client: a conversation, or a request by itself. It does not depend on how the
/// engine interleaves sessions, so neither does anything drawn or identified by it.
struct SessionKey {
  std::uint64_t luck = 0;    // forks the random streams; of a closed loop, user << 32 | round
  std::uint64_t number = 0;  // unique within the client; part of content ids
};

/// When the sessions of one client begin.
class SessionStarts {
 public:
  virtual ~SessionStarts() = default;

  /// When the next session begins; kNever if none does before some session has ended.
  [[nodiscard]] virtual SimTime next_time() const = 0;

  /// Begins it. REQUIRES: next_time() is not kNever.
  virtual SessionKey begin() = 0;

  /// Whether ends of sessions have to be told by ended().
  [[nodiscard]] virtual bool closed() const = 0;
  virtual void ended(SessionKey session, SimTime now) = 0;
};

std::unique_ptr<SessionStarts> make_session_starts(const ClientSpec& spec, std::uint64_t seed);

/// A session somebody still has to hear of: it goes on, or its user does, when its request in the
/// engine has left.
struct Session {
  std::uint32_t client = 0;
  bool in_engine = false;
  SessionKey key;
  std::uint64_t turn = 0;     // of the request sent last
  std::uint64_t turns = 1;    // that it wants; a full context may end it sooner
  bool goes_on = false;       // there is a turn after this one
  std::vector<Span> history;  // what the next turn's prompt begins with; kept if goes_on
  Tokens history_tokens;
  Tokens next_text;  // lengths of the next turn, drawn ahead to know if it fits
  Tokens next_output;
};

/// The live sessions of all clients. A slot is a ticket of Arrival; it keeps its memory for reuse.
class SessionPool {
 public:
  std::uint32_t take();
  void give_back(std::uint32_t slot);

  [[nodiscard]] Session& operator[](std::uint32_t slot) { return sessions_[slot]; }
  [[nodiscard]] std::size_t slots() const { return sessions_.size(); }

 private:
  std::vector<Session> sessions_;
  std::vector<std::uint32_t> free_;
};

/// The requests of one client: new sessions as they start, and further turns of old ones.
class ClientStream {
 public:
  /// `pool` outlives the stream.
  ClientStream(const ClientSpec& spec, std::uint32_t client, std::uint64_t seed, SessionPool& pool);

  /// kNever if nothing is to come, or nothing before some request has left.
  [[nodiscard]] SimTime next_time() const;

  /// Whether it has sent all that it is to send.
  [[nodiscard]] bool done() const { return requests_left_ == 0; }

  /// Fills in the next request. REQUIRES: next_time() is not kNever.
  void next(Arrival& arrival);

  /// The request of the session in `slot` has left the engine. REQUIRES: it is this client's.
  void left(std::uint32_t slot, SimTime now);

 private:
  struct Turn {
    Tokens text;
    Tokens output;
  };
  struct Thinking {
    SimTime until{};
    std::uint64_t luck = 0;  // ties go by session, never by who left the engine first
    std::uint32_t slot = 0;

    friend bool operator>(const Thinking& a, const Thinking& b) {
      return a.until != b.until ? a.until > b.until : a.luck > b.luck;
    }
  };

  void begin(Arrival& arrival);
  void resume(Arrival& arrival);
  [[nodiscard]] Turn lengths(SessionKey session, std::uint64_t turn) const;
  [[nodiscard]] Turn first_turn(SessionKey session, Tokens head) const;
  void send(Arrival& arrival, SessionKey session, std::uint64_t turn, Turn lengths) const;
  [[nodiscard]] std::optional<Turn> turn_after(SessionKey session, std::uint64_t turn,
                                               std::uint64_t turns, Tokens history) const;

  std::uint32_t client_;
  SessionPool& pool_;
  std::int64_t requests_left_;
  std::unique_ptr<SessionStarts> starts_;
  std::vector<Thinking> thinking_;  // a heap, the earliest on top
  PromptHead head_;
  bool conversation_;
  bool tool_calls_;
  Tokens max_context_;
  LengthSampler text_lengths_;
  LengthSampler output_lengths_;
  LengthSampler turns_;
  GapSampler think_;
  Random text_random_;
  Random output_random_;
  Random turns_random_;
  Random think_random_;
};

}  // namespace terrace
