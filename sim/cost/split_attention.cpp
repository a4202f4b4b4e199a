#include "sim/cost/split_attention.hpp"

#include <utility>

namespace terrace {
namespace {

class SplitAttention final : public AttentionLaw {
 public:
  SplitAttention(std::unique_ptr<AttentionLaw> decodes, std::unique_ptr<AttentionLaw> prompts)
      : decodes_(std::move(decodes)), prompts_(std::move(prompts)) {}

  [[nodiscard]] Estimate time(const AttentionBatch& batch) const override {
    Estimate sum;
    if (batch.decodes > 0) {
      sum += decodes_->time(
          {.decodes = batch.decodes, .context = batch.context, .longest = batch.longest});
    }
    if (!batch.prefills.empty()) sum += prompts_->time({.prefills = batch.prefills});
    return sum;
  }

 private:
  std::unique_ptr<AttentionLaw> decodes_;
  std::unique_ptr<AttentionLaw> prompts_;
};

}  // namespace

std::unique_ptr<AttentionLaw> split_attention(std::unique_ptr<AttentionLaw> decodes,
                                              std::unique_ptr<AttentionLaw> prompts) {
  return std::make_unique<SplitAttention>(std::move(decodes), std::move(prompts));
}

}  // namespace terrace
