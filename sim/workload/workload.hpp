#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/units.hpp"

namespace terrace {

/// A stretch of text, identified and not materialised: two spans are the same text if, and only
/// if, they have the same content id and length.
struct Span {
  std::uint64_t content = 0;
  Tokens tokens;

  friend bool operator==(const Span&, const Span&) = default;
};

/// How much the KV of a part of a request's text matters, for those who rank by it: TensorRT-LLM's
/// KvCacheRetentionConfig, in tokens from the start of the text.
struct RetentionSpec {
  Tokens from;
  Tokens to = Tokens::max();
  std::int64_t priority = 35;  // 0 goes first, 100 last
  Duration duration{};         // from the last use; zero: for ever

  friend bool operator==(const RetentionSpec&, const RetentionSpec&) = default;
};

/// A request as the world sends it.
struct Arrival {
  static constexpr std::uint32_t kNoTicket = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint32_t kNoSession = std::numeric_limits<std::uint32_t>::max();

  SimTime at{};
  std::uint32_t client = 0;            // index into Workload::clients()
  std::vector<Span> prompt;            // at least one token
  Tokens output;                       // at least one; the engine learns it only by generating
  std::uint64_t output_content = 0;    // identity of the generated text, of length `output`
  std::uint32_t ticket = kNoTicket;    // whom to tell when this request has left the engine
  std::uint32_t session = kNoSession;  // whose turn it is: dense, used again after the last turn
  std::uint32_t turn = 0;              // of its session, from zero
  bool tool_call = false;  // the answer calls a tool: the session goes on when that has run
};

/// What requests of one client have in common.
struct Client {
  std::string name;
  std::int64_t priority = 0;  // lower is served first under a priority scheduler
  std::optional<Duration> ttft_slo;
  std::optional<Duration> tpot_slo;
  std::vector<RetentionSpec> retention;  // where rules overlap, the last one counts
};

/// Where requests come from: generators, or a trace. Pulled one at a time, so that a trace of any
/// length takes the memory of one request.
///
/// Protocol: (next_time next | next_time left)*
class Workload {
 public:
  virtual ~Workload() = default;

  [[nodiscard]] virtual const std::vector<Client>& clients() const = 0;

  /// When the next request arrives; nothing if none is to come, or none before some request now
  /// in the engine has left it (closed loop, conversations).
  [[nodiscard]] virtual std::optional<SimTime> next_time() = 0;

  /// Moves the next request into `arrival`, reusing its memory.
  /// REQUIRES: next_time() has a value, which becomes arrival.at.
  virtual void next(Arrival& arrival) = 0;

  /// The request with this ticket was finished, or rejected, at `now`: its user may go on.
  virtual void left(std::uint32_t ticket, SimTime now) = 0;
};

}  // namespace terrace
