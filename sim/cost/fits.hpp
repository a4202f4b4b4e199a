#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/cost/confidence.hpp"
#include "sim/cost/fitted_law.hpp"
#include "sim/cost/kernel_profile.hpp"
#include "sim/model/dtype.hpp"

namespace terrace {

// Caveats that kernels of GPUs and of processors share.
constexpr const char* kIndexOfSparse =
    "the index of sparse attention: from the fit of attention, not measured";
constexpr const char* kPromptsOfMla = "prompts of MLA: from a roofline, not measured";

/// The fits of a profile, by what they are asked for; keeps account of what stood in.
class Fits {
 public:
  Fits(const KernelProfile& profile, Confidence confidence)
      : profile_(profile), confidence_(confidence) {}

  /// The fit of that form which differs least: in the data type first, then in `size`, its head_dim
  /// or number of GPUs. Empty if there is none of the form.
  [[nodiscard]] Law nearest(std::string_view form, DType dtype, std::int64_t size = 0) const;

  void note(std::string caveat) const { caveats_.insert(std::move(caveat)); }
  [[nodiscard]] std::vector<std::string> caveats() const {
    return {caveats_.begin(), caveats_.end()};
  }

 private:
  [[nodiscard]] double stretch(const KernelFit& fit) const;

  KernelProfile profile_;
  Confidence confidence_;
  mutable std::set<std::string> caveats_;
};

}  // namespace terrace
