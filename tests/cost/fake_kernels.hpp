#pragma once

#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

#include "sim/cost/kernels.hpp"

namespace terrace::tests {

/// What kernels were asked for, in order.
struct Asked {
  struct OfProduct {
    Product product;
    DType weights;
    std::int64_t tokens;
  };
  struct OfPointwise {
    Pointwise kernel;
    std::int64_t tokens;
  };
  struct OfExperts {
    ExpertsWork work;
    Routed routed;
  };
  struct OfAttention {
    AttentionKernel kernel;
    std::int64_t decodes;
    Tokens context;
    Tokens longest;
    std::vector<std::pair<std::int64_t, std::int64_t>> chunks;  // fresh, prefix
  };
  struct OfCollective {
    Collective op;
    Bytes bytes;
    int gpus;
    friend bool operator==(const OfCollective&, const OfCollective&) = default;
  };

  std::vector<OfProduct> products;
  std::vector<OfPointwise> pointwise;
  std::vector<OfExperts> experts;
  std::vector<OfAttention> attention;
  std::vector<OfCollective> collectives;
};

constexpr std::int64_t kDecode = 1'000'000;
constexpr std::int64_t kMessage = 1'000'000'000;

/// Kernels whose times in picoseconds can be summed by hand:
///
///   product      n times + k tokens
///   pointwise    elements tokens
///   attention    1e6 decodes + context + 3 longest; of each chunk pairs + 5 of the prefix met
///   experts      1000 tokens
///   collectives  1e9 + bytes gpus
class FakeKernels final : public Kernels {
 public:
  explicit FakeKernels(std::shared_ptr<Asked> asked) : asked_(std::move(asked)) {}

  Op extrapolated = Op::sampler;          // whose times are, ...
  std::int64_t extrapolated_from = 1000;  // ... for so many tokens or more
  Duration surcharge{};                   // of every product

  [[nodiscard]] Estimate product(const Product& p, DType weights,
                                 std::int64_t tokens) const override {
    asked_->products.push_back({p, weights, tokens});
    const Duration time{p.n * p.times + p.k * tokens};
    return Estimate{surcharge} + Estimate{time, is_extrapolated(p.op, tokens)};
  }
  [[nodiscard]] Estimate pointwise(const Pointwise& kernel, std::int64_t tokens) const override {
    asked_->pointwise.push_back({kernel, tokens});
    return {Duration{kernel.elements * tokens}, is_extrapolated(kernel.op, tokens)};
  }
  [[nodiscard]] Estimate experts(const ExpertsWork& work, DType,
                                 const Routed& routed) const override {
    asked_->experts.push_back({work, routed});
    return {Duration{1000 * routed.tokens}};
  }
  [[nodiscard]] std::unique_ptr<AttentionLaw> attention(const AttentionKernel& kernel,
                                                        DType) const override {
    return std::make_unique<Law>(kernel, asked_);
  }
  [[nodiscard]] Estimate collective(Collective op, Bytes bytes, int gpus) const override {
    asked_->collectives.push_back({op, bytes, gpus});
    return {Duration{kMessage + bytes.count() * gpus}};
  }
  [[nodiscard]] std::vector<std::string> caveats() const override { return {"a fake"}; }

 private:
  class Law final : public AttentionLaw {
   public:
    Law(const AttentionKernel& kernel, std::shared_ptr<Asked> asked)
        : kernel_(kernel), asked_(std::move(asked)) {}
    [[nodiscard]] Estimate time(const AttentionBatch& batch) const override {
      Asked::OfAttention asked{kernel_, batch.decodes, batch.context, batch.longest, {}};
      std::int64_t sum = kDecode * batch.decodes;
      if (batch.decodes > 0) sum += batch.context.count() + 3 * batch.longest.count();
      for (const PrefillChunk& chunk : batch.prefills) {
        asked.chunks.emplace_back(chunk.fresh.count(), chunk.prefix.count());
        sum += static_cast<std::int64_t>(pairs(kernel_, chunk)) +
               5 * prefix_met(kernel_, chunk).count();
      }
      asked_->attention.push_back(asked);
      return {Duration{sum}};
    }

   private:
    AttentionKernel kernel_;
    std::shared_ptr<Asked> asked_;
  };

  [[nodiscard]] bool is_extrapolated(Op op, std::int64_t tokens) const {
    return op == extrapolated && tokens >= extrapolated_from;
  }

  std::shared_ptr<Asked> asked_;
};

}  // namespace terrace::tests
