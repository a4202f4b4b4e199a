#include "sim/cost/kernel_profile.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/config/diagnostics.hpp"
#include "sim/config/reader.hpp"
#include "sim/config/writer.hpp"

namespace terrace {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A fit with some value for each parameter of the first form.
KernelProfile profile() {
  const forms::FormInfo& form = forms::all().front();
  KernelFit fit;
  fit.form.text = form.name;
  for (const forms::Parameter& parameter : form.parameters) {
    const double value = as_kept(parameter.unit, parameter.start);
    fit.parameters.push_back({value, as_kept(parameter.unit, value * 0.9),
                              as_kept(parameter.unit, value * 1.1),
                              as_kept(parameter.unit, value * 0.05)});
  }
  fit.dtype = DType::fp8;
  fit.head_dim = 128;
  fit.engine = "vLLM 0.24.0";
  fit.source = "somewhere: else";
  fit.points = 1234;
  fit.errors = {{"all", 1234, 0.031, 0.12, 0.8, 0.044, 0.029, -0.002, 0.033, 0.13},
                {"m <= 64", 12, 0.02, 0.1, 0.1, 0.02, 0.02, 0.001, {}, {}}};
  return {"h200-sxm", Bandwidth{4.8e12}, FlopRate{989e12}, {fit}};
}

std::string written(KernelProfile profile) { return config::Writer().write(profile); }

KernelProfile read(const std::string& text) {
  config::Diagnostics diagnostics;
  const config::Node root = config::parse_yaml("p.yaml", text, diagnostics);
  const config::Catalogue none;
  KernelProfile profile;
  config::Reader(root, "the profile", none, diagnostics).read(profile);
  diagnostics.raise();
  return profile;
}

std::string complaint(const std::string& text) {
  try {
    read(text);
  } catch (const config::ConfigError& e) {
    return e.what();
  }
  return "nothing";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(KernelProfile, IsReadAsItWasWritten) {
  const KernelProfile original = profile();
  const std::string text = written(original);
  const KernelProfile again = read(text);
  EXPECT_EQ(written(again), text);
  EXPECT_EQ(again.gpu, "h200-sxm");
  ASSERT_EQ(again.fits.size(), 1U);
  const KernelFit& fit = again.fits[0];
  EXPECT_TRUE(fit.same_key(original.fits[0]));
  EXPECT_EQ(fit.best(), original.fits[0].best());
  EXPECT_EQ(fit.engine, "vLLM 0.24.0");
  EXPECT_EQ(fit.source, "somewhere: else");
  EXPECT_EQ(fit.errors.at(0).cv_p90, 0.13);
  EXPECT_EQ(fit.errors.at(1).cv_p90, std::nullopt);
}

TEST(KernelProfile, MistakesAreFound) {
  const std::string text = written(profile());
  const std::string form(forms::all().front().name);
  const std::string first(forms::all().front().parameters.front().name);
  EXPECT_EQ(complaint(text), "nothing");
  EXPECT_THAT(complaint(replaced(text, "form: " + form, "form: x" + form)),
              AllOf(HasSubstr("p.yaml:5:"), HasSubstr("'" + form + "'")));
  EXPECT_THAT(complaint(replaced(text, "      " + first + ":", "      " + first + "x:")),
              HasSubstr("'" + first + "'"));
  EXPECT_THAT(complaint(replaced(text, "dtype: fp8", "dtype: fp7")), HasSubstr("'fp8'"));
  EXPECT_THAT(complaint(replaced(text, "gpu: h200-sxm\n", "")), HasSubstr("gpu"));
}

TEST(KernelProfile, OneFitOfAKind) {
  KernelProfile twice = profile();
  twice.fits.push_back(twice.fits[0]);
  EXPECT_THAT(complaint(written(twice)), HasSubstr("same form, dtype, head_dim and gpus"));
  twice.fits[1].head_dim = 64;
  EXPECT_EQ(complaint(written(twice)), "nothing");
}

TEST(KernelProfile, ValuesLieBetweenTheirEnds) {
  KernelProfile wrong = profile();
  wrong.fits[0].parameters[0].low = wrong.fits[0].parameters[0].high;
  EXPECT_THAT(complaint(written(wrong)), HasSubstr("between low and high"));
}

TEST(KernelProfile, ValuesHaveUnits) {
  using forms::Unit;
  EXPECT_EQ(text_of(Unit::time, as_kept(Unit::time, 2.9437261e-6)), "2.9437 us");
  EXPECT_EQ(text_of(Unit::bandwidth, as_kept(Unit::bandwidth, 4.4623111e12)), "4.4623 TB/s");
  EXPECT_EQ(text_of(Unit::flop_rate, as_kept(Unit::flop_rate, 7.97e14)), "797 TFLOP/s");
  EXPECT_EQ(text_of(Unit::bytes, as_kept(Unit::bytes, 5e7)), "50 MB");
  EXPECT_EQ(text_of(Unit::none, as_kept(Unit::none, 2.6340000001)), "2.634");
}

}  // namespace
}  // namespace terrace
