#include "kernels/kernel_set.hpp"
#include "sim/base/check.hpp"

namespace terrace::kernels {
namespace {

bool holds_rows(Element type) { return type != Element::fp8_e4m3; }

void check_table(const BlockTable& table) {
  TERRACE_CHECK(table.width >= 0);
  TERRACE_CHECK(static_cast<std::int64_t>(table.blocks.size()) == table.sequences() * table.width);
}

void check_heads(const PagedKv& kv, std::int64_t heads) {
  TERRACE_CHECK(kv.kv_heads > 0 && heads > 0 && heads % kv.kv_heads == 0);
  TERRACE_CHECK(kv.head_dim > 0 && kv.head_dim % 16 == 0);
  TERRACE_CHECK(kv.page > 0);
  TERRACE_CHECK(kv.keys.type == kv.values.type);
}

void check_staging(const BlockFragments& f, std::size_t blocks, std::size_t staging) {
  TERRACE_CHECK(f.size.count() > 0 && f.count > 0);
  TERRACE_CHECK(blocks * static_cast<std::size_t>(f.count * f.size.count()) == staging);
}

}  // namespace

void check(const PagedDecode& op) {
  check_table(op.table);
  check_heads(op.kv, op.heads);
  TERRACE_CHECK(holds_rows(op.q.type) && holds_rows(op.out.type));
  TERRACE_CHECK(!op.window || *op.window > 0);
}

void check(const MlaDecode& op) {
  check_table(op.table);
  TERRACE_CHECK(op.heads > 0 && op.kv.page > 0);
  TERRACE_CHECK(holds_rows(op.q.type) && holds_rows(op.out.type));
}

void check(const PagedPrefill& op) {
  check_table(op.table);
  check_heads(op.kv, op.heads);
  TERRACE_CHECK(holds_rows(op.q.type) && holds_rows(op.out.type));
  TERRACE_CHECK(!op.window || *op.window > 0);
  TERRACE_CHECK(op.indptr.size() == op.table.kv_lens.size() + 1);
}

void check(const BlockGather& op) {
  check_staging(op.fragments, op.blocks.size(), op.staging.size());
}

void check(const BlockScatter& op) {
  check_staging(op.fragments, op.blocks.size(), op.staging.size());
}

void check(const Gemm& op) {
  TERRACE_CHECK(op.m >= 0 && op.n >= 0 && op.k >= 0);
  TERRACE_CHECK(op.a.type == op.b.type);
  TERRACE_CHECK(holds_rows(op.c.type));
  TERRACE_CHECK(op.multiply == Multiply::all_bits || op.a.type == Element::fp32);
}

void check(const StreamCopy& op) { TERRACE_CHECK(op.from.size() == op.to.size()); }

}  // namespace terrace::kernels
