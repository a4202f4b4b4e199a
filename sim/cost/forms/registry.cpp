#include "sim/cost/forms/registry.hpp"

#include <algorithm>

#include "sim/base/check.hpp"
#include "sim/cost/forms/collective.hpp"
#include "sim/cost/forms/cpu.hpp"
#include "sim/cost/forms/decode.hpp"
#include "sim/cost/forms/gemm.hpp"
#include "sim/cost/forms/mixed.hpp"
#include "sim/cost/forms/mla_decode.hpp"
#include "sim/cost/forms/mla_prefill.hpp"
#include "sim/cost/forms/prefill.hpp"

namespace terrace {

namespace forms {
namespace {

template <class Form>
constexpr FormInfo info() {
  return {Form::kName, Form::kParameters, concerns<Form>, of_processor<Form>()};
}

constexpr FormInfo kForms[] = {info<Gemm>(),        info<Decode>(),    info<Prefill>(),
                               info<Mixed>(),       info<MlaDecode>(), info<MlaPrefill>(),
                               info<AllReduce>(),   info<AllGather>(), info<ReduceScatter>(),
                               info<CpuGemm>(),     info<CpuDecode>(), info<CpuPrefill>(),
                               info<CpuMlaDecode>()};

}  // namespace

std::span<const FormInfo> all() { return kForms; }

const FormInfo& find(std::string_view name) {
  const auto found = std::find_if(std::begin(kForms), std::end(kForms),
                                  [&](const FormInfo& form) { return form.name == name; });
  TERRACE_CHECK(found != std::end(kForms));
  return *found;
}

}  // namespace forms

std::vector<std::string_view> config::Scalar<forms::FormName>::names() {
  std::vector<std::string_view> all;
  for (const forms::FormInfo& form : forms::all()) all.push_back(form.name);
  return all;
}

config::Parsed<forms::FormName> config::Scalar<forms::FormName>::parse(std::string_view text) {
  for (const std::string_view name : names()) {
    if (name == text) return {forms::FormName{std::string(text)}, {}};
  }
  return {std::nullopt, {}};
}

}  // namespace terrace
