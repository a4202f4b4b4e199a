#pragma once

#include <cstdint>
#include <span>

#include <Eigen/Core>

#include "calibrate/labs/weights.hpp"

namespace terrace::tests {

/// The logits after each token of a sequence, [token][vocabulary], as the papers' formulas have
/// them: whole matrices in fp64, nothing kept, nothing rounded, no page, no batch.
Eigen::MatrixXd plain_logits(const labs::Shape& shape, const labs::Weights& weights,
                             std::span<const std::int32_t> tokens);

}  // namespace terrace::tests
