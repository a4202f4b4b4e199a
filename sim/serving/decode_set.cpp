#include "sim/serving/decode_set.hpp"

namespace terrace {

void DecodeSet::join(RequestId id) {
  Request& r = requests_[id];
  r.state = Request::State::decoding;
  r.joined_step = step_;
  ++size_;
  context_ += r.computed.count() + 1;
  enter_calendars(id);
}

void DecodeSet::leave(RequestId id) {
  Request& r = requests_[id];
  leave_calendars(id);
  const Tokens steps{step_ - r.joined_step};
  r.computed += steps;
  r.generated += steps;
  r.state = Request::State::prefilling;
  --size_;
  context_ -= r.computed.count() + 1;
  recover(id);
}

Tokens DecodeSet::computed(const Request& r) const {
  const bool member = r.state == Request::State::decoding;
  return r.computed + Tokens{member ? step_ - r.joined_step : 0};
}

void DecodeSet::stall(RequestId id, SimTime latest) {
  Request& r = requests_[id];
  leave_calendars(id);
  ++r.joined_step;
  enter_calendars(id);
  --context_;  // which advance() adds for every member
  if (r.stalled) return;
  r.stalled = true;
  ++stalled_;
  r.last_token = latest;
}

void DecodeSet::recover(RequestId id) {
  Request& r = requests_[id];
  if (!r.stalled) return;
  r.stalled = false;
  --stalled_;
}

void DecodeSet::take_finished(std::vector<RequestId>& finished) {
  for (; !finishes_.empty() && finishes_.top().step < step_; finishes_.pop()) {
    const Finish& finish = finishes_.top();
    if (requests_[finish.request].finish_stamp == finish.stamp) finished.push_back(finish.request);
  }
}

/// Where it stands by the next step in which it starts a block.
std::vector<RequestId>& DecodeSet::bucket_of(const Request& r) {
  const auto size = static_cast<std::int64_t>(buckets_.size());
  const std::int64_t step = r.joined_step + size - r.computed.count() % size;
  return buckets_[static_cast<std::size_t>(step % size)];
}

void DecodeSet::enter_calendars(RequestId id) {
  Request& r = requests_[id];
  std::vector<RequestId>& mates = bucket_of(r);
  r.bucket_place = static_cast<std::uint32_t>(mates.size());
  mates.push_back(id);
  ++starts_[start(r)];
  ++r.finish_stamp;
  const std::int64_t tokens_left = (r.output - r.generated).count();
  finishes_.push({r.joined_step + tokens_left - 1, r.finish_stamp, id});
}

void DecodeSet::leave_calendars(RequestId id) {
  Request& r = requests_[id];
  std::vector<RequestId>& mates = bucket_of(r);
  mates[r.bucket_place] = mates.back();
  requests_[mates.back()].bucket_place = r.bucket_place;
  mates.pop_back();
  const auto alike = starts_.find(start(r));
  if (--alike->second == 0) starts_.erase(alike);
  ++r.finish_stamp;  // its entry among the finishes is void
}

}  // namespace terrace
