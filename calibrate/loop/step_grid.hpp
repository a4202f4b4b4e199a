#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "calibrate/labs/transformer.hpp"
#include "sim/base/function_ref.hpp"
#include "sim/base/units.hpp"

namespace terrace::calibrate {

/// How far a grid of step times reaches, and how often a point is measured.
struct StepGridSpec {
  std::int64_t most_tokens = 256;   // of a step
  std::int64_t most_sequences = 8;  // that decode
  std::int64_t longest = 1024;      // tokens computed before
  int passes = 7;
  std::uint64_t seed = 1;
};

/// Times of a transformer's steps, taken apart: what the simulator's layer profiles consist of.
///
/// All come from whole steps, where caches are as warm as they are in service. Decodes and prompts
/// have kernels of their own, one after the other, so that the attention of a step with both is the
/// sum of theirs.
struct StepGrid {
  using Shape2 = std::pair<std::int64_t, std::int64_t>;

  std::map<std::int64_t, Duration> products;   // by tokens: of all layers, without the LM head
  std::map<std::int64_t, Duration> pointwise;  // by tokens: of all layers, and what is around them
  std::map<std::int64_t, Duration> head;       // by sequences
  std::map<std::int64_t, Duration> sampler;    // by sequences
  std::map<Shape2, Duration> prefill;          // by chunk and prefix: of all layers
  std::map<Shape2, Duration> decode;           // by sequences and prefix: of all layers
  Duration sentinel{};                         // a step that was measured again and again
  double sentinel_spread = 0;                  // (P90 - P10) / median
};

/// One step of a shape: so many sequences of (new tokens, tokens computed before).
using StepShape = std::vector<std::pair<std::int64_t, std::int64_t>>;

struct TimedStep {
  labs::StepTimes model;
  Duration all{};  // with the choice of the next tokens
};

/// Runs steps of any shape on a transformer whose pool holds random KV.
class StepBench {
 public:
  /// `blocks` of the model's pool are overwritten.
  StepBench(labs::Transformer& model, std::int64_t blocks);

  TimedStep run(const StepShape& step);

 private:
  labs::Transformer& model_;
  std::int64_t blocks_;
};

/// Blocks that a bench for this grid needs.
std::int64_t blocks_for(const StepGridSpec& spec, std::int64_t page);

/// All points in random order, `passes` times over; medians. `run` does a step of a model of that
/// shape; `proceed` is told the part that is done, and may throw. About 2 s a pass on one core of a
/// server.
StepGrid measure_steps(FunctionRef<TimedStep(const StepShape&)> run, const labs::Shape& shape,
                       const StepGridSpec& spec, FunctionRef<void(double)> proceed);

/// Writes the grid as a layer profile of that stem, for `cost: {backend: layers}`. Products are
/// divided by their weights, the rest by the numbers it reads and writes.
void write_layer_profile(const StepGrid& grid, const labs::Shape& shape,
                         const std::filesystem::path& directory, const std::string& stem);

}  // namespace terrace::calibrate
