#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/units.hpp"
#include "sim/fabric/hardware.hpp"
#include "sim/kv/capacity.hpp"
#include "sim/kv/hybrid_pages.hpp"
#include "sim/model/model.hpp"
#include "sim/serving/engine_spec.hpp"

namespace terrace {

/// What a KV cache is made of.
enum class KvPart : std::uint8_t {
  full,      // keys and values of every token
  windowed,  // of layers with a window or chunks
  latent,    // of MLA
  index,     // keys by which sparse attention chooses
  state,     // of linear attention, whatever the length
  cross      // keys and values of the encoder's output, likewise
};

constexpr std::size_t kKvParts = 6;
constexpr std::array<std::string_view, kKvParts> kKvPartNames = {"full",  "windowed", "latent",
                                                                 "index", "state",    "cross"};

using KvParts = std::array<Bytes, kKvParts>;

/// A memory below HBM, of one host.
struct KvStore {
  std::string name;
  Bytes capacity;
};

struct FootprintQuestion {
  std::vector<ModelSpec> models;
  std::vector<Tokens> contexts;
  std::vector<DType> kv;
  std::vector<int> tensor;  // GPUs that share every layer; they divide the heads
  EngineSpec engine;        // block size, utilisation and reserve; the type of the cache is `kv`
  std::vector<GpuSpec> gpus;
  std::vector<KvStore> stores;
};

/// The sequences of one length that fit a memory.
struct SequencesThatFit {
  std::int64_t held = 0;    // if layers with a window hold every token, as in a run
  std::int64_t hybrid = 0;  // in pages of vLLM's hybrid manager
};

/// One sequence, on one GPU.
struct FootprintPoint {
  Tokens context;
  Bytes held;    // every token in every layer, and what is kept whatever the length
  Bytes needed;  // without what has left a window
  std::int64_t blocks = 0;
  Bytes held_in_blocks;  // as `held`, the last block counted whole
  HybridPages hybrid;
  std::vector<SequencesThatFit> gpus;    // as those of the question, `tensor` of them together
  std::vector<SequencesThatFit> stores;  // likewise; with the parts of all GPUs
};

/// What a GPU has for KV beside the model.
struct HbmShare {
  HbmBudget budget;
  bool weights_fit = false;
  std::int64_t blocks = 0;  // of a run; none: what is left is not enough for two
  bool room = false;        // for blocks; if the model has none, for the reserve
};

/// A model with one type of cache on so many GPUs.
struct FootprintSeries {
  std::size_t model = 0;
  DType kv = DType::bf16;
  int tensor = 1;
  Bytes token;          // of one token, stored once
  Bytes token_per_gpu;  // on each GPU
  KvParts parts;        // of that, by token; of state and cross, by sequence
  Bytes fixed;          // of a sequence, on each GPU, whatever its length
  Bytes weights;        // on each GPU
  std::vector<HbmShare> gpus;
  std::vector<FootprintPoint> points;  // one per context
};

/// Every combination of models, types of cache and numbers of GPUs, in that order.
[[nodiscard]] std::vector<FootprintSeries> footprint(const FootprintQuestion& question);

/// Whether some layers need less than they hold, once the context is longer than their window.
[[nodiscard]] bool has_windows(const FootprintSeries& series);

/// What the layers of one part hold of one sequence of `context` tokens, on one GPU.
[[nodiscard]] KvParts parts_at(const FootprintSeries& series, Tokens context);

}  // namespace terrace
