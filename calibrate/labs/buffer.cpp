#include "calibrate/labs/buffer.hpp"

#include <span>

#include "kernels/host_set.hpp"

namespace terrace::labs {

Buffer::Buffer(kernels::KernelSet& kernels, kernels::Element type)
    : kernels_(kernels),
      type_(type),
      shared_(dynamic_cast<const kernels::HostSet*>(&kernels) != nullptr) {}

void Buffer::reserve(std::int64_t count) {
  if (count <= room_) return;
  room_ = count + count / 2;  // so that a sequence that grows does not cost one each step
  memory_ = kernels_.allocate(Bytes{static_cast<std::int64_t>(bytes(room_))});
  if (!shared_) host_.resize(bytes(room_));
}

void Buffer::upload(std::int64_t count) {
  if (!shared_) kernels_.upload(memory_.get(), std::span(host_).first(bytes(count)));
}

void Buffer::download(std::int64_t count) {
  if (!shared_) kernels_.download(std::span(host_).first(bytes(count)), memory_.get());
}

}  // namespace terrace::labs
