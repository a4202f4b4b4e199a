#include "sim/config/schema.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "tests/config/machine.hpp"

namespace terrace {
namespace {

using testing::Machine;
using testing::read_machine;
using Json = nlohmann::ordered_json;

Json schema() {
  Machine machine;
  return config::SchemaMaker(config::Catalogue()).schema_of(machine, "a machine");
}

bool is(const Json& value, const std::string& type) {
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
         (type == "integer" && value.is_number_integer()) ||
         (type == "number" && value.is_number());
}

/// A validator of what our schemas are made of; any other keyword fails the test.
bool accepts(const Json& schema, const Json& value) {
  if (schema.is_boolean()) return schema.get<bool>();
  bool ok = true;
  for (const auto& [keyword, rule] : schema.items()) {
    if (keyword == "type") {
      const Json types = rule.is_array() ? rule : Json::array({rule});
      ok &= std::any_of(types.begin(), types.end(), [&](const Json& t) { return is(value, t); });
    } else if (keyword == "enum") {
      ok &= std::find(rule.begin(), rule.end(), value) != rule.end();
    } else if (keyword == "const") {
      ok &= value == rule;
    } else if (keyword == "minimum") {
      ok &= !value.is_number() || value >= rule;
    } else if (keyword == "exclusiveMinimum") {
      ok &= !value.is_number() || value > rule;
    } else if (keyword == "maximum") {
      ok &= !value.is_number() || value <= rule;
    } else if (keyword == "required") {
      for (const Json& key : rule) ok &= !value.is_object() || value.contains(key);
    } else if (keyword == "properties") {
      for (const auto& [key, property] : rule.items()) {
        ok &= !value.is_object() || !value.contains(key) || accepts(property, value[key]);
      }
    } else if (keyword == "additionalProperties") {
      if (!value.is_object()) continue;
      for (const auto& [key, member] : value.items()) {
        const bool known = schema.contains("properties") && schema["properties"].contains(key);
        ok &= known || accepts(rule, member);
      }
    } else if (keyword == "items") {
      for (const Json& item : value.is_array() ? value : Json::array()) ok &= accepts(rule, item);
    } else if (keyword == "anyOf") {
      ok &= std::any_of(rule.begin(), rule.end(), [&](const Json& s) { return accepts(s, value); });
    } else if (keyword == "allOf") {
      ok &= std::all_of(rule.begin(), rule.end(), [&](const Json& s) { return accepts(s, value); });
    } else if (keyword == "if") {
      ok &= !accepts(rule, value) || accepts(schema["then"], value);
    } else if (keyword != "$schema" && keyword != "title" && keyword != "description" &&
               keyword != "default" && keyword != "examples" && keyword != "then") {
      ADD_FAILURE() << "an unknown keyword: " << keyword;
    }
  }
  return ok;
}

TEST(Schema, SaysWhatItIs) {
  const Json s = schema();
  EXPECT_EQ(s["$schema"], "http://json-schema.org/draft-07/schema#");
  EXPECT_EQ(s["title"], "a machine");
  EXPECT_EQ(s["type"], "object");
  EXPECT_EQ(s["additionalProperties"], false);
  EXPECT_EQ(s["required"], Json::array({"name"}));
}

TEST(Schema, DescribesEveryKindOfValue) {
  const Json s = schema()["properties"];
  EXPECT_EQ(s["name"], Json::parse(R"({"description": "what it is called", "type": "string"})"));
  EXPECT_EQ(s["seed"], Json::parse(R"({"description": "of all draws", "type": "integer",
                                       "default": 1})"));
  EXPECT_EQ(s["share"], Json::parse(R"({"description": "that is used", "type": "number",
                                        "minimum": 0.0, "maximum": 1.0, "default": 0.5})"));
  EXPECT_EQ(s["enabled"], Json::parse(R"({"description": "whether it runs", "type": "boolean",
                                          "default": true})"));
  EXPECT_EQ(s["weight"], Json::parse(R"({"description": "if it has one", "type": "number",
                                         "exclusiveMinimum": 0.0})"));
  EXPECT_EQ(s["memory"], Json::parse(R"({"description":
      "of all of it; a size with its unit, such as '80 GiB'", "type": "string",
      "default": "0 B"})"));
  EXPECT_EQ(s["mode"], Json::parse(R"({"description": "how it runs", "enum": ["slow", "fast"],
                                       "default": "slow"})"));
  EXPECT_EQ(s["notes"], Json::parse(R"({"description": "what else there is to say",
      "type": "object", "additionalProperties": {"type": "string"}})"));
  EXPECT_EQ(s["steps"]["type"], "array");
  EXPECT_EQ(s["steps"]["items"]["type"], "string");
  EXPECT_EQ(s["stores"]["items"]["additionalProperties"], false);
  EXPECT_EQ(s["stores"]["items"]["properties"]["capacity"]["type"],
            Json::array({"string", "integer"}));
}

TEST(Schema, AlternativesHaveTheirOwnKeys) {
  const Json all = schema()["allOf"];
  ASSERT_EQ(all.size(), 3U) << "one for each law";
  EXPECT_EQ(all[0]["if"], Json::parse(R"({"properties": {"law": {"const": "none"}}})"))
      << "holds if there is no law, as none is the default";
  EXPECT_EQ(all[1]["if"], Json::parse(R"({"properties": {"law": {"const": "fixed"}},
                                          "required": ["law"]})"));
  EXPECT_EQ(all[1]["then"]["required"], Json::array({"period"}));
  EXPECT_EQ(all[2]["then"]["allOf"].size(), 2U) << "an alternative within";
}

TEST(Schema, NamesTheEntriesOfTheCatalogue) {
  const Json gpu = schema()["properties"]["gpu"];
  ASSERT_EQ(gpu["anyOf"].size(), 3U) << "a name, a name with overrides, or in place";
  EXPECT_EQ(gpu["anyOf"][0]["type"], "string");
  EXPECT_EQ(gpu["anyOf"][1]["required"], Json::array({"use"}));
  EXPECT_EQ(gpu["anyOf"][2]["required"], Json::array({"name", "memory", "link"}));
}

TEST(Schema, DescribingLeavesTheValueAlone) {
  Machine machine;
  machine.law = testing::Law::fixed;
  config::SchemaMaker(config::Catalogue()).schema_of(machine, "a machine");
  EXPECT_EQ(machine.law, testing::Law::fixed);
}

TEST(Schema, AcceptsWhatTheReaderAccepts) {
  const Json s = schema();
  for (const char* text :
       {R"({"name": "x"})", R"({"name": "x", "share": 1, "window": 16, "seed": -5})",
        R"({"name": "x", "memory": "80 GiB", "mode": "fast", "enabled": false})",
        R"({"name": "x", "law": "fixed", "period": "1 s"})",
        R"({"name": "x", "law": "random", "frequency": "1 /s"})",
        R"({"name": "x", "law": "random", "burst": "fast", "peak": 3})",
        R"({"name": "x", "link": {"latency": "1 s"}, "spare": {}})",
        R"({"name": "x", "gpu": {"name": "y", "memory": "1 GB", "link": {}, "lanes": [1, 2]}})",
        R"({"name": "x", "stores": [{"capacity": 0}, {"capacity": "unlimited", "sizes": []}]})",
        R"({"name": "x", "steps": ["1 s", "2 s"], "notes": {"any": "text"}})"}) {
    EXPECT_EQ(read_machine(text).mistakes, "");
    EXPECT_TRUE(accepts(s, Json::parse(text))) << text;
  }
}

TEST(Schema, AcceptsNamesAndOverridesOfAnyDepth) {
  for (const char* gpu : {R"("h200")", R"({"use": "h200"})", R"({"use": "h200", "memory": "1 GB"})",
                          R"({"use": "h200", "link": {"latency": "1 s"}})"}) {
    EXPECT_TRUE(accepts(schema(), {{"name", "x"}, {"gpu", Json::parse(gpu)}})) << gpu;
  }
}

TEST(Schema, RefusesMistakes) {
  const Json s = schema();
  for (const char* text : {"{}",
                           R"({"name": "x", "sede": 1})",
                           R"({"name": "x", "memory": 80})",
                           R"({"name": "x", "share": 1.5})",
                           R"({"name": "x", "window": 15})",
                           R"({"name": "x", "weight": 0})",
                           R"({"name": "x", "mode": "quick"})",
                           R"({"name": "x", "law": "fixed"})",
                           R"({"name": "x", "law": "fixed", "period": 5})",
                           R"({"name": "x", "period": "1 s"})",
                           R"({"name": "x", "law": "none", "peak": 3})",
                           R"({"name": "x", "law": "fixed", "period": "1 s", "frequency": "1 /s"})",
                           R"({"name": "x", "law": "random", "burst": "slow", "peak": 3})",
                           R"({"name": "x", "law": "random", "burst": "fast"})",
                           R"({"name": "x", "link": {"x": 1}})",
                           R"({"name": "x", "link": 5})",
                           R"({"name": "x", "stores": {}})",
                           R"({"name": "x", "stores": [{"x": 1}]})",
                           R"({"name": "x", "steps": [1]})",
                           R"({"name": "x", "notes": ["any"]})",
                           R"({"name": "x", "gpu": {"name": "y"}})",
                           R"({"name": "x", "gpu": {"use": "h200", "memroy": "1 GB"}})"}) {
    EXPECT_NE(read_machine(text).mistakes, "") << text;
    EXPECT_FALSE(accepts(s, Json::parse(text))) << text;
  }
}

}  // namespace
}  // namespace terrace
