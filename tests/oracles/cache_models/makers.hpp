#pragma once

#include <cstddef>
#include <memory>

#include "tests/oracles/cache_models.hpp"

/// One maker for each model.
namespace terrace::oracle::makers {

using Maker = std::unique_ptr<CacheModel>(std::size_t capacity, const CacheModelParams& params);

Maker lru, mru, fifo, clock, sieve;                  // recency.cpp
Maker lfu, lfu_recency, lfuda, gdsf, lru_k, belady;  // ranked.cpp
Maker slru, two_q, s3fifo, qdlp;                     // segmented.cpp
Maker arc;                                           // arc.cpp
Maker lirs;                                          // lirs.cpp
Maker wtinylfu;                                      // wtinylfu.cpp

}  // namespace terrace::oracle::makers
