#pragma once

#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace terrace::tests {

/// Runs a property on random cases, the same in every run.
template <class Property>
void for_all(Property property, int cases = 200) {
  rc::detail::TestParams params;
  params.seed = 1;
  params.maxSuccess = cases;
  const rc::detail::TestResult result =
      rc::detail::checkTestable(property, rc::detail::TestMetadata{}, params);
  std::ostringstream why;
  rc::detail::printResultMessage(result, why);
  EXPECT_TRUE(result.is<rc::detail::SuccessResult>()) << why.str();
}

}  // namespace terrace::tests
