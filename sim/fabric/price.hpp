#pragma once

#include <string>

#include "sim/base/units.hpp"
#include "sim/config/fields.hpp"
#include "sim/fabric/number_source.hpp"

namespace terrace {

/// What a thing cost at some date. Memory became three to four times as dear within the year to
/// early 2026: a price without its date and range is worth nothing.
template <class Price>
struct PriceRange {
  Price low;
  Price typical;
  Price high;
  std::string as_of;  // 2026-05
};

template <class Price>
void describe(config::Fields& f, PriceRange<Price>& price) {
  f.required("low", price.low, "of a large or patient buyer, or of used goods", config::kPositive);
  f.required("typical", price.typical, "what most pay", config::kPositive);
  f.required("high", price.high, "in small numbers, or when it is scarce", config::kPositive);
  f.required("as_of", price.as_of, "when these prices held");
  f.check(price.low <= price.typical && price.typical <= price.high, "typical",
          "'typical' must lie between 'low' and 'high'");
  f.check(is_date(price.as_of), "as_of",
          "'as_of' must be a year, a month or a day, such as 2026-05");
}

}  // namespace terrace
