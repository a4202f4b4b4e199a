#include "calibrate/labs/conversations.hpp"

#include "sim/base/check.hpp"
#include "sim/base/random.hpp"

namespace terrace::labs {

std::vector<std::int32_t> tokens_of(const Span& text, std::int64_t vocabulary) {
  Random random = Random(text.content, "text").fork(static_cast<std::uint64_t>(vocabulary));
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < text.tokens.count(); ++i) {
    tokens.push_back(
        static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(vocabulary))));
  }
  return tokens;
}

ConversationQueue::ConversationQueue(const std::vector<Conversation>& all)
    : all_(all), turn_(all.size()) {
  for (std::size_t i = 0; i < all.size(); ++i) answered(i, SimTime{});
}

std::optional<SimTime> ConversationQueue::next_time() const {
  return due_.empty() ? std::nullopt : std::optional(std::get<SimTime>(*due_.begin()));
}

ConversationQueue::Due ConversationQueue::next() {
  TERRACE_CHECK(!due_.empty());
  const auto [at, known, conversation] = *due_.begin();
  due_.erase(due_.begin());
  return {at, conversation, turn_[conversation]++};
}

void ConversationQueue::answered(std::size_t conversation, SimTime now) {
  const Conversation& turns = all_[conversation];
  if (turn_[conversation] == turns.size()) return;
  due_.emplace(now + turns[turn_[conversation]].pause, known_++, conversation);
}

}  // namespace terrace::labs
