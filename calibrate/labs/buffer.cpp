#include "calibrate/labs/buffer.hpp"

namespace terrace::labs {

void Buffer::reserve(std::int64_t count) {
  if (count <= room_) return;
  room_ = count + count / 2;
  memory_ = allocate(kernels_, Bytes{static_cast<std::int64_t>(bytes(room_))});
}

void Buffer::upload(std::int64_t /*count*/) {}
void Buffer::download(std::int64_t /*count*/) {}

}  // namespace terrace::labs
