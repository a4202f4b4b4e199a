#include <algorithm>
#include <cstddef>
#include <iterator>
#include <set>

#include "sim/base/check.hpp"
#include "sim/study/validation/measured_run.hpp"

namespace terrace {
namespace {

constexpr std::uint64_t kOutput = std::uint64_t{1} << 63U;
constexpr unsigned kPieceBits = 31;

/// Makes prompts of pieces, so that what two have in common is the same pieces. A prompt is what
/// another began with, up to some token, and text of its own.
class Prompts {
 public:
  explicit Prompts(const std::vector<MeasuredRequest>& requests) {
    for (const MeasuredRequest& r : requests) add(r);
    for (std::size_t i = 0; i < texts_.size(); ++i) cut(i);
  }

  [[nodiscard]] std::vector<Span> prompt(std::size_t i) const {
    std::vector<Span> spans;
    append(i, texts_[i].end, spans);
    return spans;
  }

 private:
  struct Text {
    std::size_t parent = 0;      // whose text it begins with, if from > 0
    Tokens from;                 // where its own begins
    Tokens end;                  // of the prompt
    std::set<Tokens> cuts = {};  // of its own text: where others part from it
  };

  void add(const MeasuredRequest& r) {
    Text text{0, r.shared_prefix, r.input};
    if (text.from > Tokens{}) {
      // Prompts in latest_ get shorter towards its end, so the last that is long enough is latest.
      const auto after =
          std::partition_point(latest_.begin(), latest_.end(),
                               [&](std::size_t other) { return texts_[other].end >= text.from; });
      TERRACE_CHECK(after != latest_.begin());
      text.parent = *std::prev(after);
      // Who has no text of its own there is passed over: this keeps the chain of parents short.
      while (text.from <= texts_[text.parent].from) text.parent = texts_[text.parent].parent;
    }
    while (!latest_.empty() && texts_[latest_.back()].end <= text.end) latest_.pop_back();
    latest_.push_back(texts_.size());
    texts_.push_back(std::move(text));
  }

  void cut(std::size_t i) {
    const Text& text = texts_[i];
    if (text.from > Tokens{}) texts_[text.parent].cuts.insert(text.from);
  }

  /// Appends the first `end` tokens of a prompt, where it is cut.
  void append(std::size_t i, Tokens end, std::vector<Span>& spans) const {
    const Text& text = texts_[i];
    if (text.from > Tokens{}) append(text.parent, text.from, spans);
    Tokens at = text.from;
    std::uint64_t piece = 0;
    const auto take = [&](Tokens to) {
      if (to <= at) return;
      spans.push_back({std::uint64_t{i} << kPieceBits | piece, to - at});
      at = to;
      ++piece;
    };
    for (const Tokens cut : text.cuts) take(std::min(cut, end));
    take(end);
  }

  std::vector<Text> texts_;
  std::vector<std::size_t> latest_;  // requests with no later one as long
};

class Replay final : public Workload {
 public:
  Replay(std::shared_ptr<const std::vector<Arrival>> arrivals, std::string name)
      : arrivals_(std::move(arrivals)), clients_{{std::move(name), 0, {}, {}, {}}} {}

  [[nodiscard]] const std::vector<Client>& clients() const override { return clients_; }

  std::optional<SimTime> next_time() override {
    return next_ < arrivals_->size() ? std::optional((*arrivals_)[next_].at) : std::nullopt;
  }

  void next(Arrival& arrival) override {
    TERRACE_CHECK(next_ < arrivals_->size());
    arrival = (*arrivals_)[next_++];
  }

  void left(std::uint32_t, SimTime) override {}

 private:
  std::shared_ptr<const std::vector<Arrival>> arrivals_;
  std::vector<Client> clients_;
  std::size_t next_ = 0;
};

}  // namespace

std::vector<Arrival> arrivals_of(const MeasuredRun& run) {
  const Prompts prompts(run.requests);
  std::vector<Arrival> arrivals;
  for (std::size_t i = 0; i < run.requests.size(); ++i) {
    Arrival arrival;
    arrival.at = SimTime{run.requests[i].arrival};
    arrival.prompt = prompts.prompt(i);
    arrival.output = run.requests[i].output;
    arrival.output_content = kOutput | i;
    arrivals.push_back(std::move(arrival));
  }
  return arrivals;
}

std::unique_ptr<Workload> make_replay(std::shared_ptr<const std::vector<Arrival>> arrivals,
                                      std::string name) {
  return std::make_unique<Replay>(std::move(arrivals), std::move(name));
}

}  // namespace terrace
