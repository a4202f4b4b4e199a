// A file of its own: Boost.Math is slow to compile.
#include <cmath>

#include <boost/math/distributions/students_t.hpp>

#include "sim/study/statistics.hpp"

namespace terrace {

double t_quantile(std::size_t degrees) {
  namespace policies = boost::math::policies;
  using Policy = policies::policy<policies::promote_double<false>>;
  const boost::math::students_t_distribution<double, Policy> student(static_cast<double>(degrees));
  // The last digits depend on the machine's mathematical library; results must not.
  return std::round(boost::math::quantile(student, 0.975) * 1e9) * 1e-9;
}

}  // namespace terrace
