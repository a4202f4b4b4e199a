#include "sim/config/reader.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sim/base/text.hpp"

namespace terrace::config {
namespace {

template <class Names>
std::string suggestion(std::string_view typed, const Names& names) {
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  if (std::string near = did_you_mean(typed, candidates); !near.empty()) return near;
  if (candidates.empty()) return {};
  return fmt::format("expected one of: {}", fmt::join(candidates, ", "));
}

std::string range(const Limits& limits) {
  const bool low = std::isfinite(limits.low);
  const bool high = std::isfinite(limits.high);
  if (low && high) return fmt::format("between {} and {}", limits.low, limits.high);
  if (limits.exclusive) return fmt::format("greater than {}", limits.low);
  return low ? fmt::format("at least {}", limits.low) : fmt::format("at most {}", limits.high);
}

bool within(double x, const Limits& limits) {
  return x <= limits.high && (limits.exclusive ? x > limits.low : x >= limits.low);
}

bool has_shape(const Node& node, std::string_view shapes) {
  const auto named = [&](std::string_view shape) {
    return shapes.find(shape) != std::string_view::npos;
  };
  if (shapes.empty()) return true;
  if (node.kind == Node::Kind::list) return named("array");
  if (node.kind == Node::Kind::map) return named("object");
  return named("string") || named("integer");
}

/// "a text or a list"
std::string in_words(std::string_view shapes) {
  constexpr std::pair<std::string_view, std::string_view> kWords[] = {{"string", "a text"},
                                                                      {"integer", "a whole number"},
                                                                      {"array", "a list"},
                                                                      {"object", "a mapping"}};
  std::string all;
  for (const auto& [shape, words] : kWords) {
    if (shapes.find(shape) == std::string_view::npos) continue;
    all += all.empty() ? words : " or " + std::string(words);
  }
  return all;
}

}  // namespace

std::optional<Node> EntryCache::read(const std::string& file) {
  const auto [at, fresh] = entries_.try_emplace(file);
  if (fresh) {
    const std::size_t errors = texts_.count();
    Node entry = parse_yaml(file, read_text_file(file), texts_);
    if (texts_.count() == errors) at->second = std::move(entry);
  }
  return at->second;
}

Reader::Reader(const Node& root, std::string what, const Catalogue& catalogue,
               Diagnostics& diagnostics, EntryCache* cache)
    : what_(std::move(what)),
      whole_(root.place),
      catalogue_(catalogue),
      diagnostics_(diagnostics),
      cache_(cache) {
  open_map(&root, "");
}

void Reader::check(bool holds, std::string_view key, std::string_view message,
                   std::string_view hint) {
  const Frame& frame = frames_.back();
  // What was misread holds a default by now: judging that would only confuse.
  if (holds || frame.misread || diagnostics_.count() > frame.errors_before) return;
  const Node::Member* member = frame.node != nullptr ? frame.node->find(key) : nullptr;
  const Place place = member != nullptr       ? member->value.place
                      : frame.node != nullptr ? frame.node->place
                                              : whole_;
  const std::string at = member == nullptr ? path_to(key) + ": " : std::string();
  diagnostics_.error(place, at + std::string(message), std::string(hint));
}

void Reader::text_map(std::string_view key, std::map<std::string, std::string>& texts,
                      std::string_view doc) {
  const Node::Member* member = ask(key);
  if (member == nullptr) return;
  if (member->value.kind != Node::Kind::map) {
    diagnostics_.error(member->value.place, fmt::format("'{}' must be a mapping of texts", key));
    return;
  }
  for (const auto& [name, place, text] : member->value.members) {
    if (text.kind != Node::Kind::scalar) diagnostics_.error(text.place, "a text is wanted here");
    texts[name] = text.text;
    resolved_.push_back({path_to(key) + "." + name, text.text, std::string(doc), to_string(place)});
  }
}

void Reader::scalar(std::string_view key, ScalarRef value, const FieldInfo& info) {
  const Node::Member* member = ask(key);
  if (member == nullptr) {
    if (info.required) {
      missing(key);
    } else if (value.present()) {
      resolved_.push_back({path_to(key), value.format(), std::string(info.doc), "default"});
    }
    return;
  }
  store(member->value, path_to(key), value, info);
}

void Reader::as_written(std::string_view key, Node& value, std::string_view shapes,
                        const FieldInfo& info) {
  const Node::Member* member = ask(key);
  if (member == nullptr) {
    if (info.required) missing(key);
    return;
  }
  if (has_shape(member->value, shapes)) {
    value = member->value;
  } else {
    diagnostics_.error(member->value.place, fmt::format("'{}' must be {}", key, in_words(shapes)));
  }
}

void Reader::alternatives(std::string_view key, ScalarRef which, const FieldInfo& info,
                          FunctionRef<void()> body) {
  const std::size_t errors = diagnostics_.count();
  scalar(key, which, info);
  if (diagnostics_.count() == errors) {
    body();
  } else if (Frame& frame = frames_.back(); frame.node != nullptr) {
    // Which further keys belong here is unknown: complain about none of them.
    for (const Node::Member& member : frame.node->members) frame.asked.push_back(member.key);
  }
}

bool Reader::begin_object(std::string_view key, const FieldInfo& info) {
  const Node::Member* member = ask(key);
  if (member == nullptr && info.required) {
    missing(key);
    return false;
  }
  open_map(member != nullptr ? &member->value : nullptr, path_to(key));
  return true;
}

bool Reader::begin_optional(std::string_view key, const FieldInfo&, bool engaged) {
  const Node::Member* member = ask(key);
  if (member == nullptr && !engaged) return false;
  open_map(member != nullptr ? &member->value : nullptr, path_to(key));
  return true;
}

bool Reader::begin_catalogued(std::string_view key, std::string_view kind, const FieldInfo& info,
                              bool) {
  const Node::Member* member = ask(key);
  if (member == nullptr && info.entry.empty()) {
    if (info.required) missing(key);
    return false;
  }
  const std::string path = path_to(key);
  Node usual;
  usual.text = info.entry;
  usual.kind = Node::Kind::scalar;
  usual.place = whole_;
  const Node* entry = member != nullptr ? &member->value : &usual;
  if (entry->kind == Node::Kind::scalar || entry->find("use") != nullptr) {
    entry = named_entry(*entry, kind, path);
    if (entry == nullptr) return false;
  }
  open_map(entry, path);
  return true;
}

bool Reader::begin_choice(std::string_view key, const FieldInfo&) {
  const Node::Member* member = ask(key);
  const Node* choice = member != nullptr ? &member->value : nullptr;
  if (choice != nullptr && choice->kind == Node::Kind::scalar) {
    Node whole;
    whole.kind = Node::Kind::map;
    whole.place = choice->place;
    whole.members.push_back({"policy", choice->place, *choice});
    choice = &entries_.emplace_back(std::move(whole));
  }
  open_map(choice, path_to(key));
  return true;
}

const Node* Reader::named_entry(const Node& value, std::string_view kind, const std::string& path) {
  const Node::Member* use = value.find("use");
  const Node& name = use != nullptr ? use->value : value;
  const auto file = catalogue_.find(kind, name.text);
  if (!file) {
    diagnostics_.error(name.place, fmt::format("no file of {} is called '{}'", kind, name.text),
                       suggestion(name.text, catalogue_.names(kind)));
    return nullptr;
  }
  const std::size_t errors = diagnostics_.count();
  const auto known = cache_ != nullptr ? cache_->read(*file) : std::nullopt;
  Node entry = known ? *known : parse_yaml(*file, read_text_file(*file), diagnostics_);
  if (diagnostics_.count() > errors) return nullptr;  // what is missing may be what was misread
  if (entry.kind == Node::Kind::null) {
    diagnostics_.error(entry.place,
                       fmt::format("this file is empty; it should say what '{}' is", path));
    return nullptr;
  }
  resolved_.push_back({path, name.text, fmt::format("entry of {}", kind), to_string(name.place)});
  if (use != nullptr) {
    Node above = value;
    std::erase_if(above.members, [](const Node::Member& m) { return m.key == "use"; });
    overlay(entry, above);
  }
  return &entries_.emplace_back(std::move(entry));
}

void Reader::end_object() {
  const Frame frame = std::move(frames_.back());
  frames_.pop_back();
  if (frame.node == nullptr || frame.node->kind != Node::Kind::map) return;
  for (const Node::Member& member : frame.node->members) {
    if (std::find(frame.asked.begin(), frame.asked.end(), member.key) != frame.asked.end())
      continue;
    Place place = member.place;
    place.width = member.key.size();
    diagnostics_.error(place,
                       fmt::format("unknown key '{}' in {}", member.key, name_of(frame.path)),
                       suggestion(member.key, frame.asked));
  }
}

std::size_t Reader::begin_list(std::string_view key, const FieldInfo& info, std::size_t size) {
  const Node::Member* member = ask(key);
  frames_.push_back({nullptr, path_to(key), {}, diagnostics_.count()});
  if (member != nullptr && member->value.kind == Node::Kind::list) {
    lists_.push_back(&member->value);
    return member->value.items.size();
  }
  if (member != nullptr) {
    diagnostics_.error(member->value.place, fmt::format("'{}' must be a list", key));
  } else if (info.required) {
    frames_.pop_back();
    missing(key);
    frames_.push_back({nullptr, path_to(key), {}, diagnostics_.count()});
  }
  lists_.push_back(nullptr);
  return member == nullptr ? size : 0;
}

bool Reader::begin_item(std::size_t index) {
  const Node* list = lists_.back();
  open_map(list != nullptr ? &list->items[index] : nullptr,
           fmt::format("{}[{}]", frames_.back().path, index));
  return true;
}

void Reader::item(std::size_t index, ScalarRef value, const FieldInfo& info) {
  const Node* list = lists_.back();
  const std::string path = fmt::format("{}[{}]", frames_.back().path, index);
  if (list != nullptr) {
    store(list->items[index], path, value, info);
  } else {
    resolved_.push_back({path, value.format(), std::string(info.doc), "default"});
  }
}

void Reader::end_list() {
  lists_.pop_back();
  frames_.pop_back();
}

const Node::Member* Reader::ask(std::string_view key) {
  Frame& frame = frames_.back();
  frame.asked.emplace_back(key);
  const Node::Member* member = frame.node != nullptr ? frame.node->find(key) : nullptr;
  return member != nullptr && member->value.kind != Node::Kind::null ? member : nullptr;
}

void Reader::open_map(const Node* node, std::string path) {
  bool misread = !frames_.empty() && frames_.back().misread;
  if (node != nullptr && node->kind == Node::Kind::null) node = nullptr;
  if (node != nullptr && node->kind != Node::Kind::map) {
    diagnostics_.error(node->place, name_of(path) + " must be a mapping of keys to values");
    node = nullptr;
    misread = true;
  }
  frames_.push_back({node, std::move(path), {}, diagnostics_.count(), misread});
}

void Reader::missing(std::string_view key) {
  const Frame& frame = frames_.back();
  if (frame.misread) return;
  diagnostics_.error(frame.node != nullptr ? frame.node->place : whole_,
                     fmt::format("{} lacks the key '{}'", name_of(frame.path), key));
}

void Reader::store(const Node& node, const std::string& path, ScalarRef value,
                   const FieldInfo& info) {
  const std::string_view key = std::string_view{path}.substr(path.rfind('.') + 1);
  if (node.kind != Node::Kind::scalar) {
    diagnostics_.error(node.place, fmt::format("'{}' must be {}", key, value.form()));
    return;
  }
  const std::string fallback = value.format();
  if (const auto why = value.parse(node.text)) {
    if (value.kind().empty()) {
      diagnostics_.error(node.place, fmt::format("'{}' must be {}", key, value.form()), *why);
    } else {
      diagnostics_.error(node.place, fmt::format("no {} is called '{}'", value.kind(), node.text),
                         suggestion(node.text, value.names()));
    }
    return;
  }
  if (!within(value.magnitude(), info.limits)) {
    static_cast<void>(value.parse(fallback));
    diagnostics_.error(node.place, fmt::format("'{}' must be {}", key, range(info.limits)));
    return;
  }
  resolved_.push_back({path, value.format(), std::string(info.doc), to_string(node.place)});
}

std::string Reader::path_to(std::string_view key) const {
  const std::string& base = frames_.back().path;
  return base.empty() ? std::string(key) : fmt::format("{}.{}", base, key);
}

std::string Reader::name_of(const std::string& path) const {
  return path.empty() ? what_ : fmt::format("'{}'", path);
}

}  // namespace terrace::config
