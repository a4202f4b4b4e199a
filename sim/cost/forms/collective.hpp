#pragma once

#include <array>
#include <cmath>
#include <span>
#include <string_view>

#include "sim/cost/forms/form.hpp"

namespace terrace::forms {

/// A collective operation of so many GPUs of one machine on `bytes` each:
///
///   t = latency + (bytes + 2 sqrt(bytes piece)) / bandwidth
///
/// A message is sent in pieces, so that GPUs pass on what they have while more arrives. Pieces of
/// the best size cost the square root of what they are cut from; `piece` is what could be sent in
/// the time that one more piece takes. Fitted for one number of GPUs: with one switch, or several
/// hosts' links, in between, others follow another law.
struct CollectiveLaw {
  static constexpr std::array<Parameter, 3> kParameters{{
      {"latency", Unit::time, 1e-7, 1e-2, 1e-5, "of an empty message"},
      {"bandwidth", Unit::bandwidth, 1e8, 5e12, 1e11, "of large messages"},
      {"piece", Unit::bytes, 1, 1e9, 1e5, "as good as sending one piece more"},
  }};

  struct Case {
    double bytes = 0;
  };

  static double seconds(std::span<const double> p, const Chip&, const Case& x) {
    return p[0] + (x.bytes + 2 * std::sqrt(x.bytes * p[2])) / p[1];
  }
};

struct AllReduce : CollectiveLaw {
  static constexpr std::string_view kName = "all_reduce";
};
struct AllGather : CollectiveLaw {
  static constexpr std::string_view kName = "all_gather";
};
struct ReduceScatter : CollectiveLaw {
  static constexpr std::string_view kName = "reduce_scatter";
};

}  // namespace terrace::forms
