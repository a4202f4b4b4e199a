#include "sim/cost/kernel_profile.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "sim/base/check.hpp"
#include "sim/base/units.hpp"

namespace terrace {
namespace {

template <class Q>
Q from_si(double value) {
  return Q{static_cast<typename Q::rep>(value)};
}
template <>
Duration from_si(double value) {
  return Duration{std::llround(value * 1e12)};
}
template <>
Bytes from_si(double value) {
  return Bytes{std::llround(value)};
}

double to_si(double value) { return value; }
double to_si(Duration value) { return seconds(value); }
template <class Dimension, class Rep>
double to_si(Quantity<Dimension, Rep> value) {
  return static_cast<double>(value.count());
}

/// Calls `then` with a value of the type in which parameters of this unit are written.
template <class Then>
auto with_unit(forms::Unit unit, double value, Then&& then) {
  switch (unit) {
    case forms::Unit::none:
      break;
    case forms::Unit::time:
      return then(from_si<Duration>(value));
    case forms::Unit::bandwidth:
      return then(from_si<Bandwidth>(value));
    case forms::Unit::flop_rate:
      return then(from_si<FlopRate>(value));
    case forms::Unit::bytes:
      return then(from_si<Bytes>(value));
  }
  return then(value);
}

struct OneParameter {
  FittedParameter* fitted;
  const forms::Parameter* parameter;
};

void describe(config::Fields& f, OneParameter& one) {
  const auto tell = [&](std::string_view key, double& value, std::string_view doc) {
    with_unit(one.parameter->unit, value, [&](auto typed) {
      f.required(key, typed, doc);
      value = to_si(typed);
    });
  };
  tell("value", one.fitted->value, one.parameter->doc);
  tell("low", one.fitted->low, "lower end of the 95 % interval");
  tell("high", one.fitted->high, "upper end of the 95 % interval");
  tell("standard_error", one.fitted->standard_error, "of the value, over groups of points");
  f.check(one.fitted->low <= one.fitted->value && one.fitted->value <= one.fitted->high, "value",
          "does not lie between low and high");
}

struct ParametersOf {
  KernelFit* fit;
};

void describe(config::Fields& f, ParametersOf& of) {
  const forms::FormInfo& form = forms::find(of.fit->form.text);
  of.fit->parameters.resize(form.parameters.size());
  for (std::size_t i = 0; i < form.parameters.size(); ++i) {
    const forms::Parameter& parameter = form.parameters[i];
    FittedParameter& fitted = of.fit->parameters[i];
    if (form.concerns(parameter.name, of.fit->dtype)) {
      OneParameter one{&fitted, &parameter};
      f.object(parameter.name, one, parameter.doc, true);
    } else {
      fitted = {parameter.start, parameter.start, parameter.start, 0};
    }
  }
}

}  // namespace

forms::Chip chip_of(const GpuSpec& gpu) {
  TERRACE_CHECK(gpu.sms > 0 && gpu.l2 > Bytes{});
  return {static_cast<double>(gpu.sms), static_cast<double>(gpu.l2.count())};
}

bool KernelProfile::of_processor() const {
  return std::any_of(fits.begin(), fits.end(),
                     [](const KernelFit& fit) { return forms::find(fit.form.text).of_processor; });
}

std::vector<double> KernelFit::best() const {
  std::vector<double> all;
  for (const FittedParameter& parameter : parameters) all.push_back(parameter.value);
  return all;
}

void describe(config::Fields& f, RegimeError& error) {
  f.required("regime", error.regime, "which points: all, or a part that the form tells apart");
  f.required("points", error.points, "how many", config::at_least(1));
  f.required("median", error.median, "of |predicted / measured - 1|", config::kNotNegative);
  f.required("p90", error.p90, "its 90th percentile", config::kNotNegative);
  f.required("max", error.max, "the largest", config::kNotNegative);
  f.required("mape", error.mape, "the mean", config::kNotNegative);
  f.required("wape", error.wape, "the same weighted by time", config::kNotNegative);
  f.required("bias", error.bias, "mean of predicted / measured - 1");
  f.field("cv_median", error.cv_median, "median on groups of points the fit has not seen",
          config::kNotNegative);
  f.field("cv_p90", error.cv_p90, "90th percentile on groups of points the fit has not seen",
          config::kNotNegative);
}

void describe(config::Fields& f, KernelFit& fit) {
  if (fit.form.text.empty()) fit.form.text = forms::all().front().name;
  const auto rest = [&] {
    f.required("dtype", fit.dtype, "element of the KV cache, or of the weights");
    f.field("head_dim", fit.head_dim, "size of a head, if the fit is for one only",
            config::at_least(1));
    f.field("gpus", fit.gpus, "that take part, in collective operations", config::at_least(2));
    f.field("engine", fit.engine, "whose kernels, such as 'vLLM 0.24.0'");
    f.field("source", fit.source, "where the points come from");
    f.required("points", fit.points, "how many were fitted", config::at_least(1));
    ParametersOf parameters{&fit};
    f.object("parameters", parameters, "of the form, with their intervals", true);
    f.list("errors", fit.errors, "how far the fit is off, by regime", true);
  };
  f.variant("form", fit.form, "the law that was fitted", rest, true);
}

void describe(config::Fields& f, KernelProfile& profile) {
  f.required("gpu", profile.gpu, "the GPU, as its profile calls it");
  f.required("memory_bandwidth", profile.memory_bandwidth, "of that GPU, by its datasheet",
             config::kPositive);
  f.required("bf16", profile.bf16, "peak rate of that GPU, by its datasheet", config::kPositive);
  f.list("fits", profile.fits, "one for each form, dtype and head size", true);
  for (std::size_t i = 1; i < profile.fits.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      f.check(!profile.fits[i].same_key(profile.fits[j]), "fits",
              fmt::format("numbers {} and {} are of the same form, dtype, head_dim and gpus", j, i),
              "keep one");
    }
  }
}

std::string text_of(forms::Unit unit, double value) {
  return with_unit(unit, value,
                   [](auto typed) { return config::Scalar<decltype(typed)>::format(typed); });
}

std::optional<double> value_of(forms::Unit unit, std::string_view text) {
  return with_unit(unit, 0, [&](auto typed) -> std::optional<double> {
    const auto parsed = config::Scalar<decltype(typed)>::parse(text);
    return parsed.value ? std::optional(to_si(*parsed.value)) : std::nullopt;
  });
}

double as_kept(forms::Unit unit, double value) {
  const std::string text = fmt::format("{:.4e}", value);
  double rounded = 0;
  std::from_chars(text.data(), text.data() + text.size(), rounded);
  return with_unit(unit, rounded, [](auto typed) { return to_si(typed); });
}

}  // namespace terrace
