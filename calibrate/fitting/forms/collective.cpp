#include "sim/cost/forms/collective.hpp"

#include <array>

#include "calibrate/fitting/forms/adapter.hpp"

namespace terrace::calibrate {
namespace {

template <class Operation>
struct CollectivePoints {
  using Form = Operation;
  static constexpr std::string_view kFamily = Operation::kName;
  static constexpr std::array kColumns = {Column{"bytes"}, Column{"num_gpus", 2}};
  static constexpr std::array<std::string_view, 1> kGroup = {"bytes"};
  static constexpr std::array<std::string_view, 2> kRegimes = {"below 1 MiB", "from 1 MiB"};
  static constexpr std::string_view kOnly = "num_gpus";
  static constexpr bool kTyped = false;

  static typename Form::Case case_of(const Row& row) { return {row.number("bytes")}; }
  static std::string_view left_out(const Row&, const typename Form::Case&, const forms::Chip&) {
    return {};
  }
  static std::size_t regime(const Row&, const typename Form::Case& x, const forms::Chip&) {
    return x.bytes < (1U << 20U) ? 0 : 1;
  }
  static Work work(const typename Form::Case&) { return {}; }
};

}  // namespace

Adapter all_reduce() { return adapter_of<CollectivePoints<forms::AllReduce>>(); }
Adapter all_gather() { return adapter_of<CollectivePoints<forms::AllGather>>(); }
Adapter reduce_scatter() { return adapter_of<CollectivePoints<forms::ReduceScatter>>(); }

}  // namespace terrace::calibrate
