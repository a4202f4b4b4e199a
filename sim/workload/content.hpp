#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "sim/base/random.hpp"
#include "sim/base/samplers.hpp"
#include "sim/workload/lengths.hpp"
#include "sim/workload/spec.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

/// Content ids of synthetic text have three fields, so that no two texts can ever share one:
///
///   kind 3 bits | client 12 bits | index 49 bits
///
/// The index of a system prompt or document is its rank in popularity; that of a turn's new text,
/// or of its output, is session (37 bits) | turn (12 bits). No id is 0.
enum class ContentKind : std::uint64_t { text = 1, output = 2, system_prompt = 3, document = 4 };

constexpr std::size_t kMaxClients = (1U << 12U) - 1;
constexpr std::uint64_t kMaxTurns = 1U << 12U;

/// REQUIRES: client < 2^12, index < 2^49.
std::uint64_t content_id(ContentKind kind, std::uint32_t client, std::uint64_t index);

/// The index of a turn's text or output. REQUIRES: session < 2^37, turn < kMaxTurns.
std::uint64_t turn_index(std::uint64_t session, std::uint64_t turn);

/// The random stream of one consumer of one client: "client/chat/arrivals".
Random client_stream(std::uint64_t seed, std::string_view client, std::string_view consumer);

/// Texts that many requests share, such as system prompts or documents. The k-th is a pure function
/// of seed, client and k, so the texts take no memory however many there are.
class SharedTexts {
 public:
  struct Popularity {
    std::int64_t count = 1;
    double exponent = 0;  // text k is chosen with a weight of (k + 1)^-exponent
  };

  /// `lengths` is the stream of the texts' lengths, none of which exceeds `longest`.
  SharedTexts(ContentKind kind, std::uint32_t client, Popularity popularity,
              const LengthSpec& length, Random lengths, Tokens longest = kLongestText);

  [[nodiscard]] Span text(std::uint64_t k) const;

  /// Appends one text chosen by popularity.
  void append_one(Random& random, std::vector<Span>& prompt) const;

  /// Appends `wanted` different texts in the order drawn. Draws again what it has, which is
  /// sampling without replacement; but when 64 draws in a row bring nothing new, it takes the next
  /// less popular text instead, lest a steep popularity draw for ever. O(wanted^2).
  void append_distinct(Random& random, std::int64_t wanted, std::vector<Span>& prompt) const;

 private:
  [[nodiscard]] std::uint64_t id(std::uint64_t k) const { return content_id(kind_, client_, k); }

  ContentKind kind_;
  std::uint32_t client_;
  std::uint64_t count_;
  Zipf popularity_;
  LengthSampler length_;
  Random lengths_;
  Tokens longest_;
};

/// What a session's prompts begin with: a system prompt, documents, or nothing. Drawn once per
/// session, from the session's own luck.
class PromptHead {
 public:
  PromptHead(const ClientSpec& spec, std::uint32_t client, std::uint64_t seed);

  /// Appends the head of the session with this luck.
  void append(std::uint64_t luck, std::vector<Span>& prompt) const;

 private:
  std::optional<SharedTexts> system_;
  std::optional<SharedTexts> documents_;
  std::int64_t documents_per_request_;
  Random system_choice_;
  Random document_choice_;
};

}  // namespace terrace
