#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/cost/forms/form.hpp"
#include "sim/cost/kernel_profile.hpp"
#include "sim/cost/kernel_tables.hpp"

namespace terrace::calibrate {

/// Of |predicted / measured - 1|, as fractions.
struct Spread {
  double median = 0;
  double p90 = 0;
};

/// How well a table foretells what it does not have, over a regime.
struct TableErrors {
  std::string kernels;  // "decode bf16, head_dim 128"; "all_reduce, 8 GPUs"
  std::string regime;   // "all", or a part as the profile has it
  std::int64_t points = 0;
  std::optional<Spread> law;     // without the table
  std::optional<Spread> unseen;  // of the law on points held out of its fit, as the profile has it
  Spread point;                  // of a point that the table is not shown
  std::optional<Spread> shape;   // of a point whose shape the table is not shown
};

/// Leaves out each point in turn, then each with all others of its shape. `profile` has the laws
/// that the tables correct. Collectives have no shapes, their tables no law, and their smallest and
/// largest sizes stay. O(points^2).
std::vector<TableErrors> table_errors(const KernelTables& tables, const KernelProfile& profile,
                                      const forms::Chip& chip);

}  // namespace terrace::calibrate
