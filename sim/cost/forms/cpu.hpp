#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "sim/cost/forms/form.hpp"

namespace terrace::forms {

// The kernels of kernels/cpu, whose threads take numbered pieces of a call until none is left. A
// thread cannot read ahead of what it computes as an SM does, so that moving, widening to fp32 and
// computing add up, where a roofline takes the longer. Rates are those of all threads together, on
// operands that come from memory.

/// A call's work, as its pieces are dealt out.
struct Pieces {
  double busy = 0;     // seconds, if all threads share it from the beginning
  double largest = 1;  // share of a piece in it
  double count = 1;
};

/// The caller alone takes a single piece. Of more, it takes some until the others have woken, for
/// whom it waits at the end in any case; and nobody is done before the largest piece is.
double threads_seconds(const Pieces& pieces, double threads, double wake);

/// Y[m,n] = X[m,k] W[n,k]^T, in tiles of 32 x 64 outputs, each of which packs its rows of W anew:
///
///   busy = 2 up(m, 4) n k / rate + ceil(m / 32) n k e / bandwidth
struct CpuGemm {
  static constexpr std::string_view kName = "cpu_gemm";
  static constexpr bool kOfProcessor = true;
  static constexpr std::array kParameters = {
      Parameter{"wake", Unit::time, 1e-8, 1e-2, 3e-5, "until all threads are at work"},
      Parameter{"rate", Unit::flop_rate, 1e8, 1e15, 1e11, "of products in registers"},
      Parameter{"bandwidth", Unit::bandwidth, 1e8, 2e13, 1e10, "at which weights are packed"}};

  struct Case {
    std::int64_t m = 1;  // tokens
    std::int64_t n = 1;  // outputs
    std::int64_t k = 1;  // inputs
    double bytes_per_element = 2;
  };

  /// REQUIRES: m, n, k >= 1. About 10 ns, as all of these.
  static double seconds(std::span<const double> p, const Chip& chip, const Case& x);
};

/// One new token per sequence over paged keys and values. Pieces are up to 1024 keys of a sequence
/// and a KV head; what they gathered is merged sequence by sequence, in a second round of threads:
///
///   busy   = tokens (heads / scores + kv_heads / rows) + KV bytes / bandwidth
///   merged = batch heads value_dim / outputs
///
/// A score is a key's weight for one query, with its exponential and its part of the output; a row
/// is a key and its value, found in the table of blocks.
struct CpuDecode {
  static constexpr std::string_view kName = "cpu_decode";
  static constexpr bool kOfProcessor = true;
  static constexpr std::array kParameters = {
      Parameter{"wake", Unit::time, 1e-8, 1e-2, 3e-5, "until all threads are at work"},
      Parameter{"scores", Unit::none, 1e6, 1e13, 3e8, "keys weighed per second, for one head"},
      Parameter{"rows", Unit::none, 1e5, 1e12, 5e7, "keys with values found per second"},
      Parameter{"bandwidth", Unit::bandwidth, 1e8, 2e13, 1e10, "at which they are widened"},
      Parameter{"outputs", Unit::none, 1e6, 1e13, 1e9, "numbers merged per second"}};

  struct Case {
    std::int64_t batch = 1;
    double kv_tokens = 1;  // attended tokens, summed over the batch
    std::int64_t heads = 1;
    std::int64_t kv_heads = 1;
    std::int64_t key_dim = 128;
    std::int64_t value_dim = 128;  // 0: keys alone are read
    double kv_bytes_per_element = 2;
    double longest = 1;  // attended tokens of the longest sequence; below the mean, the mean counts
  };

  /// REQUIRES: counts >= 1, kv_tokens >= 0.
  static double seconds(std::span<const double> p, const Chip& chip, const Case& x);
};

/// The same of MLA's latents: one row of keys, whose first 512 numbers are the values, for up to 64
/// heads at once, so that products take longer than exponentials:
///
///   busy = 2 tokens heads (576 + 512) / rate + tokens ceil(heads / 64) 576 e / bandwidth
struct CpuMlaDecode {
  static constexpr std::string_view kName = "cpu_mla_decode";
  static constexpr bool kOfProcessor = true;
  static constexpr std::array kParameters = {
      Parameter{"wake", Unit::time, 1e-8, 1e-2, 3e-5, "until all threads are at work"},
      Parameter{"rate", Unit::flop_rate, 1e8, 1e15, 1e11, "of products in registers"},
      Parameter{"bandwidth", Unit::bandwidth, 1e8, 2e13, 1e10, "at which latents are widened"},
      Parameter{"outputs", Unit::none, 1e6, 1e13, 1e9, "numbers merged per second"}};

  struct Case {
    std::int64_t batch = 1;
    double kv_tokens = 1;  // attended tokens, summed over the batch
    std::int64_t heads = 1;
    double kv_bytes_per_element = 2;
  };

  /// REQUIRES: counts >= 1, kv_tokens >= 0.
  static double seconds(std::span<const double> p, const Chip& chip, const Case& x);
};

/// Causal attention of prompts. A piece is a KV head and so many new tokens that they have 64
/// query rows, which walk all keys that one of them sees:
///
///   busy = pairs heads / scores + 2 pairs heads (key_dim + value_dim) / rate
///        + walked KV bytes / bandwidth + tokens heads value_dim / outputs
struct CpuPrefill {
  static constexpr std::string_view kName = "cpu_prefill";
  static constexpr bool kOfProcessor = true;
  static constexpr std::array kParameters = {
      Parameter{"wake", Unit::time, 1e-8, 1e-2, 3e-5, "until all threads are at work"},
      Parameter{"scores", Unit::none, 1e6, 1e13, 5e8, "keys weighed per second, for one query"},
      Parameter{"rate", Unit::flop_rate, 1e8, 1e15, 2e11, "of products in registers"},
      Parameter{"bandwidth", Unit::bandwidth, 1e8, 2e13, 1e10, "at which keys are widened"},
      Parameter{"outputs", Unit::none, 1e6, 1e13, 1e9, "numbers begun and finished per second"}};

  struct Case {
    std::int64_t heads = 1;
    std::int64_t kv_heads = 1;
    std::int64_t key_dim = 128;
    std::int64_t value_dim = 128;  // 0: keys alone are read
    double kv_bytes_per_element = 2;
    double batch = 1;  // sequences, each of
    double fresh = 1;  // tokens, and
    double pairs = 1;  // of a fresh token and a key that it sees
  };

  struct Work {
    double scores = 0;
    double flops = 0;
    double bytes = 0;
    double outputs = 0;
  };

  /// What sequences ask of the threads; calls of several sequences have the sum, and the largest
  /// piece of any.
  struct Load {
    Work all;
    Work largest;  // of one piece, those of a sequence taken as equal
    double pieces = 0;

    Load& operator+=(const Load& other);
  };
  /// REQUIRES: batch >= 1, fresh >= 1 and pairs >= 1.
  static Load load(const Case& x);

  /// REQUIRES: the load of a sequence or more.
  static double seconds(std::span<const double> p, const Chip& chip, const Load& load);
  static double seconds(std::span<const double> p, const Chip& chip, const Case& x) {
    return seconds(p, chip, load(x));
  }
};

}  // namespace terrace::forms
