#pragma once

namespace terrace::forms {

// What the cache of MLA (DeepSeek-V2 and V3) holds of a token and layer, for all heads, in
// elements.
constexpr double kMlaLatent = 512;  // the values are this part of it
constexpr double kMlaRope = 64;
constexpr double kMlaRow = kMlaLatent + kMlaRope;

}  // namespace terrace::forms
