#include "tests/calibrate/labs/plain_transformer.hpp"

#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <vector>

namespace terrace::tests {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::RowVectorXd;
using labs::LayerWeights;
using labs::Matrix;
using labs::Shape;

MatrixXd dense(const Matrix& matrix) {
  return MatrixXd::NullaryExpr(matrix.rows, matrix.columns, [&](Index row, Index column) {
    return static_cast<double>(matrix.at(row, column));
  });
}

MatrixXd normalised(const MatrixXd& x, const std::vector<float>& gains) {
  MatrixXd out = x;
  for (Index r = 0; r < x.rows(); ++r) {
    const double mean_square = x.row(r).squaredNorm() / static_cast<double>(x.cols());
    for (Index c = 0; c < x.cols(); ++c) {
      out(r, c) = x(r, c) / std::sqrt(mean_square + 1e-6) *
                  static_cast<double>(gains[static_cast<std::size_t>(c)]);
    }
  }
  return out;
}

/// Row m is position m: numbers i and i + d/2 are a complex number, turned by m theta_i.
MatrixXd rotated(const MatrixXd& x) {
  const Index half = x.cols() / 2;
  MatrixXd out = x;
  for (Index m = 0; m < x.rows(); ++m) {
    for (Index i = 0; i < half; ++i) {
      const double theta =
          std::exp(-std::numbers::ln10 * 4 * static_cast<double>(i) / static_cast<double>(half));
      const auto turned =
          std::complex(x(m, i), x(m, i + half)) * std::polar(1.0, static_cast<double>(m) * theta);
      out(m, i) = turned.real();
      out(m, i + half) = turned.imag();
    }
  }
  return out;
}

/// softmax(q k^T / sqrt(d)) v, each row seeing those up to itself.
MatrixXd causal_attention(const MatrixXd& q, const MatrixXd& k, const MatrixXd& v) {
  MatrixXd scores = q * k.transpose() / std::sqrt(static_cast<double>(q.cols()));
  for (Index r = 0; r < scores.rows(); ++r) {
    for (Index c = r + 1; c < scores.cols(); ++c) {
      scores(r, c) = -std::numeric_limits<double>::infinity();
    }
    scores.row(r) = (scores.row(r).array() - scores.row(r).maxCoeff()).exp();
    scores.row(r) /= scores.row(r).sum();
  }
  return scores * v;
}

MatrixXd grouped(const Shape& shape, const MatrixXd& all) {
  const Index d = shape.head_dim;
  MatrixXd out(all.rows(), shape.heads * d);
  for (Index h = 0; h < shape.heads; ++h) {
    const Index g = h / (shape.heads / shape.kv_heads);
    const MatrixXd q = all.middleCols(h * d, d);
    const MatrixXd k = all.middleCols((shape.heads + g) * d, d);
    const MatrixXd v = all.middleCols((shape.heads + shape.kv_heads + g) * d, d);
    out.middleCols(h * d, d) = causal_attention(rotated(q), rotated(k), v);
  }
  return out;
}

/// As published: keys and values are made of the latent, for each head its own.
MatrixXd latent(const Shape& shape, const LayerWeights& weights, const MatrixXd& all) {
  const Index d = shape.head_dim;
  const Index queries = shape.heads * (d + 64);
  const MatrixXd c = normalised(all.middleCols(queries, 512), weights.latent_norm);
  const MatrixXd shared = rotated(all.middleCols(queries + 512, 64));
  MatrixXd out(all.rows(), shape.heads * d);
  for (Index h = 0; h < shape.heads; ++h) {
    const auto i = static_cast<std::size_t>(h);
    MatrixXd q = all.middleCols(h * (d + 64), d + 64);
    const MatrixXd turned = rotated(q.rightCols(64));
    q.rightCols(64) = turned;
    MatrixXd k(all.rows(), d + 64);
    k << c * dense(weights.keys_of[i]), shared;
    out.middleCols(h * d, d) = causal_attention(q, k, c * dense(weights.values_of[i]).transpose());
  }
  return out;
}

MatrixXd feed_forward(const Shape& shape, const LayerWeights& weights, const MatrixXd& x) {
  const MatrixXd both = x * dense(weights.gate_up).transpose();
  const MatrixXd gates =
      both.leftCols(shape.mlp).unaryExpr([](double z) { return z / (1 + std::exp(-z)); });
  return gates.cwiseProduct(both.rightCols(shape.mlp)) * dense(weights.down).transpose();
}

}  // namespace

MatrixXd plain_logits(const Shape& shape, const labs::Weights& weights,
                      std::span<const std::int32_t> tokens) {
  const MatrixXd embedding = dense(weights.embedding);
  MatrixXd x(static_cast<Index>(tokens.size()), shape.width);
  for (Index t = 0; t < x.rows(); ++t) {
    x.row(t) = embedding.row(tokens[static_cast<std::size_t>(t)]);
  }
  for (const LayerWeights& layer : weights.layers) {
    const MatrixXd all = normalised(x, layer.attention_norm) * dense(layer.in).transpose();
    const MatrixXd attended = shape.attention == labs::AttentionKind::grouped
                                  ? grouped(shape, all)
                                  : latent(shape, layer, all);
    x += attended * dense(layer.out).transpose();
    x += feed_forward(shape, layer, normalised(x, layer.mlp_norm));
  }
  return normalised(x, weights.norm) * dense(weights.head).transpose();
}

}  // namespace terrace::tests
