#include "calibrate/measuring/families/family.hpp"

namespace terrace::calibrate {

namespace family {
#define FAMILY(constant) extern const Family constant;
#include "calibrate/measuring/families/families.def"
#undef FAMILY
}  // namespace family

const std::vector<const Family*>& families() {
  static const std::vector<const Family*> kAll = {
#define FAMILY(constant) &family::constant,
#include "calibrate/measuring/families/families.def"
#undef FAMILY
  };
  return kAll;
}

}  // namespace terrace::calibrate
