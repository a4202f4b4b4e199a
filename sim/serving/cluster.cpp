#include "sim/serving/cluster.hpp"

#include <algorithm>
#include <utility>

#include "sim/base/check.hpp"

namespace terrace {
namespace {

/// Requests are told apart by client and turn, up to this turn.
constexpr std::uint32_t kTurnsApart = 8;

}  // namespace

Cluster::Cluster(const FleetSpec& spec, EventLoop& loop, ContentTable& contents,
                 Hierarchy& hierarchy, const CostModel& cost, Workload& workload,
                 std::unique_ptr<Router> router, Observer& observer)
    : loop_(loop),
      contents_(contents),
      hierarchy_(hierarchy),
      workload_(workload),
      router_(std::move(router)),
      observer_(observer),
      max_model_len_(spec.max_model_len),
      data_parallel_(spec.data_parallel),
      returns_(loop, hierarchy) {
  for (const Client& client : workload.clients()) {
    std::vector<Retention>& rules = retention_.emplace_back();
    for (const RetentionSpec& r : client.retention) {
      rules.push_back({r.from, r.to, r.priority, r.duration});
    }
  }
  const std::size_t replicas = hierarchy.hbm_parts().size();
  TERRACE_CHECK(replicas % spec.data_parallel == 0);
  replicas_.reserve(replicas);
  for (std::size_t i = 0; i < replicas; ++i) {
    replicas_.emplace_back(spec.engine, spec.model, ReplicaId{i}, requests_, hierarchy, cost,
                           observer);
  }
  for (std::size_t i = 0; i < replicas; i += spec.data_parallel) {
    groups_.emplace_back(std::span(replicas_).subspan(i, spec.data_parallel), spec.engine.load_wait,
                         spec.model.layers, loop, cost);
  }
}

/// Keeps one ArrivalDue pending, for the earliest request known to come.
void Cluster::arm() {
  const std::optional<SimTime> next = workload_.next_time();
  const SimTime due = next.value_or(SimTime::max());
  if (due == armed_) return;
  armed_ = due;
  ++stamp_;
  if (next) loop_.post(due - loop_.now(), ArrivalDue{stamp_});
}

void Cluster::on(const ArrivalDue& event) {
  if (event.stamp != stamp_) return;
  armed_ = SimTime::max();
  while (workload_.next_time() == loop_.now()) {
    workload_.next(arrival_);
    admit_arrival();
  }
  arm();
}

void Cluster::admit_arrival() {
  if (contents_.collection_due()) collect_contents();
  const RequestId id = requests_.add();
  Request& r = requests_[id];
  r.number = static_cast<std::uint64_t>(counts_.came++);
  r.client = arrival_.client;
  r.ticket = arrival_.ticket;
  r.priority = workload_.clients()[arrival_.client].priority;
  r.output = arrival_.output;
  r.arrived = loop_.now();
  r.part_since = loop_.now();
  for (const Span& span : arrival_.prompt) r.prompt += span.tokens;

  r.retention = retention_[r.client];
  r.use.session = arrival_.session;
  r.use.group = kTurnsApart * r.client + std::min(arrival_.turn, kTurnsApart - 1);
  r.use.tool_call = arrival_.tool_call;
  r.use.context = r.prompt;
  returns_.came(r.use.session, arrival_.turn);

  if (r.prompt + r.output > max_model_len_) {
    r.rejection = Rejection::exceeds_max_model_len;
  } else if (!replicas_.front().scheduler().fits(r.prompt, r.output)) {
    r.rejection = Rejection::exceeds_kv_capacity;
  }
  if (r.rejection != Rejection::none) {
    ++counts_.rejected;
    hierarchy_.ledger().met(r.number);
    leave(id);
    return;
  }
  ContentTable::Tip tip;
  for (const Span& span : arrival_.prompt) {
    tip = contents_.append(tip, span.content, span.tokens, r.contents);
  }
  contents_.append(tip, arrival_.output_content, r.output, r.contents);
  returns_.takes_in(r.use.session, id);
  routed_ = id;
  const ReplicaId replica = router_->choose(*this);
  group_of(replica).accept(replicas_[replica.index()], id);
}

void Cluster::on(const StepComputed& event) {
  LockstepGroup& group = group_of(event.replica);
  group.on_computed([this](RequestId id) {
    ++counts_.finished;
    returns_.left(requests_[id]);
    leave(id);
  });
  arm();
  group.wake();
}

void Cluster::on(const LoadDone& event) {
  group_of(event.replica).on_loaded(replicas_[event.replica.index()], event.request);
}

void Cluster::leave(RequestId id) {
  const Request& r = requests_[id];
  observer_.on_left(r, loop_.now());
  const std::uint32_t ticket = r.ticket;
  requests_.remove(id);
  if (ticket != Arrival::kNoTicket) workload_.left(ticket, loop_.now());
}

void Cluster::collect_contents() {
  contents_.collect([this](FunctionRef<void(ContentId)> mark) {
    hierarchy_.mark_contents(mark);
    returns_.mark_contents(mark);
    requests_.for_each([&](const Request& r) {
      for (const ContentId content : r.contents) mark(content);
    });
  });
  contents_.for_each_free([this](ContentId free) { hierarchy_.writes().forget(free); });
}

std::int64_t Cluster::requests(ReplicaId replica) const {
  return replicas_[replica.index()].scheduler().requests();
}

std::int64_t Cluster::running(ReplicaId replica) const {
  return replicas_[replica.index()].scheduler().running();
}

Tokens Cluster::backlog(ReplicaId replica) const {
  return replicas_[replica.index()].scheduler().backlog();
}

std::int64_t Cluster::held_blocks(ReplicaId replica) const {
  return hierarchy_.hbm_parts()[replica.index()].pool.held_blocks();
}

std::int64_t Cluster::cached_blocks(ReplicaId replica) const {
  const BlockPool& pool = hierarchy_.hbm_parts()[replica.index()].pool;
  const std::vector<ContentId>& contents = requests_[routed_].contents;
  std::size_t cached = 0;
  while (cached < contents.size() && pool.find(contents[cached]) != BlockId::none()) ++cached;
  return static_cast<std::int64_t>(cached);
}

}  // namespace terrace
