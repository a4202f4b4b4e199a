#pragma once

#include <memory>
#include <vector>

#include "calibrate/labs/conversations.hpp"
#include "sim/workload/workload.hpp"

namespace terrace::calibrate {

/// The conversations as the simulator's requests: a ticket is the number of a conversation.
/// `conversations` have to outlive it; their texts have contents below 2^63.
std::unique_ptr<Workload> make_workload(const std::vector<labs::Conversation>& conversations);

}  // namespace terrace::calibrate
