#pragma once

#include <cstdint>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"

namespace terrace {

/// What the request that used a block last says about it.
struct BlockUse {
  static constexpr std::uint32_t kNoSession = 0xFFFFFFFF;

  std::uint32_t session = kNoSession;  // the conversation or agent program; dense, reused
  std::uint32_t group = 0;             // requests whose blocks are reused alike: (client, turn)
  std::uint8_t priority = 35;          // TensorRT-LLM's retention priority, 0..100
  bool tool_call = false;              // the session goes on as soon as a tool has answered
  Duration retention{};                // how long `priority` holds from the last use; zero: always
  Tokens context;                      // length of the prompt: the session's text so far
};

/// What is known of contents beside the order of calls, for the policies that ask. Positions and
/// neighbours count blocks of the policy's own pool. Any content may be asked about, none included,
/// which is alone in its sequence.
class BlockFacts {
 public:
  virtual ~BlockFacts() = default;

  [[nodiscard]] virtual SimTime now() const = 0;

  /// Blocks before it in its sequence, and the last of these; none if it is the first.
  [[nodiscard]] virtual std::int64_t position(ContentId content) const = 0;
  [[nodiscard]] virtual ContentId before(ContentId content) const = 0;

  [[nodiscard]] virtual const BlockUse& use(ContentId content) const = 0;

  /// Prefill time that having it saves, given all before it.
  [[nodiscard]] virtual Duration recompute(ContentId content) const = 0;

  /// Whether a request in the queue asks for it.
  [[nodiscard]] virtual bool wanted(ContentId content) const = 0;

  /// When it will be used next, in a count that only grows; kNever. For declared oracles only.
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  [[nodiscard]] virtual std::uint64_t next_use(ContentId content) const = 0;
};

/// Which facts a policy asks for: nobody else pays for them.
enum class FactNeeds : std::uint8_t {
  none = 0,
  time = 1,       // now
  sequence = 2,   // position, before
  use = 4,        // use
  recompute = 8,  // recompute
  queue = 16,     // wanted
  future = 32     // next_use: the policy is an oracle, no real engine can run it
};

constexpr FactNeeds operator|(FactNeeds a, FactNeeds b) {
  return static_cast<FactNeeds>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}

/// Whether `all` contains any of `some`.
constexpr bool any_of(FactNeeds all, FactNeeds some) {
  return (static_cast<std::uint8_t>(all) & static_cast<std::uint8_t>(some)) != 0;
}

}  // namespace terrace
