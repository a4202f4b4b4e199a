#include "sim/workload/content.hpp"

#include <algorithm>
#include <string>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

constexpr unsigned kIndexBits = 49;
constexpr unsigned kClientBits = 12;
constexpr unsigned kTurnBits = 12;
constexpr int kPatience = 64;

static_assert(kMaxTurns == std::uint64_t{1} << kTurnBits);

const SystemPromptSpec* system_of(const ContentSpec& content) {
  if (content.kind == ContentLaw::unique) return nullptr;
  if (content.kind == ContentLaw::shared_prefix) return &content.prefix;
  return content.system ? &*content.system : nullptr;
}

/// A conversation's system prompt leaves room for a word and its answer.
Tokens longest_system(const ContentSpec& content) {
  if (content.kind != ContentLaw::conversation || !content.max_context) return kLongestText;
  return std::max(*content.max_context - Tokens{2}, Tokens{0});
}

}  // namespace

std::uint64_t content_id(ContentKind kind, std::uint32_t client, std::uint64_t index) {
  TERRACE_CHECK(client >> kClientBits == 0 && index >> kIndexBits == 0);
  return static_cast<std::uint64_t>(kind) << (kClientBits + kIndexBits) |
         std::uint64_t{client} << kIndexBits | index;
}

std::uint64_t turn_index(std::uint64_t session, std::uint64_t turn) {
  TERRACE_CHECK(turn < kMaxTurns);
  return session << kTurnBits | turn;
}

Random client_stream(std::uint64_t seed, std::string_view client, std::string_view consumer) {
  return Random{seed, "client/" + std::string(client) + "/" + std::string(consumer)};
}

SharedTexts::SharedTexts(ContentKind kind, std::uint32_t client, Popularity popularity,
                         const LengthSpec& length, Random lengths, Tokens longest)
    : kind_(kind),
      client_(client),
      count_(static_cast<std::uint64_t>(popularity.count)),
      popularity_(count_, popularity.exponent),
      length_(length),
      lengths_(lengths),
      longest_(longest) {}

Span SharedTexts::text(std::uint64_t k) const {
  return {id(k), std::min(length_.draw(lengths_.fork(k)), longest_)};
}

void SharedTexts::append_one(Random& random, std::vector<Span>& prompt) const {
  const Span chosen = text(popularity_.draw(random));
  if (chosen.tokens > Tokens{0}) prompt.push_back(chosen);
}

void SharedTexts::append_distinct(Random& random, std::int64_t wanted,
                                  std::vector<Span>& prompt) const {
  TERRACE_CHECK(wanted >= 0 && static_cast<std::uint64_t>(wanted) <= count_);
  const auto first = static_cast<std::ptrdiff_t>(prompt.size());
  const auto taken = [&](std::uint64_t k) {
    return std::any_of(prompt.begin() + first, prompt.end(),
                       [content = id(k)](const Span& span) { return span.content == content; });
  };
  for (std::int64_t have = 0; have < wanted; ++have) {
    std::uint64_t k = popularity_.draw(random);
    for (int again = 1; again < kPatience && taken(k); ++again) k = popularity_.draw(random);
    while (taken(k)) k = (k + 1) % count_;
    prompt.push_back(text(k));
  }
}

PromptHead::PromptHead(const ClientSpec& spec, std::uint32_t client, std::uint64_t seed)
    : documents_per_request_(spec.content.documents_per_request),
      system_choice_(client_stream(seed, spec.name, "system_choice")),
      document_choice_(client_stream(seed, spec.name, "document_choice")) {
  const ContentSpec& content = spec.content;
  if (const SystemPromptSpec* system = system_of(content)) {
    system_.emplace(ContentKind::system_prompt, client,
                    SharedTexts::Popularity{system->prompts, system->popularity}, system->length,
                    client_stream(seed, spec.name, "system_length"), longest_system(content));
  }
  if (content.kind == ContentLaw::rag) {
    documents_.emplace(ContentKind::document, client,
                       SharedTexts::Popularity{content.documents, content.popularity},
                       content.document_length, client_stream(seed, spec.name, "document_length"));
  }
}

void PromptHead::append(std::uint64_t luck, std::vector<Span>& prompt) const {
  if (system_) {
    Random choice = system_choice_.fork(luck);
    system_->append_one(choice, prompt);
  }
  if (documents_) {
    Random choice = document_choice_.fork(luck);
    documents_->append_distinct(choice, documents_per_request_, prompt);
  }
}

}  // namespace terrace
