#include "calibrate/labs/real_machine.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace terrace::labs {

RealMachine::RealMachine(Transformer& model, std::span<const std::int64_t> tiers,
                         const FileRules& rules)
    : model_(model),
      rules_(rules),
      block_bytes_(static_cast<std::size_t>(model.shape().block_bytes().count())) {
  if (!tiers.empty()) memory_ = SlotMemory(block_bytes_, tiers[0]);
  if (tiers.size() < 2) return;
  file_.emplace(rules.directory, model.shape().block_bytes(), tiers[1], rules.depth);
  staging_ = SlotMemory(file_->slot_bytes(), rules.depth);
  writer_ = std::jthread([this](const std::stop_token& stop) { write_on(stop); });
}

RealMachine::~RealMachine() = default;

std::vector<std::string> RealMachine::caveats() const {
  return file_ ? file_->caveats() : std::vector<std::string>{};
}

SimTime RealMachine::now() {
  return SimTime{std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start_)};
}

void RealMachine::idle_until(SimTime time) {
  std::this_thread::sleep_until(
      start_ + std::chrono::ceil<std::chrono::nanoseconds>(time.time_since_epoch()));
}

std::vector<std::int32_t> RealMachine::compute(std::span<const SequenceStep> sequences) {
  const std::vector<float> logits = model_.step(sequences);
  times_ += model_.last_times();
  return greedy(logits, model_.shape().vocabulary);
}

std::span<std::byte> RealMachine::memory_block(std::int32_t slot) const {
  return memory_[static_cast<std::size_t>(slot)].first(block_bytes_);
}

// --- down ----------------------------------------------------------------------------------------

void RealMachine::keep_copy(std::size_t, BlockCopy block) {
  model_.save_block(block.from, memory_block(block.to));
}

void RealMachine::queue_write(std::size_t tier, BlockCopy block) {
  if (tier == 0) {
    keep_copy(tier, block);
    ++copied_;
    return;
  }
  Buffer buffer;
  {
    const std::lock_guard lock(mutex_);
    if (!spare_.empty()) {
      buffer = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  const auto from = memory_block(block.from);
  buffer.assign(from.begin(), from.end());
  queued_.push_back({block.to, std::move(buffer)});
}

void RealMachine::start_writes(std::size_t tier) {
  const std::lock_guard lock(mutex_);
  if (tier == 0) {
    if (copied_ > 0) told_.push_back({Arrived::What::writes, 0, 0, std::exchange(copied_, 0)});
    return;
  }
  // At once: a writer that has just finished finds a whole group, or nothing.
  std::move(queued_.begin(), queued_.end(), std::back_inserter(waiting_));
  queued_.clear();
  changed_.notify_all();
}

/// The writer's life: all that waits goes at once, and whatever came meanwhile goes next.
void RealMachine::write_on(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !waiting_.empty() && !failure_; })) {
    std::vector<Write> moving = std::exchange(waiting_, {});
    lock.unlock();
    std::exception_ptr failure;
    try {
      write_down(moving);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    failure_ = failure;
    for (Write& write : moving) spare_.push_back(std::move(write.block));
    told_.push_back({Arrived::What::writes, 1, 0, std::ssize(moving)});
    changed_.notify_all();
  }
}

void RealMachine::write_down(std::vector<Write>& blocks) {
  for (const Write& write : blocks) file_->write(write.slot, write.block);
  file_->flush();
}

// --- up ------------------------------------------------------------------------------------------

void RealMachine::start_load(std::size_t load, std::size_t tier,
                             std::span<const BlockCopy> blocks) {
  loads_.push_back(
      {{Arrived::What::load, tier, load, std::ssize(blocks)}, {blocks.begin(), blocks.end()}});
}

void RealMachine::load_from_memory(std::span<const BlockCopy> blocks) {
  for (const BlockCopy& block : blocks) model_.load_block(block.to, memory_block(block.from));
}

void RealMachine::load_from_file(std::span<const BlockCopy> blocks) {
  std::vector<SlotFile::Read> reads;
  for (std::size_t i = 0; i < blocks.size(); ++i) reads.push_back({blocks[i].from, staging_[i]});
  file_->read(reads);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    model_.load_block(blocks[i].to, staging_[i].first(block_bytes_));
  }
}

// --- what has arrived ----------------------------------------------------------------------------

/// REQUIRES: mutex_ is held.
std::optional<Arrived> RealMachine::told() {
  if (failure_) std::rethrow_exception(failure_);
  if (told_.empty()) return std::nullopt;
  const Arrived first = told_.front();
  told_.pop_front();
  return first;
}

std::optional<Arrived> RealMachine::arrived() {
  const std::lock_guard lock(mutex_);
  return told();
}

Arrived RealMachine::wait() {
  if (loads_.empty()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !told_.empty() || failure_; });
    return *told();
  }
  const Load load = std::move(loads_.front());
  loads_.pop_front();
  std::span<const BlockCopy> rest(load.blocks);
  if (load.what.tier == 0) {
    load_from_memory(rest);
    return load.what;
  }
  while (!rest.empty()) {
    const std::size_t most = std::min<std::size_t>(rest.size(), rules_.depth);
    load_from_file(rest.first(most));
    rest = rest.subspan(most);
  }
  return load.what;
}

}  // namespace terrace::labs
