#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "sim/base/units.hpp"
#include "sim/config/scalar.hpp"
#include "sim/model/model.hpp"

namespace terrace {

/// A model cannot have such an attention: what() says why, and what it could have.
class RewriteError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An attention that a model might have been made with.
struct AttentionRewrite {
  enum class Kind { mha, gqa, mqa, mla };

  Kind kind = Kind::mha;
  std::int64_t kv_heads = 0;  // of gqa
  std::int64_t latent = 0;    // of mla, as rope
  std::int64_t rope = 0;
  std::string text;  // "gqa:8"
};

/// "mha", "gqa:8", "mqa", "mla:512+64".
[[nodiscard]] config::Parsed<AttentionRewrite> parse_rewrite(std::string_view text);

/// The model with that attention and the name "llama-3.1-8b (gqa:8)"; heads, dimensions, layers and
/// MLPs stay. For mha, gqa and mqa
///   layers with keys and values get other KV heads; windows and chunks stay;
///   an MLA layer is spelled out: keys of nope + rope and values of v_dim elements per head, so
///   that a head of (nope + rope + v_dim) / 2 caches and computes as much; an index goes.
/// For mla a head's key of head_dim elements that are not rotated, and its value, come from the
/// latent, and all heads share the rotated key besides (arXiv 2405.04434, section 2.1); of MLA
/// layers only the widths of the latent change. Linear and cross-attention stay as they are.
/// Throws RewriteError if KV heads do not divide the heads, if a layer has a window, which MLA has
/// not, or if nothing can be rewritten.
[[nodiscard]] ModelSpec rewritten(const ModelSpec& model, const AttentionRewrite& rewrite);

}  // namespace terrace
