#include "sim/report/request_csv.hpp"

#include "sim/metrics/outcome.hpp"

namespace terrace {
namespace {

const char* status_of(Rejection rejection) {
  switch (rejection) {
    case Rejection::none:
      return "completed";
    case Rejection::exceeds_kv_capacity:
      return "exceeds_kv_capacity";
    case Rejection::exceeds_max_model_len:
      return "exceeds_max_model_len";
  }
  return "";
}

constexpr int kTimes = 3 + static_cast<int>(kTtftParts);  // ttft, tpot, e2e and the parts

}  // namespace

RequestCsv::RequestCsv(const std::filesystem::path& path) : file_(path) {
  for (const char* column :
       {"request", "arrival_s", "client", "prompt_tokens", "output_tokens", "ttft_ms", "tpot_ms",
        "e2e_ms", "queue_ms", "kv_load_ms", "prefill_ms", "other_ms", "hbm_hit_tokens",
        "tier_hit_tokens", "preemptions", "recomputed_tokens", "replica", "status"}) {
    file_.quoted(column);
  }
  file_.end_row();
}

void RequestCsv::on_start(const RunView& view) {
  for (const Client& client : view.clients) clients_.push_back(csv_quoted(client.name));
}

void RequestCsv::on_left(const Request& r, SimTime now) {
  const bool completed = r.rejection == Rejection::none;
  file_.number(static_cast<std::int64_t>(r.number));
  file_.seconds(r.arrived.time_since_epoch());
  file_.quoted(clients_[r.client]);
  file_.number(r.prompt.count());
  file_.number(r.output.count());
  if (completed) {
    const Outcome outcome = outcome_of(r, now);
    file_.milliseconds(outcome.ttft);
    if (outcome.tpot) {
      file_.milliseconds(*outcome.tpot);
    } else {
      file_.nothing();
    }
    file_.milliseconds(outcome.e2e);
    for (const Duration part : r.ttft_parts) file_.milliseconds(part);
  } else {
    for (int i = 0; i < kTimes; ++i) file_.nothing();
  }
  file_.number(r.hbm_hits.count());
  file_.number(r.tier_hits.count());
  file_.number(std::int64_t{r.preemptions});
  file_.number(r.recomputed.count());
  if (completed) {
    file_.number(static_cast<std::int64_t>(r.replica.index()));
  } else {
    file_.nothing();
  }
  file_.quoted(status_of(r.rejection));
  file_.end_row();
}

}  // namespace terrace
