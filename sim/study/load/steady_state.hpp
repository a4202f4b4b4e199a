#pragma once

#include <cstddef>
#include <span>

namespace terrace {

/// How many values at the beginning are not of the steady state: the truncation that minimises the
/// squared standard error of the mean of the rest, over means of five values (MSER-5: White, Cobb &
/// Spratt 2000), at most half of them. O(n).
std::size_t warm_up(std::span<const double> values);

/// Whether the waits of requests, in seconds by order of arrival, grow with the times of their
/// arrival. Over the means of twenty batches, all of this:
///   by more than one second in a hundred: more comes than can leave by 1 %;
///   by more than chance explains: the slope of the regression differs from 0 at 97.5 %;
///   and in the last quarter, no batch waits as short as the first quarter does on average: a burst
///   that has been worked off does not count.
/// Of M/M/1 queues at loads of 0.9 and 1.05, one in a hundred and one in twelve are misjudged in
/// 3,000 requests, one in a thousand and one in twenty in 5,000 (steady_state_test.cpp).
/// REQUIRES: as many of both.
bool grows(std::span<const double> arrivals, std::span<const double> waits);

}  // namespace terrace
