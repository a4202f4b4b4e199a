#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "sim/base/id.hpp"
#include "sim/base/units.hpp"
#include "sim/kv/content_ledger.hpp"
#include "sim/workload/workload.hpp"

namespace terrace {

/// Where the time before the first token went.
enum class TtftPart : std::uint8_t { queue, kv_load, prefill, other };
constexpr std::size_t kTtftParts = 4;

/// Why a request was turned away on arrival.
enum class Rejection : std::uint8_t { none, exceeds_kv_capacity, exceeds_max_model_len };

/// A request in the engine, from its arrival until it leaves.
struct Request {
  enum class State : std::uint8_t {
    waiting,     // in the queue, holding no block, or those that were loaded for it
    loading,     // it has nothing to do until its blocks have arrived from a tier
    prefilling,  // running, tokens known to it still to be computed
    decoding     // running, one token per step
  };

  /// Tokens [from, to), on their way from a tier while those before them are there already or are
  /// being computed; no more than that is computed before they have been joined.
  struct Tail {
    Tokens from;
    Tokens to;  // zero: there is none
    bool arrived = false;

    [[nodiscard]] bool open() const { return to > Tokens{}; }
  };

  // What arrived.
  std::uint64_t number = 0;  // in order of arrival, from zero
  std::uint32_t client = 0;
  std::uint32_t ticket = Arrival::kNoTicket;
  std::int64_t priority = 0;
  BlockUse use;  // what it says about its blocks
  std::span<const Retention> retention;
  Tokens prompt;
  Tokens output;                    // the scheduler only ever compares it with `generated`
  std::vector<ContentId> contents;  // of every full block of prompt and output

  // Where it is.
  State state = State::waiting;
  ReplicaId replica;
  std::vector<BlockId> blocks;  // held in HBM, in the order of the sequence
  Tokens computed;              // tokens whose KV is in HBM, or will be after the step under way
  Tail tail;                    // what is being loaded behind them
  Tokens generated;
  std::int64_t published = 0;  // full blocks that can be found in the prefix index

  // Its place in the scheduler (see Scheduler and DecodeSet).
  std::int64_t queue_key = 0;
  std::uint64_t run_order = 0;
  RequestId run_before = RequestId::none();
  RequestId run_after = RequestId::none();
  std::int64_t joined_step = 0;  // decoding: `computed` and `generated` are as of this step
  std::uint32_t bucket_place = 0;
  std::uint32_t finish_stamp = 0;
  std::uint64_t walked = 0;  // the latest walk() that scheduled it
  bool stalled = false;      // decoding, but the last step had no room for it

  // What became of it.
  Rejection rejection = Rejection::none;
  SimTime arrived{};
  SimTime first_token{};
  SimTime last_token{};  // of decoding requests: kept only across a stall or a preemption
  SimTime part_since{};
  std::array<Duration, kTtftParts> ttft_parts{};
  Tokens hbm_hits;  // of the first admission
  Tokens tier_hits;
  Tokens recomputed;  // lost to preemption
  std::int32_t preemptions = 0;

  /// Tokens that exist so far: what a prefill has to compute.
  [[nodiscard]] Tokens known() const { return prompt + generated; }

  /// What these tokens fill: in the queue, what the request hopes to find.
  [[nodiscard]] std::span<const ContentId> full_blocks(Tokens block) const {
    return std::span(contents).first(static_cast<std::size_t>(known().count() / block.count()));
  }

  /// Books the time since the last change of state, until the first token ends the matter.
  void spend(TtftPart part, SimTime now) {
    if (generated > Tokens{}) return;
    ttft_parts[static_cast<std::size_t>(part)] += now - part_since;
    part_since = now;
  }

  /// Of the time being spent in prefill, `stall` was spent waiting for a load instead.
  void spend_stall(Duration stall) {
    if (generated > Tokens{}) return;
    ttft_parts[static_cast<std::size_t>(TtftPart::kv_load)] += stall;
    ttft_parts[static_cast<std::size_t>(TtftPart::prefill)] -= stall;
  }
};

/// The live requests of a run. Slots are used again, with the memory of their lists.
class RequestTable {
 public:
  RequestId add() {
    if (free_.empty()) {
      requests_.emplace_back();
      return RequestId{requests_.size() - 1};
    }
    const RequestId id = free_.back();
    free_.pop_back();
    Request& slot = requests_[id.index()];
    std::vector<ContentId> contents = std::move(slot.contents);
    std::vector<BlockId> blocks = std::move(slot.blocks);
    contents.clear();
    blocks.clear();
    slot = Request{};
    slot.contents = std::move(contents);
    slot.blocks = std::move(blocks);
    return id;
  }
  void remove(RequestId id) {
    requests_[id.index()].contents.clear();
    free_.push_back(id);
  }

  Request& operator[](RequestId id) { return requests_[id.index()]; }
  const Request& operator[](RequestId id) const { return requests_[id.index()]; }
  [[nodiscard]] std::size_t live() const { return requests_.size() - free_.size(); }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const Request& request : requests_) visit(request);
  }

 private:
  std::vector<Request> requests_;
  std::vector<RequestId> free_;
};

}  // namespace terrace
