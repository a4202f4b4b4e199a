#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sim/base/check.hpp"
#include "sim/config/fields.hpp"

namespace terrace::config {

/// How to make one variant of something, such as an eviction policy, from parameters of its own.
/// Self: the family's recipe, which derives from this.
template <class Self, class Product, class Context>
class Recipe {
 public:
  using Made = Product;
  using From = Context;

  virtual ~Recipe() = default;
  [[nodiscard]] virtual std::unique_ptr<Self> clone() const = 0;
  virtual void tell(Fields& f) = 0;
  [[nodiscard]] virtual std::unique_ptr<Product> make(const Context& context) const = 0;

  /// What the product has to be told for as long as it lives.
  [[nodiscard]] virtual typename Context::Needs needs() const = 0;
};

/// The recipe of a class: constructed from its `Options`, if it has any, and the context. Options
/// have `void tell(config::Fields&)`. What it needs is its `kNeeds`, or, where that depends on its
/// options, what their `needs()` says.
template <class Family, class Class>
class RecipeOf final : public Family {
 public:
  [[nodiscard]] std::unique_ptr<Family> clone() const override {
    return std::make_unique<RecipeOf>(*this);
  }
  void tell(Fields& f) override {
    if constexpr (kHasOptions) options_.tell(f);
  }
  [[nodiscard]] std::unique_ptr<typename Family::Made> make(
      const typename Family::From& context) const override {
    if constexpr (kHasOptions) {
      return std::make_unique<Class>(options_, context);
    } else if constexpr (std::is_constructible_v<Class, const typename Family::From&>) {
      return std::make_unique<Class>(context);
    } else {
      return std::make_unique<Class>();
    }
  }
  [[nodiscard]] typename Family::From::Needs needs() const override {
    if constexpr (requires { options_.needs(); }) {
      return options_.needs();
    } else if constexpr (requires { Class::kNeeds; }) {
      return Class::kNeeds;
    } else {
      return {};
    }
  }

 private:
  struct None {};
  static constexpr bool kHasOptions = requires { typename Class::Options; };
  template <class T>
  struct OptionsOf {
    using Type = None;
  };
  template <class T>
  requires requires { typename T::Options; }
  struct OptionsOf<T> {
    using Type = typename T::Options;
  };
  typename OptionsOf<Class>::Type options_;
};

/// One variant, as `policies.def` lists it.
template <class Recipe>
struct Variant {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Recipe> (*recipe)();
};

/// Specialised for each family of variants: what one is called (`kKind`), which is meant if nobody
/// says (`kDefault`), and all there are, in the order of `policies.def`.
template <class Recipe>
struct Variants;  // static std::span<const Variant<Recipe>> all();

/// The recipe of that name. REQUIRES: there is one.
template <class Recipe>
std::unique_ptr<Recipe> find_recipe(std::string_view name) {
  for (const Variant<Recipe>& variant : Variants<Recipe>::all()) {
    if (variant.name == name) return variant.recipe();
  }
  throw InvariantViolation("no variant is called " + std::string(name));
}

/// The name of a variant, checked when it is read.
template <class Recipe>
struct VariantName {
  std::string text{Variants<Recipe>::kDefault};
};

template <class Recipe>
struct Scalar<VariantName<Recipe>> {
  static constexpr std::string_view kForm = "a name";
  static constexpr std::string_view kKind = Variants<Recipe>::kKind;
  static constexpr std::string_view kJsonType = "string";
  static std::vector<std::string_view> names() {
    std::vector<std::string_view> all;
    for (const Variant<Recipe>& variant : Variants<Recipe>::all()) all.push_back(variant.name);
    return all;
  }
  static Parsed<VariantName<Recipe>> parse(std::string_view text) {
    for (const std::string_view name : names()) {
      if (name == text) return {VariantName<Recipe>{std::string(text)}, {}};
    }
    return {std::nullopt, {}};
  }
  static std::string format(const VariantName<Recipe>& name) { return name.text; }
  static double magnitude(const VariantName<Recipe>&) { return 0; }
};

/// A variant with its parameters, as a file chooses it:
///
///   eviction: lru
///   eviction: {policy: s3fifo, small_ratio: 0.2}
template <class RecipeType>
class Choice {
 public:
  Choice() : Choice(Variants<RecipeType>::kDefault) {}
  /// REQUIRES: there is a variant of that name.
  explicit Choice(std::string_view name)
      : name_{std::string(name)}, recipe_(find_recipe<RecipeType>(name)) {}
  Choice(const Choice& other)
      : name_(other.name_), told_(other.told_), recipe_(other.recipe_->clone()) {}
  Choice& operator=(const Choice& other) {
    *this = Choice(other);
    return *this;
  }
  Choice(Choice&&) noexcept = default;
  Choice& operator=(Choice&&) noexcept = default;
  ~Choice() = default;

  [[nodiscard]] const std::string& name() const { return name_.text; }
  [[nodiscard]] const RecipeType& recipe() const { return *recipe_; }
  RecipeType& recipe() { return *recipe_; }

  /// Tells the name, and then the parameters that this name has.
  void tell(Fields& f, std::string_view doc) {
    f.variant("policy", name_, doc, [this, &f] {
      if (told_ != name_.text) {
        recipe_ = find_recipe<RecipeType>(name_.text);
        told_ = name_.text;
      }
      recipe_->tell(f);
    });
  }

 private:
  VariantName<RecipeType> name_;
  std::string told_ = name_.text;  // whose parameters `recipe_` has
  std::unique_ptr<RecipeType> recipe_;
};

}  // namespace terrace::config
