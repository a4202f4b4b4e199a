#include <algorithm>

#include "calibrate/measuring/families/family.hpp"

namespace terrace::calibrate {

namespace family {
#define FAMILY(name) Family name();
#include "calibrate/measuring/families/families.def"
#undef FAMILY
}  // namespace family

Sampling sampling_of(const Extent& extent) {
  Sampling sampling;
  if (extent.gpu) return sampling;
  sampling.batches *= 3;
  sampling.most_seconds *= 3;
  return sampling;
}

Bytes cold_pool(const Extent& extent) {
  constexpr std::int64_t kPage = 4096;
  const std::int64_t wanted = std::min(3 * extent.cache.count(), extent.memory.count() / 4);
  return Bytes{std::max<std::int64_t>(wanted / kPage, 1) * kPage};
}

const std::vector<const Family*>& families() {
  static const Family kAll[] = {
#define FAMILY(name) family::name(),
#include "calibrate/measuring/families/families.def"
#undef FAMILY
  };
  static const std::vector<const Family*> kPointers = [] {
    std::vector<const Family*> all;
    for (const Family& one : kAll) all.push_back(&one);
    return all;
  }();
  return kPointers;
}

}  // namespace terrace::calibrate
