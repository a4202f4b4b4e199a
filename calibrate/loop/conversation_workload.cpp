#include "calibrate/loop/conversation_workload.hpp"

#include "sim/base/check.hpp"

namespace terrace::calibrate {
namespace {

constexpr std::uint64_t kAnswer = std::uint64_t{1} << 63U;

class ConversationWorkload final : public Workload {
 public:
  explicit ConversationWorkload(const std::vector<labs::Conversation>& all)
      : all_(all), queue_(all), said_(all.size()) {
    clients_.front().name = "conversations";
  }

  [[nodiscard]] const std::vector<Client>& clients() const override { return clients_; }

  std::optional<SimTime> next_time() override { return queue_.next_time(); }

  void next(Arrival& arrival) override {
    const labs::ConversationQueue::Due due = queue_.next();
    const labs::Turn& turn = all_[due.conversation][due.turn];
    std::vector<Span>& said = said_[due.conversation];
    for (const Span& text : turn.says) TERRACE_CHECK(text.content < kAnswer);
    said.insert(said.end(), turn.says.begin(), turn.says.end());
    arrival = {};
    arrival.at = due.at;
    arrival.prompt = said;
    arrival.output = Tokens{turn.answer};
    arrival.output_content = kAnswer | answers_++;
    arrival.ticket = static_cast<std::uint32_t>(due.conversation);
    said.push_back({arrival.output_content, arrival.output});
  }

  void left(std::uint32_t ticket, SimTime now) override { queue_.answered(ticket, now); }

 private:
  const std::vector<labs::Conversation>& all_;
  labs::ConversationQueue queue_;
  std::vector<std::vector<Span>> said_;  // of each conversation, answers included
  std::uint64_t answers_ = 0;
  std::vector<Client> clients_{1};
};

}  // namespace

std::unique_ptr<Workload> make_workload(const std::vector<labs::Conversation>& conversations) {
  return std::make_unique<ConversationWorkload>(conversations);
}

}  // namespace terrace::calibrate
