#pragma once

#include <memory>

#include "sim/cost/kernels.hpp"

namespace terrace {

/// Decodes by one law and prompts by another, one after the other. `decodes` is asked for decodes
/// alone and `prompts` for prompts alone.
std::unique_ptr<AttentionLaw> split_attention(std::unique_ptr<AttentionLaw> decodes,
                                              std::unique_ptr<AttentionLaw> prompts);

}  // namespace terrace
