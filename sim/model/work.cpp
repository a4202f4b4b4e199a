#include "sim/model/work.hpp"

namespace terrace {

std::string_view name(Op op) {
  switch (op) {
    case Op::embedding:
      return "embedding";
    case Op::layernorm:
      return "layernorm";
    case Op::qkv_proj:
      return "qkv_proj";
    case Op::qk_norm:
      return "qk_norm";
    case Op::rotary_emb:
      return "rotary_emb";
    case Op::o_proj:
      return "o_proj";
    case Op::gate_up_proj:
      return "gate_up_proj";
    case Op::act_fn:
      return "act_fn";
    case Op::down_proj:
      return "down_proj";
    case Op::router:
      return "router";
    case Op::shared_expert:
      return "shared_expert";
    case Op::q_a_proj:
      return "q_a_proj";
    case Op::q_b_proj:
      return "q_b_proj";
    case Op::kv_a_proj:
      return "kv_a_proj";
    case Op::absorb:
      return "absorb";
    case Op::indexer:
      return "indexer";
    case Op::in_proj:
      return "in_proj";
    case Op::scan:
      return "scan";
    case Op::final_layernorm:
      return "final_layernorm";
    case Op::lm_head:
      return "lm_head";
    case Op::sampler:
      return "sampler";
  }
  return "";
}

}  // namespace terrace
