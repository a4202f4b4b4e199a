#include "calibrate/vendor/cu_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include "kernels/dynamic_library.hpp"

namespace terrace::calibrate {
namespace {

constexpr unsigned kAllowsCompatibility = 1U << 1U;  // CU_FILE_ALLOW_COMPAT_MODE
constexpr unsigned kBetweenDevices = 1U << 11U;      // CU_FILE_NVME_P2P_SUPPORTED

void require(CuFileFunctions::Status status, const char* call) {
  if (status.cu_file == 0) return;
  throw std::runtime_error(std::string(call) + ": cuFile's status " +
                           std::to_string(status.cu_file) +
                           (status.cuda != 0 ? ", CUDA's " + std::to_string(status.cuda) : ""));
}

/// -1 says errno, other negative numbers are cuFile's.
void require_all(ssize_t done, std::size_t bytes, const char* call) {
  if (done == static_cast<ssize_t>(bytes)) return;
  std::string why = done >= 0 ? "it ended after " + std::to_string(done) + " of " +
                                    std::to_string(bytes) + " bytes"
                    : done == -1 ? std::generic_category().message(errno)
                                 : "cuFile's status " + std::to_string(-done);
  throw std::runtime_error(std::string(call) + ": " + why);
}

}  // namespace

void keep_cu_file_from_logging() { static_cast<void>(::setenv("CUFILE_LOGFILE_PATH", "", 0)); }

CuFileFunctions cu_file_functions() {
  const kernels::DynamicLibrary library{"libcufile.so.0"};
  CuFileFunctions f;
  const auto need = [&]<class F>(F*& function, const char* name) {
    function = library.find<F>(name);
  };
  need(f.open, "cuFileDriverOpen");
  f.close = library.find_if_any<CuFileFunctions::Status()>("cuFileDriverClose_v2");
  if (f.close == nullptr) need(f.close, "cuFileDriverClose");
  need(f.properties, "cuFileDriverGetProperties");
  need(f.register_file, "cuFileHandleRegister");
  need(f.forget_file, "cuFileHandleDeregister");
  need(f.register_memory, "cuFileBufRegister");
  need(f.forget_memory, "cuFileBufDeregister");
  need(f.read, "cuFileRead");
  need(f.write, "cuFileWrite");
  return f;
}

CuFile::CuFile(const CuFileFunctions& functions) : call_(functions) {
  require(call_.open(), "cuFileDriverOpen");
}

CuFile::~CuFile() { static_cast<void>(call_.close()); }

std::string CuFile::compatibility_mode() const {
  CuFileFunctions::Properties known;
  if (call_.properties(&known).cu_file != 0) return "possible";
  const bool module = known.driver.major_version > 0 || known.driver.minor_version > 0;
  if (!module && (known.driver.status & kBetweenDevices) == 0) return "always";
  return (known.driver.control & kAllowsCompatibility) == 0 ? "never" : "possible";
}

DirectTransfers::DirectTransfers(CuFile& cu_file, int file, std::byte* memory, std::size_t bytes)
    : call_(cu_file.call()), memory_(memory) {
  CuFileFunctions::Descriptor descriptor;
  descriptor.of.file = file;
  require(call_.register_file(&file_, &descriptor), "cuFileHandleRegister");
  try {
    require(call_.register_memory(memory, bytes, 0), "cuFileBufRegister");
  } catch (...) {
    call_.forget_file(file_);
    throw;
  }
}

DirectTransfers::~DirectTransfers() {
  static_cast<void>(call_.forget_memory(memory_));
  call_.forget_file(file_);
}

void DirectTransfers::read(std::int64_t in_file, std::size_t in_memory, std::size_t bytes) {
  require_all(call_.read(file_, memory_, bytes, in_file, static_cast<off_t>(in_memory)), bytes,
              "cuFileRead");
}

void DirectTransfers::write(std::int64_t in_file, std::size_t in_memory, std::size_t bytes) {
  require_all(call_.write(file_, memory_, bytes, in_file, static_cast<off_t>(in_memory)), bytes,
              "cuFileWrite");
}

}  // namespace terrace::calibrate
