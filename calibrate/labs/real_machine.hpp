#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "calibrate/labs/machine.hpp"
#include "calibrate/labs/slot_file.hpp"
#include "calibrate/labs/transformer.hpp"

namespace terrace::labs {

/// How the file below memory is used.
struct FileRules {
  std::filesystem::path directory = ".";
  unsigned depth = 32;  // commands in flight, each way
};

/// The machine that this runs on: a transformer that computes, a memory beside its pool, and a file
/// on a disk behind that. Loads are done by whoever waits for them; what goes to the file is copied
/// aside and written by a thread of its own while steps are computed.
class RealMachine final : public Machine {
 public:
  /// Memory of tiers[0] blocks, a file of tiers[1], as far as there are tiers. Throws
  /// std::runtime_error as calibrate::TestFile does; what fails later, from whatever is waiting.
  RealMachine(Transformer& model, std::span<const std::int64_t> tiers, const FileRules& rules);
  ~RealMachine() override;
  RealMachine(const RealMachine&) = delete;
  RealMachine& operator=(const RealMachine&) = delete;

  /// Time is zero now, and nothing has been computed.
  void restart() {
    start_ = std::chrono::steady_clock::now();
    times_ = {};
  }

  /// Where the time of all steps went.
  [[nodiscard]] const StepTimes& times() const { return times_; }

  /// What the file lost, if anything: "no O_DIRECT on overlay: ...".
  [[nodiscard]] std::vector<std::string> caveats() const;

  SimTime now() override;
  void idle_until(SimTime time) override;
  std::vector<std::int32_t> compute(std::span<const SequenceStep> sequences) override;
  void queue_write(std::size_t tier, BlockCopy block) override;
  void start_writes(std::size_t tier) override;
  void start_load(std::size_t load, std::size_t tier, std::span<const BlockCopy> blocks) override;
  void settle() override {}
  void keep_copy(std::size_t tier, BlockCopy block) override;
  std::optional<Arrived> arrived() override;
  Arrived wait() override;

 private:
  using Buffer = std::vector<std::byte>;
  struct Write {
    std::int32_t slot = 0;
    Buffer block;
  };
  struct Load {
    Arrived what;
    std::vector<BlockCopy> blocks;
  };

  [[nodiscard]] std::span<std::byte> memory_block(std::int32_t slot) const;
  [[nodiscard]] std::optional<Arrived> told();
  void load_from_memory(std::span<const BlockCopy> blocks);
  void load_from_file(std::span<const BlockCopy> blocks);
  void write_on(const std::stop_token& stop);
  void write_down(std::vector<Write>& blocks);

  Transformer& model_;
  FileRules rules_;
  std::size_t block_bytes_;
  SlotMemory memory_;
  SlotMemory staging_;  // of reads
  std::optional<SlotFile> file_;
  std::deque<Load> loads_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  StepTimes times_;
  std::int64_t copied_ = 0;    // blocks to memory that nobody has been told of
  std::vector<Write> queued_;  // of the file, until start_writes()

  std::mutex mutex_;  // of all that follows
  std::condition_variable_any changed_;
  std::vector<Write> waiting_;  // for the writer, which takes all there are
  std::vector<Buffer> spare_;
  std::deque<Arrived> told_;
  std::exception_ptr failure_;
  std::jthread writer_;  // the last, so that it is the first to go
};

}  // namespace terrace::labs
