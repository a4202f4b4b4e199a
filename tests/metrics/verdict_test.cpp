#include "sim/metrics/verdict.hpp"

#include <chrono>
#include <functional>
#include <string>

#include <gtest/gtest.h>

namespace terrace {
namespace {

using namespace std::chrono_literals;

/// Ten seconds of one replica that served all it got.
Summary calm() {
  Summary s;
  s.duration = 10s;
  s.busy = 6s;
  s.stalled = 500ms;
  s.came = s.all.completed = 100;
  s.ttft_parts = {0.002, 0.001, 0.020, 0};
  TierSummary hbm;
  hbm.name = hbm.medium = "hbm";
  hbm.capacity = Bytes{1000};
  hbm.mean_held = 340;
  s.tiers = {hbm};
  LinkReport up;
  up.name = "gpu0.h2d";
  up.transfers = 50;
  up.utilisation = 0.4;
  LinkReport down = up;
  down.name = "gpu0.d2h";
  down.utilisation = 0.9;
  down.queueing = std::chrono::duration<double>(9);
  LinkReport drive = up;
  drive.name = "host0.nvme";
  drive.utilisation = 0.2;
  s.links = {up, down, drive};
  s.writes_only = {false, true, false};
  return s;
}

void wait_for(Summary& s, Wait why, double seconds) {
  s.wait_seconds[static_cast<std::size_t>(why)] = seconds;
}

struct Case {
  const char* name;
  std::function<void(Summary&)> change;
  Verdict::State state;
  std::string limit;
  std::string sentence;
};

class JudgedRun : public testing::TestWithParam<Case> {};

TEST_P(JudgedRun, IsNamed) {
  Summary s = calm();
  GetParam().change(s);
  const Verdict v = judge(s);
  EXPECT_EQ(v.state, GetParam().state);
  EXPECT_EQ(v.limit, GetParam().limit);
  EXPECT_EQ(v.sentence, GetParam().sentence);
}

const Case kCases[] = {
    {"calm", [](Summary&) {}, Verdict::State::stable, "compute",
     "STABLE: first limit is compute (GPUs busy 55 %, KV in use 34 %)"},
    {"nobody_came", [](Summary& s) { s.came = s.all.completed = 0; }, Verdict::State::idle, "none",
     "IDLE: no requests came"},
    {"all_rejected",
     [](Summary& s) {
       s.all.completed = 0;
       s.all.rejected = 100;
       s.rejections = {0, 99, 1};
     },
     Verdict::State::idle, "HBM capacity",
     "IDLE: none of 100 requests completed; 100 rejected: longer than the KV cache"},
    {"all_too_long",
     [](Summary& s) {
       s.all.completed = 0;
       s.all.rejected = 100;
       s.rejections = {0, 1, 99};
     },
     Verdict::State::idle, "max_model_len",
     "IDLE: none of 100 requests completed; 100 rejected: longer than max_model_len"},
    {"stopped_at_once",
     [](Summary& s) {
       s.complete = false;
       s.all.completed = 0;
       s.unfinished = 100;
     },
     Verdict::State::idle, "none", "IDLE: none of 100 requests completed"},
    {"memory_overloaded",
     [](Summary& s) {
       s.ttft_parts = {5, 0, 0.1, 0};
       s.queue_early = 2;
       s.queue_late = 8;
       s.tiers[0].mean_held = 990;
       s.preemptions = 1664;
       wait_for(s, Wait::blocks, 9.3);
       wait_for(s, Wait::budget, 0.1);
     },
     Verdict::State::overloaded, "HBM capacity",
     "OVERLOADED: HBM capacity: the queue waited 93 % of the time for KV blocks, KV in use 99 %; "
     "more GPU memory, or fewer tokens per request; 1664 preemptions"},
    {"queue_does_not_grow",
     [](Summary& s) {
       s.ttft_parts = {5, 0, 0.1, 0};
       s.queue_early = 4.5;
       s.queue_late = 5.5;
       s.preemptions = 1;
       wait_for(s, Wait::blocks, 5);
     },
     Verdict::State::backlogged, "HBM capacity",
     "BACKLOGGED: HBM capacity: the queue waited 50 % of the time for KV blocks, KV in use 34 %; "
     "more GPU memory, or fewer tokens per request; 1 preemption"},
    {"queue_grows_but_is_short",
     [](Summary& s) {
       s.ttft_parts = {0.1, 0, 0.02, 0};
       s.queue_early = 0.01;
       s.queue_late = 0.4;
       wait_for(s, Wait::seats, 2);
     },
     Verdict::State::backlogged, "max_num_seqs",
     "BACKLOGGED: max_num_seqs: the queue waited 20 % of the time for a seat, KV in use 34 %, "
     "GPUs busy 55 %; a larger max_num_seqs, or more replicas"},
    {"compute_overloaded",
     [](Summary& s) {
       s.ttft_parts = {5, 0, 0.1, 0};
       s.queue_early = 0;
       s.queue_late = 8;
       s.replicas = 2;
       wait_for(s, Wait::budget, 19);
     },
     Verdict::State::overloaded, "compute",
     "OVERLOADED: compute: GPUs busy 28 %, KV in use 34 %; more or faster GPUs, or fewer tokens "
     "per request"},
    {"queues_for_the_end_of_steps",
     [](Summary& s) {
       s.ttft_parts = {0.02, 0, 0.015, 0};
     },
     Verdict::State::backlogged, "compute",
     "BACKLOGGED: compute: GPUs busy 55 %, KV in use 34 %; more or faster GPUs, or fewer tokens "
     "per request"},
    {"loads_that_nothing_queues_for",
     [](Summary& s) {
       s.ttft_parts = {0.01, 0.03, 0.02, 0};
     },
     Verdict::State::stable, "gpu0.h2d",
     "STABLE: first limit is gpu0.h2d (KV loads take 50 % of mean TTFT; busy 40 %, "
     "queueing 0 ms per transfer)"},
    {"loads_queue_at_the_drive",
     [](Summary& s) {
       s.ttft_parts = {0.01, 0.03, 0.02, 0};
       s.links[2].queueing = std::chrono::duration<double>(0.5);
     },
     Verdict::State::stable, "host0.nvme",
     "STABLE: first limit is host0.nvme (KV loads take 50 % of mean TTFT; busy 20 %, "
     "queueing 10 ms per transfer)"},
    {"preempted_before_the_first_token",
     [](Summary& s) {
       s.ttft_parts = {0.01, 0, 0.02, 0.5};
       s.preemptions = 3;
     },
     Verdict::State::stable, "HBM capacity",
     "STABLE: first limit is HBM capacity (requests lost their KV blocks before their first token, "
     "KV in use 34 %); 3 preemptions"},
    {"stopped_early_with_rejections",
     [](Summary& s) {
       s.complete = false;
       s.unfinished = 12;
       s.all.rejected = 1;
     },
     Verdict::State::stable, "compute",
     "STABLE: first limit is compute (GPUs busy 55 %, KV in use 34 %); 1 request rejected; 12 "
     "requests unfinished when stopped"},
};

INSTANTIATE_TEST_SUITE_P(Verdicts, JudgedRun, testing::ValuesIn(kCases),
                         [](const auto& verdict) { return verdict.param.name; });

TEST(Verdict, OfAnEmptySummaryIsIdle) { EXPECT_EQ(judge(Summary{}).state, Verdict::State::idle); }

}  // namespace
}  // namespace terrace
