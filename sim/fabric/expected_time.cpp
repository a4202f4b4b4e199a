// The part of Fabric that answers: when would this arrive, if nothing else came?

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/fabric/fabric.hpp"

namespace terrace {

struct Fabric::Newcomer {
  TransferId id;
  MemoryId from;
  MemoryId to;
  Cargo cargo;
  SimTime due;         // it flows, or gets in line
  bool asked = false;  // it is a move of the question, not under way
  std::vector<Use> uses;
  Demand needed;
  TransferId head;  // whose turn it will be at its line; itself if it can flow at once
};

/// What will have joined by then: transfers within their latency, and the moves in question.
std::vector<Fabric::Newcomer> Fabric::newcomers(std::span<const Move> moves) const {
  std::vector<Newcomer> all;
  for (const TransferId id : issued_) {
    const Transfer& t = transfers_[id.index()];
    all.push_back({id, t.from, t.to, t.cargo, t.since, false, {}, {}, id});
  }
  for (std::size_t i = 0; i < moves.size(); ++i) {
    const Move& m = moves[i];
    TERRACE_CHECK(connected(m.from, m.to) && m.from != m.to && m.cargo.size > Bytes{0});
    const TransferId id{transfers_.size() + i};
    const SimTime due = after(loop_.now(), latency(m.from, m.to));
    all.push_back({id, m.from, m.to, m.cargo, due, true, {}, {}, id});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Newcomer& a, const Newcomer& b) { return a.due < b.due; });
  for (std::size_t i = 0; i < all.size(); ++i) {
    Newcomer& n = all[i];
    n.needed = demand(n.from, n.to, n.cargo, n.uses);
    if (n.needed.line == LinkId::none()) continue;
    const Line& line = links_[n.needed.line.index()].line;
    if (line.size() > 0) {
      n.head = line.transfers[line.first];
      continue;
    }
    for (std::size_t k = i; k-- > 0;) {
      if (all[k].needed.line == n.needed.line) n.head = all[k].head;
    }
  }
  return all;
}

/// Its rate once it has taken over from the head of its line.
double Fabric::rate_in_turn(TransferId id, std::span<const Use> uses, const Alone& alone,
                            double weight, TransferId head) {
  sharing_.enter(id, uses, alone, weight);
  const double rate = sharing_.prospect(id, head);
  sharing_.withdraw(id);
  return rate;
}

/// When what stands at this link now will all have passed, one after the other.
SimTime Fabric::line_ends(LinkId link) {
  const Line& line = links_[link.index()].line;
  if (line.size() == 0) return loop_.now();
  const TransferId head = line.transfers[line.first];
  const Transfer& first = transfers_[head.index()];
  const double rate = sharing_.prospect(head);
  SimTime at = flights_[first.flight].due;
  if (rate != first.rate) {
    const double moved = first.rate * seconds(loop_.now() - first.since);
    at = after(loop_.now(), std::max(0.0, first.left - moved) / rate);
  }
  std::vector<Use> uses;
  for (std::size_t i = line.first + 1; i < line.transfers.size(); ++i) {
    const TransferId id = line.transfers[i];
    const Transfer& t = transfers_[id.index()];
    const Alone alone = demand(t.from, t.to, t.cargo, uses).alone;
    at = after(at, as_double(t.cargo.size) / rate_in_turn(id, uses, alone, t.cargo.weight, head));
  }
  return at;
}

Duration Fabric::expected_time(std::span<const Move> moves) {
  const std::vector<Newcomer> coming = newcomers(moves);
  std::vector<TransferId> entered;
  for (const Newcomer& n : coming) {
    if (n.head != n.id) continue;
    sharing_.enter(n.id, n.uses, n.needed.alone, n.cargo.weight);
    entered.push_back(n.id);
  }

  SimTime last = loop_.now();
  std::vector<SimTime> ends(links_.size(), SimTime{});  // of lines, as far as they were asked for
  for (const Newcomer& n : coming) {
    const double size = as_double(n.cargo.size);
    SimTime at;
    if (n.needed.line == LinkId::none()) {
      at = after(n.due, size / sharing_.prospect(n.id));
    } else {
      SimTime& end = ends[n.needed.line.index()];
      if (end == SimTime{}) end = line_ends(n.needed.line);
      const double rate = n.head == n.id
                              ? sharing_.prospect(n.id)
                              : rate_in_turn(n.id, n.uses, n.needed.alone, n.cargo.weight, n.head);
      at = end = after(std::max(end, n.due), size / rate);
    }
    if (n.asked) last = std::max(last, at);
  }
  for (; !entered.empty(); entered.pop_back()) sharing_.withdraw(entered.back());
  return last - loop_.now();
}

}  // namespace terrace
