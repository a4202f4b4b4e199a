#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/des/event_loop.hpp"
#include "sim/fabric/sharing.hpp"
#include "sim/fabric/topology.hpp"
#include "sim/fabric/transfer_laws.hpp"

namespace terrace {

enum class Discipline {
  fair,  // transfers share the link while they last
  fifo,  // one at a time, in the order in which they arrive
};

/// A link's place on a drive: what software asks of it, and of which.
struct DriveAccess {
  CommandLaw commands;
  LinkId drive;  // from add_drive
  bool writes = false;
};

/// A directed link between two memories.
struct LinkSpec {
  std::string name;
  Bandwidth bandwidth;  // of one engine
  Duration latency{};   // of issue and start, before a transfer takes any bandwidth
  Discipline discipline = Discipline::fair;
  std::int64_t engines = 1;  // equal copy engines that every transfer is striped over
  std::optional<DescriptorLaw> descriptors{};
  std::optional<DriveAccess> access{};
  std::vector<LinkId> pools{};  // further capacities that its bytes use, from add_pool
};

/// What is to be moved, and in what shape.
struct Cargo {
  Bytes size;
  std::int64_t pieces = 1;   // copies that a copy engine makes of it, all engines together
  std::int64_t extents = 1;  // contiguous runs in which a drive holds it
  double weight = 1;         // of its share where it competes
};

/// A copy to be made.
struct Move {
  MemoryId from;
  MemoryId to;
  Cargo cargo;
};

/// What one link, pool, drive or memory has done so far.
struct LinkReport {
  std::string name;
  Bytes bytes;                 // of transfers that have arrived
  std::int64_t transfers = 0;  // that have arrived
  Duration busy{};             // time at full capacity that the same work would have taken
  // busy / elapsed, in [0, 1]; a drive that reads and writes at once is full below 1.
  double utilisation = 0;
  // By how much transfers took longer for lack of this resource: time in line, plus the integral of
  // 1 - rate / rate alone while this was the bottleneck. Sums over transfers, so it can be long.
  std::chrono::duration<double> queueing{};
  std::size_t peak = 0;  // most transfers at once, those in line included
};

/// Moves bytes between memories, in simulated time.
///
/// A transfer waits for the latencies of its route, then flows through all links of the route at
/// one rate, as a pipeline does. Rates are shared by weighted max-min fairness (see Sharing) and
/// change only when a transfer joins or leaves; several changes at one instant are one. What a
/// transfer uses: each link on its route and the pools and the drive of that link, and each memory
/// that has a bandwidth, once where it starts or ends and twice where it bounces.
///
/// A fifo link lets one transfer through at a time, if the link is its whole route or the narrowest
/// part of it. A transfer that is slower elsewhere comes in chunks that the engine interleaves with
/// the transfer in turn, so it shares fairly rather than block the line.
///
/// Build with add_*, then freeze(), then start(). TransferDone tells the end. Its id stays valid
/// while that event is delivered and until another TransferDone is, then it may be used again.
class Fabric {
 public:
  explicit Fabric(EventLoop& loop) : loop_(loop) {}

  /// Without a bandwidth, a memory is never what a transfer waits for.
  MemoryId add_memory(std::string name, std::optional<Bandwidth> bandwidth = {});
  /// A capacity that several links have in common: a duplex limit, a switch, a store.
  LinkId add_pool(std::string name, Bandwidth capacity);
  /// A drive's time, for the links that access it. mix_penalty is SsdSpec's.
  LinkId add_drive(std::string name, double mix_penalty);
  LinkId add_link(MemoryId from, MemoryId to, LinkSpec spec);
  void freeze() { topology_.freeze(); }

  [[nodiscard]] const Topology& topology() const { return topology_; }
  [[nodiscard]] bool connected(MemoryId from, MemoryId to) const {
    return topology_.reachable(from, to);
  }

  /// Time from start to TransferDone if nothing else moves. About 100 ns.
  [[nodiscard]] Duration unloaded_time(MemoryId from, MemoryId to, const Cargo& cargo) const;

  /// Time from now until all of these would have arrived if they were started now, together, and
  /// nothing else ever were: latency, then bytes over the rate that max-min fairness gives them
  /// beside all that is under way, issued or flowing; at a fifo link, what stands in line goes
  /// first, one by one. Exact as long as nobody else leaves, as a rule too late if somebody does.
  /// Later starts are not foreseen. Changes nothing. O(hops + line), with a solve for each transfer
  /// in line. REQUIRES: connected, from != to, size > 0.
  [[nodiscard]] Duration expected_time(std::span<const Move> moves);

  /// Sends a copy on its way; nothing or nowhere to go takes zero time. About 0.2 us alone and
  /// 0.5 us among four, end included. REQUIRES: connected(from, to), size >= 0, pieces and extents
  /// > 0.
  TransferId start(MemoryId from, MemoryId to, const Cargo& cargo);
  TransferId start(MemoryId from, MemoryId to, Bytes size, std::int64_t pieces, double weight = 1) {
    return start(from, to, Cargo{size, pieces, 1, weight});
  }

  void on(const TransferStarts& event);
  void on(const RatesChange& event);
  void on(const TransferDue& event);
  void on(const TransferDone& event);

  /// Transfers started and not yet announced as done.
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }

  /// The narrowest link on the way of the transfer in flight that arrives last.
  /// REQUIRES: some transfer takes bandwidth.
  [[nodiscard]] const std::string& slowest() const;

  /// The state of every resource at `at`, in the order of their ids: LinkId i is entry i.
  /// REQUIRES: no event of the fabric between the last one delivered and `at`.
  [[nodiscard]] std::vector<LinkReport> report(SimTime at) const;

 private:
  struct Line {  // transfers of a fifo link: the one in turn first, then those that wait
    std::vector<TransferId> transfers;
    std::size_t first = 0;

    [[nodiscard]] std::size_t size() const { return transfers.size() - first; }
    void pop();
  };

  struct Link {  // or pool, or drive, or memory: whatever has a capacity
    std::string name;
    Discipline discipline = Discipline::fair;
    Line line;
    std::int64_t bytes = 0;
    std::int64_t transfers = 0;
    double work = 0;      // capacity times seconds
    double queueing = 0;  // seconds
    std::size_t peak = 0;
  };

  struct Hop {  // what the links of the topology have beyond a capacity
    LinkId link;
    MemoryId from;
    MemoryId to;
    Bandwidth bandwidth;
    Duration latency{};
    std::optional<DescriptorLaw> descriptors;
    std::optional<DriveAccess> access;
    std::vector<LinkId> pools;
  };

  struct Transfer {
    MemoryId from;
    MemoryId to;
    Cargo cargo;
    std::uint64_t order = 0;  // of starts
    SimTime since{};          // it gets in line, or since when it has this rate
    double left = 0;          // bytes, at `since`
    double rate = 0;          // bytes/s
    double alone = 0;         // bytes/s if nothing else moved
    LinkId bottleneck = LinkId::none();
    LinkId line = LinkId::none();  // the fifo link that it takes its turn at
    std::uint32_t flight = 0;      // its place in flights_, if it flows
  };

  struct Flight {
    SimTime due;
    TransferId transfer;
  };

  struct Demand {
    Alone alone;
    LinkId line = LinkId::none();
  };

  struct Newcomer;

  /// So much later; the end of time if that is later still.
  [[nodiscard]] static SimTime after(SimTime from, Duration wait) {
    return wait < SimTime::max() - from ? from + wait : SimTime::max();
  }
  [[nodiscard]] static SimTime after(SimTime from, double exact_seconds) {
    return after(from, duration_from_seconds(exact_seconds));
  }
  [[nodiscard]] static double as_double(Bytes size) { return static_cast<double>(size.count()); }

  LinkId add_resource(std::string name, double capacity, double mix_penalty = 0);
  [[nodiscard]] const Hop& hop_of(LinkId link) const { return hops_[hop_of_[link.index()]]; }
  [[nodiscard]] Duration latency(MemoryId from, MemoryId to) const;
  Demand demand(MemoryId from, MemoryId to, const Cargo& cargo, std::vector<Use>& uses) const;
  TransferId new_transfer();
  void flow(TransferId id, const Alone& alone);
  void note_presence(LinkId id);
  void finish(TransferId id);
  void settle(Transfer& transfer);
  void change_rates();
  void arm();
  [[nodiscard]] std::vector<Newcomer> newcomers(std::span<const Move> moves) const;
  double rate_in_turn(TransferId id, std::span<const Use> uses, const Alone& alone, double weight,
                      TransferId head);
  SimTime line_ends(LinkId link);

  EventLoop& loop_;
  Topology topology_;
  Sharing sharing_;
  std::vector<Link> links_;  // by LinkId, as in sharing_
  std::vector<Hop> hops_;
  std::vector<std::uint32_t> hop_of_;     // by LinkId
  std::vector<LinkId> memory_bandwidth_;  // by MemoryId; none: unlimited

  std::vector<Transfer> transfers_;
  std::vector<TransferId> free_;
  TransferId resting_ = TransferId::none();  // done, but its listeners may still ask
  std::size_t in_flight_ = 0;
  std::uint64_t started_ = 0;

  std::vector<TransferId> issued_;  // within their latency, in order of issue
  std::vector<Flight> flights_;
  bool change_pending_ = false;
  SimTime armed_ = SimTime::max();  // when the pending TransferDue is; max: none
  std::uint32_t stamp_ = 0;
  std::vector<Use> uses_;            // scratch
  std::vector<TransferId> arrived_;  // scratch
};

}  // namespace terrace
