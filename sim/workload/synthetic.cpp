#include "sim/workload/synthetic.hpp"

#include <bit>
#include <limits>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/workload/content.hpp"
#include "sim/workload/load_clock.hpp"
#include "sim/workload/sessions.hpp"

namespace terrace {
namespace {

/// The earliest of a fixed number of times, each of which may move either way: a tree of matches,
/// of which a change replays those on the way to the root. Ties go to the lower index.
class Tournament {
 public:
  explicit Tournament(std::size_t players)
      : leaves_(std::bit_ceil(players)), times_(leaves_, kNever), winners_(2 * leaves_) {
    for (std::size_t i = 0; i < leaves_; ++i) winners_[leaves_ + i] = static_cast<std::uint32_t>(i);
    for (std::size_t match = leaves_ - 1; match > 0; --match) play(match);
  }

  [[nodiscard]] std::uint32_t winner() const { return winners_[1]; }
  [[nodiscard]] SimTime time() const { return times_[winner()]; }

  void update(std::uint32_t player, SimTime at) {
    times_[player] = at;
    for (std::size_t match = (leaves_ + player) / 2; match > 0; match /= 2) play(match);
  }

 private:
  void play(std::size_t match) {
    const std::uint32_t left = winners_[2 * match];
    const std::uint32_t right = winners_[2 * match + 1];
    winners_[match] = times_[right] < times_[left] ? right : left;
  }

  std::size_t leaves_;
  std::vector<SimTime> times_;
  std::vector<std::uint32_t> winners_;  // winners_[1] is the champion; one leaf is its own champion
};

class Synthetic final : public Workload {
 public:
  Synthetic(const WorkloadSpec& spec, std::uint64_t seed)
      : clock_(spec),
        end_(spec.duration ? SimTime{*spec.duration} : kNever),
        requests_left_(spec.max_requests.value_or(std::numeric_limits<std::int64_t>::max())),
        order_(spec.clients.size()) {
    TERRACE_CHECK(!spec.clients.empty() && spec.clients.size() <= kMaxClients);
    streams_.reserve(spec.clients.size());
    for (const ClientSpec& client : spec.clients) {
      const auto index = static_cast<std::uint32_t>(clients_.size());
      clients_.push_back(
          {client.name, client.priority, client.slo.ttft, client.slo.tpot, client.retention});
      streams_.emplace_back(client, index, seed, sessions_);
      order_.update(index, streams_[index].next_time());
    }
  }

  [[nodiscard]] const std::vector<Client>& clients() const override { return clients_; }

  [[nodiscard]] std::optional<SimTime> next_time() override {
    const SimTime at = order_.time();
    if (requests_left_ == 0) return std::nullopt;
    if (at < end_) return at;
    if (end_ == kNever && in_engine_ == 0) check_all_sent();
    return std::nullopt;
  }

  void next(Arrival& arrival) override {
    TERRACE_CHECK(next_time());
    --requests_left_;
    ++sent_;
    const std::uint32_t client = order_.winner();
    streams_[client].next(arrival);
    if (arrival.ticket != Arrival::kNoTicket) ++in_engine_;
    order_.update(client, streams_[client].next_time());
  }

  void left(std::uint32_t ticket, SimTime now) override {
    TERRACE_CHECK(ticket < sessions_.slots());
    TERRACE_CHECK(in_engine_ > 0);
    --in_engine_;
    const std::uint32_t client = sessions_[ticket].client;
    streams_[client].left(ticket, now);
    order_.update(client, streams_[client].next_time());
  }

 private:
  /// Nobody will ever send again: because all have sent what they were to, or their next request is
  /// beyond the clock. Throws EndOfTime if so.
  void check_all_sent() const {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (!streams_[i].done()) clock_.fail(i, sent_);
    }
  }

  LoadClock clock_;
  SimTime end_;
  std::int64_t requests_left_;
  std::int64_t sent_ = 0;
  std::int64_t in_engine_ = 0;  // of those that somebody waits for
  std::vector<Client> clients_;
  SessionPool sessions_;
  std::vector<ClientStream> streams_;
  Tournament order_;
};

}  // namespace

std::unique_ptr<Workload> make_synthetic(const WorkloadSpec& spec, std::uint64_t seed) {
  return std::make_unique<Synthetic>(spec, seed);
}

}  // namespace terrace
