#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sim/scenario/scenario.hpp"
#include "sim/study/break_even/break_even.hpp"
#include "sim/study/break_even/kv_money.hpp"

namespace terrace::app {

/// All that `terrace breakeven` has to say.
struct BreakEvenReport {
  Scenario machine;
  BreakEvenQuestion question;
  BreakEven answer;
  EconomicsSpec economics;
  std::optional<GpuPrice> gpu;                  // nothing: not known
  std::vector<std::optional<Keeping>> keeping;  // by tier; nothing: not known
  double reuses = 1;
  bool host_chosen = false;
  Tokens hbm;  // that fit beside the weights of a replica

  /// Nothing if a price is not known.
  [[nodiscard]] std::optional<Worth> worth(std::size_t prefix, std::size_t tier) const;
};

std::string medium_name(Medium tier);

std::string breakeven_text(const BreakEvenReport& report);
std::string breakeven_json(const BreakEvenReport& report);

/// The formulas with the numbers of the longest prefix.
std::string breakeven_formulas(const BreakEvenReport& report);

/// A row for each prefix and tier.
void write_breakeven_csv(const BreakEvenReport& report, const std::filesystem::path& path);

/// Time against length, as SVG.
std::string breakeven_plot(const BreakEvenReport& report);

}  // namespace terrace::app
