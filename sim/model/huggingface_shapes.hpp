#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/model/huggingface_config.hpp"
#include "sim/model/model.hpp"

namespace terrace::huggingface {

// What the configs of several architectures have in common.

using Fields = HuggingFaceConfig;

constexpr std::int64_t kMostLayers = 1024;
constexpr std::int64_t kMostHeads = 4096;

/// The keys of what every decoder has; the older ones have names of their own.
struct Keys {
  std::string_view hidden = "hidden_size";
  std::string_view layers = "num_hidden_layers";
  std::string_view heads = "num_attention_heads";
  std::string_view context = "max_position_embeddings";
};

/// All but the layers. `tied`: whether the LM head is the embedding if the config does not tell;
/// `context`: the longest one then, 0 if it has to be told.
ModelSpec base(Fields& f, bool tied, const Keys& keys = {}, std::int64_t context = 0);

std::int64_t layers(Fields& f, const Keys& keys = {});

/// "head_dim"; without it `fallback`, or a share of `hidden` if that is 0. `key` is that of heads.
std::int64_t head_dim(Fields& f, std::int64_t hidden, std::int64_t heads, std::string_view key,
                      std::int64_t fallback = 0);

/// Grouped-query attention; without num_key_value_heads, every head has its own. `dim`: the
/// fallback of head_dim().
FullAttention grouped(Fields& f, std::int64_t hidden, std::int64_t dim = 0, const Keys& keys = {});

/// The attention of layers with a window; full if none is given, or one beyond all contexts.
Attention sliding(Fields& f, const FullAttention& full, const ModelSpec& model,
                  std::int64_t fallback = 0);

DenseMlp dense(Fields& f, bool gated = true);

/// Routed experts; `count` and `width` are keys.
MoeMlp experts(Fields& f, std::string_view count, std::string_view width);

/// Adds a layer to the group of its equals.
void add(std::vector<LayerGroup>& groups, const Attention& attention, const Mlp& mlp);

/// Equal layers, as most models have.
void all_layers(ModelSpec& model, std::int64_t count, const Attention& attention, const Mlp& mlp);

/// "layer_types", if given: one for each of `count` layers, "full_attention" or `known`.
std::optional<std::vector<std::string>> layer_types(Fields& f, std::int64_t count,
                                                    std::string_view known);

/// Layers of which some slide: as "layer_types" says, else all but every `pattern`-th.
void windowed_layers(Fields& f, ModelSpec& model, const FullAttention& full, const Mlp& mlp,
                     std::int64_t window, std::int64_t pattern);

/// The first layers are dense, `fallback` if the config does not tell how many; the others have
/// routed and shared experts.
void dense_first(Fields& f, ModelSpec& model, const Attention& attention, std::int64_t fallback);

}  // namespace terrace::huggingface
