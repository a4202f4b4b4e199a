#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <sys/types.h>

namespace terrace::calibrate {

/// What is called of cuFile, GPUDirect Storage's library. Types are those of its C interface, as
/// the manual page cufile.h(3) of Ubuntu's libcufile-dev has them (12.4).
struct CuFileFunctions {
  struct Status {
    int cu_file = 0;  // 0, or 5001 and beyond
    int cuda = 0;
  };
  struct Descriptor {
    int type = 1;  // CU_FILE_HANDLE_TYPE_OPAQUE_FD
    union {
      int file;
      void* handle = nullptr;
    } of;
    const void* operations = nullptr;  // of file systems in user space
  };
  struct Properties {
    struct {
      unsigned major_version = 0;  // of the kernel's module nvidia_fs; 0 where there is none
      unsigned minor_version = 0;
      std::size_t poll_threshold = 0;
      std::size_t most_direct = 0;
      unsigned status = 0;   // bits of CUfileDriverStatusFlags
      unsigned control = 0;  // bits of CUfileDriverControlFlags
    } driver;
    unsigned features = 0;
    unsigned sizes[16] = {};  // of caches and batches; later versions have more of them
  };
  using Handle = void*;

  Status (*open)() = nullptr;   // cuFileDriverOpen
  Status (*close)() = nullptr;  // cuFileDriverClose_v2
  Status (*properties)(Properties*) = nullptr;
  Status (*register_file)(Handle*, Descriptor*) = nullptr;
  void (*forget_file)(Handle) = nullptr;
  Status (*register_memory)(const void*, std::size_t, int flags) = nullptr;
  Status (*forget_memory)(const void*) = nullptr;
  ssize_t (*read)(Handle, void* base, std::size_t, off_t in_file, off_t in_memory) = nullptr;
  ssize_t (*write)(Handle, const void* base, std::size_t, off_t in_file, off_t in_memory) = nullptr;
};

/// It would leave a cufile.log in the working directory; whoever wants one has said where. To be
/// called before there are threads, such as CUDA's: the environment is theirs, too.
void keep_cu_file_from_logging();

/// Those of libcufile.so.0. Throws std::runtime_error if it is not there.
CuFileFunctions cu_file_functions();

/// GPUDirect Storage, open. The GPU has to be the current one of each thread that uses it.
class CuFile {
 public:
  /// Throws std::runtime_error if the driver does not open.
  explicit CuFile(const CuFileFunctions& functions);
  ~CuFile();
  CuFile(const CuFile&) = delete;
  CuFile& operator=(const CuFile&) = delete;

  /// Whether transfers go by way of the host's memory, in cuFile's compatibility mode: "always"
  /// where the kernel has neither nvidia_fs nor transfers between devices, "never" where it is
  /// forbidden, else "possible": cuFile does not tell which file it is used for.
  [[nodiscard]] std::string compatibility_mode() const;

  [[nodiscard]] const CuFileFunctions& call() const { return call_; }

 private:
  CuFileFunctions call_;
};

/// A file and memory of the GPU that are known to cuFile, from one to the other. Any number of
/// threads may use it.
class DirectTransfers {
 public:
  /// `file`: open with O_DIRECT. `memory`: not of a pool. Both and `cu_file` have to stay. Throws
  /// std::runtime_error if cuFile refuses one.
  DirectTransfers(CuFile& cu_file, int file, std::byte* memory, std::size_t bytes);
  ~DirectTransfers();
  DirectTransfers(const DirectTransfers&) = delete;
  DirectTransfers& operator=(const DirectTransfers&) = delete;

  // All of it, from or to the place in the memory. Throw std::runtime_error.
  void read(std::int64_t in_file, std::size_t in_memory, std::size_t bytes);
  void write(std::int64_t in_file, std::size_t in_memory, std::size_t bytes);

 private:
  const CuFileFunctions& call_;
  CuFileFunctions::Handle file_ = nullptr;
  std::byte* memory_;
};

}  // namespace terrace::calibrate
