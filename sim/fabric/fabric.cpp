#include "sim/fabric/fabric.hpp"

#include <algorithm>

#include "sim/base/check.hpp"

namespace terrace {

TransferId Fabric::new_transfer() {
  ++in_flight_;
  if (free_.empty()) {
    transfers_.emplace_back();
    return TransferId{transfers_.size() - 1};
  }
  const TransferId id = free_.back();
  free_.pop_back();
  return id;
}

TransferId Fabric::start(MemoryId from, MemoryId to, const Cargo& cargo) {
  TERRACE_CHECK(connected(from, to));
  TERRACE_CHECK(cargo.size >= Bytes{0} && cargo.pieces > 0 && cargo.extents > 0);
  const TransferId id = new_transfer();
  Transfer& transfer = transfers_[id.index()];
  transfer.from = from;
  transfer.to = to;
  transfer.cargo = cargo;
  transfer.order = started_++;
  if (from == to || cargo.size == Bytes{0}) {
    loop_.post(Duration{}, TransferDone{id});
  } else {
    const Duration wait = latency(from, to);
    transfer.since = after(loop_.now(), wait);
    issued_.push_back(id);
    loop_.post(wait, TransferStarts{id}, "the latency of a transfer");
  }
  return id;
}

void Fabric::on(const TransferStarts& event) {
  Transfer& transfer = transfers_[event.transfer.index()];
  std::erase(issued_, event.transfer);
  const Demand needed = demand(transfer.from, transfer.to, transfer.cargo, uses_);
  transfer.line = needed.line;
  if (needed.line != LinkId::none()) {
    Line& line = links_[needed.line.index()].line;
    line.transfers.push_back(event.transfer);
    if (line.size() > 1) {
      note_presence(needed.line);
      return;
    }
  }
  flow(event.transfer, needed.alone);
}

/// Lets a transfer take bandwidth; what it uses is in uses_.
void Fabric::flow(TransferId id, const Alone& alone) {
  Transfer& transfer = transfers_[id.index()];
  sharing_.join(id, uses_, alone, transfer.cargo.weight);
  for (const Use& use : uses_) note_presence(use.resource);
  transfer.since = loop_.now();
  transfer.left = static_cast<double>(transfer.cargo.size.count());
  transfer.rate = 0;
  transfer.alone = alone.rate;
  transfer.bottleneck = LinkId::none();
  transfer.flight = static_cast<std::uint32_t>(flights_.size());
  flights_.push_back({SimTime::max(), id});
  change_rates();
}

void Fabric::note_presence(LinkId id) {
  Link& link = links_[id.index()];
  const std::size_t waiting = link.line.size() > 0 ? link.line.size() - 1 : 0;
  link.peak = std::max(link.peak, sharing_.flows_on(id) + waiting);
}

void Fabric::change_rates() {
  if (change_pending_) return;
  change_pending_ = true;
  loop_.post(Duration{}, RatesChange{});
}

void Fabric::on(const RatesChange&) {
  change_pending_ = false;
  for (const TransferId id : sharing_.solve()) {
    Transfer& transfer = transfers_[id.index()];
    settle(transfer);
    transfer.rate = sharing_.rate(id);
    transfer.bottleneck = sharing_.bottleneck(id);
    flights_[transfer.flight].due = after(loop_.now(), transfer.left / transfer.rate);
  }
  arm();
}

/// Brings a transfer's progress up to now, before its rate changes.
void Fabric::settle(Transfer& transfer) {
  const double elapsed = seconds(loop_.now() - transfer.since);
  transfer.left = std::max(0.0, transfer.left - transfer.rate * elapsed);
  transfer.since = loop_.now();
  if (transfer.bottleneck == LinkId::none()) return;
  links_[transfer.bottleneck.index()].queueing += (1 - transfer.rate / transfer.alone) * elapsed;
}

/// Sees to it that exactly one valid TransferDue is pending, for the nearest end.
void Fabric::arm() {
  SimTime nearest = SimTime::max();
  for (const Flight& flight : flights_) nearest = std::min(nearest, flight.due);
  if (nearest == armed_) return;
  armed_ = nearest;
  ++stamp_;
  if (nearest != SimTime::max()) loop_.post(nearest - loop_.now(), TransferDue{stamp_});
}

const std::string& Fabric::slowest() const {
  TERRACE_CHECK(!flights_.empty());
  const auto last =
      std::max_element(flights_.begin(), flights_.end(),
                       [](const Flight& a, const Flight& b) { return a.due < b.due; });
  const Transfer& transfer = transfers_[last->transfer.index()];
  const std::vector<LinkId> route = topology_.route(transfer.from, transfer.to);
  const auto narrowest = std::min_element(route.begin(), route.end(), [this](LinkId a, LinkId b) {
    return hop_of(a).bandwidth < hop_of(b).bandwidth;
  });
  return links_[narrowest->index()].name;
}

void Fabric::on(const TransferDue& event) {
  if (event.stamp != stamp_) return;
  armed_ = SimTime::max();

  // Ends are whole picoseconds fixed when the rate was, so none is missed or found early.
  arrived_.clear();
  for (const Flight& flight : flights_) {
    if (flight.due <= loop_.now()) arrived_.push_back(flight.transfer);
  }
  if (arrived_.size() > 1) {
    std::sort(arrived_.begin(), arrived_.end(), [this](TransferId a, TransferId b) {
      return transfers_[a.index()].order < transfers_[b.index()].order;
    });
  }
  for (const TransferId id : arrived_) finish(id);
  if (sharing_.stale()) {
    change_rates();  // which arms
  } else {
    arm();
  }
}

void Fabric::finish(TransferId id) {
  Transfer& transfer = transfers_[id.index()];
  const auto size = static_cast<double>(transfer.cargo.size.count());
  const double moved = transfer.rate * seconds(loop_.now() - transfer.since);
  TERRACE_CHECK(transfer.left - moved <= 1e-9 * size);
  settle(transfer);

  sharing_.for_each_use(id, [&](LinkId use, double per_byte) {
    Link& link = links_[use.index()];
    link.bytes += transfer.cargo.size.count();
    ++link.transfers;
    link.work += per_byte * size;
  });
  sharing_.leave(id);

  const Flight last = flights_.back();
  flights_[transfer.flight] = last;
  transfers_[last.transfer.index()].flight = transfer.flight;
  flights_.pop_back();
  loop_.post(Duration{}, TransferDone{id});

  if (transfer.line == LinkId::none()) return;
  Link& link = links_[transfer.line.index()];
  link.line.pop();
  if (link.line.size() == 0) return;
  const TransferId next = link.line.transfers[link.line.first];
  const Transfer& head = transfers_[next.index()];
  link.queueing += seconds(loop_.now() - head.since);
  flow(next, demand(head.from, head.to, head.cargo, uses_).alone);
}

void Fabric::on(const TransferDone& event) {
  --in_flight_;
  // A listener that hears of this end after the fabric may start a transfer at once; it must not
  // get the id it is just hearing about.
  if (resting_ != TransferId::none()) free_.push_back(resting_);
  resting_ = event.transfer;
}

void Fabric::Line::pop() {
  ++first;
  if (2 * first < transfers.size()) return;
  transfers.erase(transfers.begin(), transfers.begin() + static_cast<std::ptrdiff_t>(first));
  first = 0;
}

std::vector<LinkReport> Fabric::report(SimTime at) const {
  TERRACE_CHECK(at >= loop_.now() && at <= armed_);
  std::vector<double> work;
  std::vector<double> queueing;
  for (const Link& link : links_) {
    work.push_back(link.work);
    queueing.push_back(link.queueing);
  }
  for (const Flight& flight : flights_) {
    const Transfer& transfer = transfers_[flight.transfer.index()];
    const double elapsed = seconds(at - transfer.since);
    const double left = std::max(0.0, transfer.left - transfer.rate * elapsed);
    const double moved = static_cast<double>(transfer.cargo.size.count()) - left;
    sharing_.for_each_use(flight.transfer, [&](LinkId use, double per_byte) {
      work[use.index()] += per_byte * moved;
    });
    if (transfer.bottleneck != LinkId::none())
      queueing[transfer.bottleneck.index()] += (1 - transfer.rate / transfer.alone) * elapsed;
  }

  std::vector<LinkReport> reports;
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const Link& link = links_[i];
    for (std::size_t k = link.line.first + 1; k < link.line.transfers.size(); ++k)
      queueing[i] += seconds(at - transfers_[link.line.transfers[k].index()].since);
    const double busy = work[i] / sharing_.capacity(LinkId{i});
    const double elapsed = seconds(at);
    TERRACE_CHECK(busy <= elapsed * (1 + 1e-9) + 1e-11);
    reports.push_back({link.name, Bytes{link.bytes}, link.transfers, duration_from_seconds(busy),
                       elapsed > 0 ? std::min(1.0, busy / elapsed) : 0,
                       std::chrono::duration<double>(queueing[i]), link.peak});
  }
  return reports;
}

}  // namespace terrace
