#include "sim/config/schema.hpp"

#include <algorithm>
#include <utility>

namespace terrace::config {

namespace {

/// Lets an override leave out, at any depth, what the overridden entry has.
void make_optional(nlohmann::ordered_json& object) {
  object.erase("required");
  object.erase("allOf");
  for (auto& [key, schema] : object["properties"].items()) {
    if (schema.contains("properties")) make_optional(schema);
    if (!schema.contains("anyOf")) continue;
    for (nlohmann::ordered_json& one : schema["anyOf"]) {
      if (one.contains("properties")) make_optional(one);
    }
  }
}

}  // namespace

nlohmann::ordered_json SchemaMaker::empty_object() {
  return {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}};
}

nlohmann::ordered_json SchemaMaker::schema_of(const ScalarRef& value, const FieldInfo& info) {
  Json schema = {{"description", info.doc}};
  if (!value.names().empty()) {
    schema["enum"] = value.names();
    if (value.present()) schema["default"] = value.format();
    return schema;
  }
  schema["type"] = value.json_type();
  if (value.json_type() == "string or integer") schema["type"] = {"string", "integer"};
  const bool number = value.json_type() == "number" || value.json_type() == "integer";
  if (number && std::isfinite(info.limits.low)) {
    schema[info.limits.exclusive ? "exclusiveMinimum" : "minimum"] = info.limits.low;
  }
  if (number && std::isfinite(info.limits.high)) schema["maximum"] = info.limits.high;
  if (value.json_type().starts_with("string") && !value.is_text()) {
    schema["description"] = std::string(info.doc) + "; " + std::string(value.form());
  }
  if (!info.required && value.present()) {
    const std::string text = value.format();
    const bool literal = number || value.json_type() == "boolean";
    schema["default"] = literal ? Json::parse(text, nullptr, false) : Json(text);
  }
  return schema;
}

void SchemaMaker::add(std::string_view key, Json schema, const FieldInfo& info) {
  Json& object = open_.back();
  object["properties"][std::string(key)] = std::move(schema);
  if (info.required) object["required"].push_back(key);
}

void SchemaMaker::scalar(std::string_view key, ScalarRef value, const FieldInfo& info) {
  add(key, schema_of(value, info), info);
}

void SchemaMaker::as_written(std::string_view key, Node&, std::string_view shapes,
                             const FieldInfo& info) {
  Json schema = {{"description", info.doc}};
  if (!shapes.empty()) schema["type"] = Json::array();
  for (const char* shape : {"string", "integer", "array", "object"}) {
    if (shapes.find(shape) != std::string_view::npos) schema["type"].push_back(shape);
  }
  if (schema.contains("type") && schema["type"].size() == 1) {
    schema["type"] = schema["type"].front().get<std::string>();
  }
  add(key, std::move(schema), info);
}

void SchemaMaker::text_map(std::string_view key, std::map<std::string, std::string>&,
                           std::string_view doc) {
  add(key,
      {{"description", doc}, {"type", "object"}, {"additionalProperties", {{"type", "string"}}}},
      {doc, false, {}});
}

void SchemaMaker::alternatives(std::string_view key, ScalarRef which, const FieldInfo& info,
                               FunctionRef<void()> body) {
  const std::string chosen = which.format();
  add(key, schema_of(which, info), info);
  std::vector<Json> bodies;
  for (const std::string_view name : which.names()) {
    static_cast<void>(which.parse(name));
    open_.push_back(empty_object());
    body();
    bodies.push_back(std::move(open_.back()));
    open_.pop_back();
  }
  static_cast<void>(which.parse(chosen));

  // Draft 7 has no unevaluatedProperties: the object must let the keys of all alternatives pass,
  // and each alternative bar those of the others.
  Json& object = open_.back();
  Json barred = Json::object();
  for (const Json& one : bodies) {
    for (const auto& [field, schema] : one["properties"].items()) {
      if (object["properties"].contains(field)) continue;
      object["properties"][field] = Json(true);
      barred[field] = Json(false);
    }
  }
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    Json then = {{"properties", barred}};
    then["properties"].update(bodies[i]["properties"]);
    for (const char* rule : {"required", "allOf"}) {
      if (bodies[i].contains(rule)) then[rule] = bodies[i][rule];
    }
    Json when = {{"properties", {{std::string(key), {{"const", which.names()[i]}}}}}};
    if (which.names()[i] != chosen) when["required"] = Json::array({key});
    object["allOf"].push_back({{"if", std::move(when)}, {"then", std::move(then)}});
  }
}

void SchemaMaker::may_be_missing(std::string_view key) {
  Json& required = open_.back()["required"];
  required.erase(std::remove(required.begin(), required.end(), Json(key)), required.end());
  if (required.empty()) open_.back().erase("required");
}

bool SchemaMaker::begin_object(std::string_view key, const FieldInfo& info) {
  pending_.push_back({std::string(key), std::string(info.doc), info.required, {}, false});
  open_.push_back(empty_object());
  return true;
}

bool SchemaMaker::begin_optional(std::string_view key, const FieldInfo& info, bool) {
  return begin_object(key, info);
}

bool SchemaMaker::begin_catalogued(std::string_view key, std::string_view kind,
                                   const FieldInfo& info, bool) {
  pending_.push_back(
      {std::string(key), std::string(info.doc), info.required, std::string(kind), false});
  open_.push_back(empty_object());
  return true;
}

bool SchemaMaker::begin_choice(std::string_view key, const FieldInfo& info) {
  begin_object(key, info);
  pending_.back().is_choice = true;
  return true;
}

void SchemaMaker::end_object() {
  Json object = std::move(open_.back());
  open_.pop_back();
  const Pending field = std::move(pending_.back());
  pending_.pop_back();
  if (!field.kind.empty()) {
    Json overrides = object;
    make_optional(overrides);
    overrides["properties"]["use"] = {{"description", "name of the entry that is overridden"}};
    overrides["required"] = Json::array({"use"});
    const Json name = {{"type", "string"}, {"examples", catalogue_.names(field.kind)}};
    object = {{"anyOf", Json::array({name, std::move(overrides), std::move(object)})}};
  }
  if (field.is_choice) {
    const Json name = object["properties"]["policy"];
    object = {{"anyOf", Json::array({name, std::move(object)})}};
  }
  object["description"] = field.doc;
  if (open_.back().value("type", "") == "array") {
    open_.back()["items"] = std::move(object);
  } else {
    add(field.key, std::move(object), {field.doc, field.required, {}});
  }
}

std::size_t SchemaMaker::begin_list(std::string_view key, const FieldInfo& info, std::size_t) {
  pending_.push_back({std::string(key), std::string(info.doc), info.required, {}, false});
  open_.push_back({{"type", "array"}});
  return 1;
}

bool SchemaMaker::begin_item(std::size_t) { return begin_object("", {}); }

void SchemaMaker::item(std::size_t, ScalarRef value, const FieldInfo& info) {
  open_.back()["items"] = schema_of(value, {info.doc, true, info.limits});
}

void SchemaMaker::end_list() {
  Json list = std::move(open_.back());
  open_.pop_back();
  const Pending field = std::move(pending_.back());
  pending_.pop_back();
  list["description"] = field.doc;
  add(field.key, std::move(list), {field.doc, field.required, {}});
}

}  // namespace terrace::config
