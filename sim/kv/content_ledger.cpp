#include "sim/kv/content_ledger.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {

class ContentLedger::View final : public BlockFacts {
 public:
  View(const ContentLedger& ledger, std::int64_t ratio) : ledger_(ledger), ratio_(ratio) {}

  [[nodiscard]] std::int64_t ratio() const { return ratio_; }

  [[nodiscard]] SimTime now() const override { return ledger_.loop_.now(); }

  [[nodiscard]] std::int64_t position(ContentId content) const override {
    return content == ContentId::none() ? 0 : ledger_.contents_.position(content) / ratio_;
  }

  [[nodiscard]] ContentId before(ContentId content) const override {
    if (content == ContentId::none()) return content;
    const bool first = ledger_.contents_.position(content) < ratio_;
    return first ? ContentId::none() : ledger_.contents_.before(content, ratio_);
  }

  [[nodiscard]] const BlockUse& use(ContentId content) const override {
    static constexpr BlockUse kNobody{};
    return content.index() < ledger_.uses_.size() ? ledger_.uses_[content.index()] : kNobody;
  }

  [[nodiscard]] Duration recompute(ContentId content) const override {
    if (content == ContentId::none()) return Duration::zero();
    const Tokens block = ledger_.contents_.block_size();
    const Tokens end = block * (ledger_.contents_.position(content) + 1);
    return ledger_.prefill(end) - ledger_.prefill(end - block * ratio_);
  }

  [[nodiscard]] bool wanted(ContentId content) const override {
    return content.index() < ledger_.waiting_.size() && ledger_.waiting_[content.index()] > 0;
  }

  [[nodiscard]] std::uint64_t next_use(ContentId content) const override {
    return ledger_.next_use(content);
  }

 private:
  const ContentLedger& ledger_;
  std::int64_t ratio_;
};

ContentLedger::ContentLedger(const EventLoop& loop, const ContentTable& contents, FactNeeds needs,
                             std::function<Duration(Tokens)> recompute)
    : loop_(loop), contents_(contents), needs_(needs), recompute_(std::move(recompute)) {}

ContentLedger::~ContentLedger() = default;

const BlockFacts& ContentLedger::view(std::int64_t ratio) {
  for (const auto& view : views_) {
    if (view->ratio() == ratio) return *view;
  }
  return *views_.emplace_back(std::make_unique<View>(*this, ratio));
}

void ContentLedger::used(std::span<const ContentId> sequence, const BlockUse& use,
                         std::span<const Retention> rules) {
  if (!needed(FactNeeds::use)) return;
  if (contents_.size() > uses_.size()) uses_.resize(contents_.size() + contents_.size() / 2);
  const std::int64_t block = contents_.block_size().count();
  for (std::size_t i = 0; i < sequence.size(); ++i) {
    BlockUse& mine = uses_[sequence[i].index()];
    mine = use;
    const Tokens first{static_cast<std::int64_t>(i) * block};
    for (const Retention& rule : rules) {
      if (first < rule.from || first >= rule.to) continue;
      mine.priority = static_cast<std::uint8_t>(rule.priority);
      mine.retention = rule.duration;
    }
  }
}

void ContentLedger::queued(std::span<const ContentId> sequence) {
  if (!needed(FactNeeds::queue)) return;
  if (contents_.size() > waiting_.size()) waiting_.resize(contents_.size() * 3 / 2);
  for (const ContentId content : sequence) ++waiting_[content.index()];
}

void ContentLedger::unqueued(std::span<const ContentId> sequence) {
  if (!needed(FactNeeds::queue)) return;
  for (const ContentId content : sequence) {
    TERRACE_CHECK(waiting_[content.index()] > 0);
    --waiting_[content.index()];
  }
}

void ContentLedger::foresee(const std::vector<std::vector<ContentId>>& sequences) {
  std::vector<std::uint64_t> ends;
  for (const auto& sequence : sequences) {
    for (const ContentId content : sequence) {
      if (content.index() >= ends.size()) ends.resize(content.index() + 1);
      ++ends[content.index()];
    }
  }
  first_use_.assign(ends.size() + 1, 0);
  for (std::size_t i = 0; i < ends.size(); ++i) first_use_[i + 1] = first_use_[i] + ends[i];
  requests_.resize(first_use_.back());
  std::vector<std::uint64_t> next(first_use_.begin(), first_use_.end() - 1);
  for (std::size_t r = 0; r < sequences.size(); ++r) {
    for (const ContentId content : sequences[r]) {
      requests_[next[content.index()]++] = static_cast<std::uint32_t>(r);
    }
  }
}

void ContentLedger::met(std::uint64_t request) {
  if (!needed(FactNeeds::future)) return;
  if (request >= met_.size()) met_.resize(request + 1 + met_.size() / 2);
  met_[request] = true;
  while (past_ < met_.size() && met_[past_]) ++past_;
}

std::uint64_t ContentLedger::next_use(ContentId content) const {
  if (content.index() + 1 >= first_use_.size()) return BlockFacts::kNever;
  const auto begin = requests_.begin() + static_cast<std::ptrdiff_t>(first_use_[content.index()]);
  const auto end = requests_.begin() + static_cast<std::ptrdiff_t>(first_use_[content.index() + 1]);
  auto next = std::lower_bound(begin, end, past_);
  // Some may have overtaken the one that is waited for.
  while (next != end && *next < met_.size() && met_[*next]) ++next;
  return next == end ? BlockFacts::kNever : *next;
}

Duration ContentLedger::prefill(Tokens tokens) const {
  const auto block = static_cast<std::size_t>(contents_.block_size().count());
  const auto blocks = static_cast<std::size_t>(tokens.count()) / block;
  if (blocks == 0) return Duration::zero();
  if (blocks >= prefill_.size()) prefill_.resize(blocks + 1 + prefill_.size() / 2);
  if (prefill_[blocks] == Duration::zero()) prefill_[blocks] = recompute_(tokens);
  return prefill_[blocks];
}

}  // namespace terrace
