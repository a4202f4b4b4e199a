#include "tests/oracles/cache_models.hpp"

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "tests/oracles/cache_models/makers.hpp"

namespace terrace::oracle {

namespace {

constexpr std::pair<std::string_view, makers::Maker*> kModels[] = {
    {"arc", makers::arc},
    {"belady", makers::belady},
    {"clock", makers::clock},
    {"fifo", makers::fifo},
    {"gdsf", makers::gdsf},
    {"lfu", makers::lfu},
    {"lfu_recency", makers::lfu_recency},
    {"lfuda", makers::lfuda},
    {"lirs", makers::lirs},
    {"lru", makers::lru},
    {"lru_k", makers::lru_k},
    {"mru", makers::mru},
    {"qdlp", makers::qdlp},
    {"s3fifo", makers::s3fifo},
    {"sieve", makers::sieve},
    {"slru", makers::slru},
    {"2q", makers::two_q},
    {"wtinylfu", makers::wtinylfu},
};

}  // namespace

std::unique_ptr<CacheModel> make_cache_model(std::string_view policy, std::size_t capacity,
                                             const CacheModelParams& params) {
  if (capacity == 0) throw std::invalid_argument("a cache model needs room for an object");
  for (const auto& [name, make] : kModels) {
    if (name == policy) return make(capacity, params);
  }
  throw std::invalid_argument("no cache model is called " + std::string(policy));
}

const std::vector<std::string_view>& cache_model_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const auto& [name, make] : kModels) all.push_back(name);
    return all;
  }();
  return names;
}

}  // namespace terrace::oracle
