#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "sim/config/reader.hpp"
#include "sim/config/writer.hpp"
#include "sim/workload/trace.hpp"
#include "sim/workload/trace_time.hpp"
#include "tests/workload/traces.hpp"

namespace terrace {
namespace {

using tests::in_memory;
using tests::replay;

const std::string kCsv = "arrival_s,prompt_tokens,output_tokens\n";
const std::string kMooncake =
    R"({"timestamp": 5, "input_length": 600, "output_length": 2, "hash_ids": [0, 1]})"
    "\n";
const std::string kOwn = R"({"arrival_ps": 5, "prompt": [[1, 2]], "output_tokens": 3})"
                         "\n";

std::string mistake(const std::string& text, const TraceSpec& spec = {}) {
  try {
    static_cast<void>(replay(text, spec));
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return "no mistake";
}

std::string mooncake(const std::string& line) { return mistake(kMooncake + line + "\n"); }
std::string own(const std::string& line) { return mistake(kOwn + line + "\n"); }
std::string csv(const std::string& row) { return mistake(kCsv + "1,1,1\n" + row + "\n"); }

void expect_in(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in:\n" << text;
}

TEST(TraceErrors, LookLikeThoseOfACompiler) {
  EXPECT_EQ(mooncake(R"({"timestamp": 5, "input_length": "many", "hash_ids": []})"),
            "t:2:34: error: 'input_length' must be a number\n"
            "    2 | {\"timestamp\": 5, \"input_length\": \"many\", \"hash_ids\": []}\n"
            "      |                                  ^\n");
  EXPECT_EQ(csv("0.5,1,1"),
            "t:3:1: error: the trace goes back in time: '0.5' follows '1'\n"
            "    3 | 0.5,1,1\n"
            "      | ^~~ sort it by time\n");
}

TEST(TraceErrors, OfFiles) {
  const auto of = [](const std::string& path) -> std::string {
    TraceSpec spec;
    spec.path = path;
    try {
      static_cast<void>(open_trace(spec, 1));
    } catch (const config::ConfigError& error) {
      return error.what();
    }
    return "no mistake";
  };
  EXPECT_EQ(of("no/such/trace"), "no/such/trace: error: cannot read this trace: no such file\n");
  EXPECT_EQ(of("/"), "/: error: cannot read this trace: it is a directory\n");
  EXPECT_EQ(of(""), ": error: cannot read this trace: no such file\n");
  EXPECT_EQ(of("/dev/null"), "/dev/null: error: this trace is empty\n");
  expect_in(of(std::string("a\0b", 3)), "error: cannot read this trace");
}

TEST(TraceErrors, OfBytes) {
  expect_in(mistake(""), "t: error: this trace is empty\n");
  expect_in(mistake("\n \r\n\t\n"), "t: error: this trace is empty\n");
  expect_in(mistake(kCsv), "t: error: there is no request in this trace\n");
  expect_in(csv(std::string("1,1\0,1", 6)), "t:3:4: error: a NUL byte: this is not text\n");
  expect_in(csv("1,\xFF,1"), "t:3:3: error: this byte is not UTF-8\n");
  expect_in(csv("1,\xED\xA0\x80,1"), "t:3:3: error: this byte is not UTF-8\n");
  expect_in(mistake(std::string("\x1f\x8b\x08\x00", 4)), "t: error: this trace is compressed");
  expect_in(mistake("version https://git-lfs.github.com/spec/v1\n"), "pointer of Git LFS");
}

TEST(TraceErrors, OfLinesThatAreTooLong) {
  for (const std::string end : {"", "\n"}) {
    for (const std::size_t size : {100U, 101U, 102U, 103U, 1000U}) {
      TraceLines lines(in_memory("a\n" + std::string(size, 'x') + end), 100);
      ASSERT_TRUE(lines.advance());
      if (size == 100) {
        EXPECT_TRUE(lines.advance());
        EXPECT_FALSE(lines.advance());
        continue;
      }
      try {
        lines.advance();
        ADD_FAILURE() << size;
      } catch (const config::ConfigError& error) {
        expect_in(error.what(), "t:2:1: error: this line is longer than 100 B; is this a trace");
      }
    }
  }
}

TEST(TraceErrors, OfJson) {
  expect_in(own("{"), "t:2:2: error: a key must be a string");
  expect_in(own(R"({"arrival_ps" 1})"), "t:2:15: error: expected ':' after a key");
  expect_in(own(R"({"arrival_ps": 1 "client": "a"})"), "t:2:18: error: expected ',' or '}'");
  expect_in(own(R"({"arrival_ps": 01})"), "t:2:17: error: expected ',' or '}'");
  expect_in(own(R"({"arrival_ps": 1})" + kOwn), "t:2:18: error: one line holds one request only");
  expect_in(own(R"({"client": "a)"), "t:2:14: error: this string is not closed");
  expect_in(own(R"({"client": "\x"})"), "t:2:13: error: this escape is not one of JSON");
  expect_in(own(R"({"client": "\ud800\u0041"})"), "t:2:13: error: this escape is not one of JSON");
  expect_in(own("{\"client\": \"\t\"}"), "t:2:13: error: a control character");
  expect_in(own("[]"), "t:2:1: error: a request must be an object");
  expect_in(mooncake(R"({"x": )" + std::string(100, '[')), "t:2:72: error: nested too deeply");
  expect_in(mooncake(R"({"x": nul})"), "t:2:7: error: expected a JSON value");
  expect_in(mooncake(R"({"x": [1, ]})"), "t:2:11: error: expected a JSON value");
}

TEST(TraceErrors, OfKeys) {
  expect_in(mooncake(R"({"timestamp": 5, "input_lenght": 7, "output_length": 2, "hash_ids": [1]})"),
            "t:2:1: error: the key 'input_length' is missing\n");
  expect_in(mooncake(R"({"timestamp": 5, "input_lenght": 7, "output_length": 2, "hash_ids": [1]})"),
            "is 'input_lenght' meant to be it?");
  expect_in(mooncake(R"({"timestamp": 5, "timestamp": 6})"), "the key 'timestamp' stands twice");
  expect_in(own(R"({"arrival_ps": 9, "prompt": [[1, 2]], "output_token": 3})"),
            "t:2:55: error: unknown key 'output_token'\n");
  expect_in(own(R"({"arrival_ps": 9, "output_tokens": 3})"), "the key 'prompt' is missing");
  expect_in(own(R"({"arrival_ps": 9, "arrival_s": 9, "prompt": [[1, 2]], "output_tokens": 3})"),
            "'arrival_ps' and 'arrival_s' are both given");
  expect_in(mistake(R"({"terrace_trace": 2, "clients": []})"), "is too large: at most 1");
  expect_in(mistake(R"({"terrace_trace": 1, "clients": [{"name": "a"}, {"name": "a"}]})"),
            "t:1:49: error: this client stands here twice");
  expect_in(mistake(R"({"terrace_trace": 1, "clients": [{"name": "a"}]})"
                    "\n" +
                    kOwn),
            "t:2:1: error: the client '' is not declared at the beginning");
  const auto retention = [&](const std::string& rule) {
    return mistake(R"({"terrace_trace": 1, "clients": [{"name": "a", "retention": [)" + rule +
                   "]}]}");
  };
  expect_in(retention("{}"), "t:1:62: error: this retention rule has no 'priority'");
  expect_in(retention(R"({"priority": 101})"), "is too large: at most 100");
  expect_in(retention(R"({"priority": 1, "from": 5, "to": 5})"), "retention rule is empty");
  expect_in(own(R"({"arrival_ps": 9, "prompt": [[1, 2]], "output_tokens": 3, "tool_call": 1})"),
            "'tool_call' must be true or false");
  expect_in(
      own(R"({"arrival_ps": 9, "prompt": [[1, 2]], "output_tokens": 3, "session": 16777216})"),
      "is too large: at most 16777215");
  expect_in(mistake(R"({"time": 1, "ids": []})"), "t:1:1: error: no trace format has these keys");
}

TEST(TraceErrors, OfNumbers) {
  const auto line = [](const std::string& time, const std::string& in, const std::string& out) {
    return mooncake(R"({"timestamp": )" + time + R"(, "input_length": )" + in +
                    R"(, "output_length": )" + out + R"(, "hash_ids": [0, 1]})");
  };
  expect_in(line("-6", "600", "1"), "t:2:15: error: the time of arrival '-6' is negative");
  expect_in(line("1e99", "600", "1"), "'1e99' is too large for a time");
  expect_in(line("1e13", "600", "1"), "beyond the 106 days that a simulation can last");
  expect_in(line("6", "600.5", "1"), "'input_length' must be a whole number");
  expect_in(line("6", "-600", "1"), "'input_length' is negative");
  expect_in(line("6", "0", "1"), "'input_length' must be at least 1");
  expect_in(line("6", "600", "0"), "'output_length' must be at least 1");
  expect_in(line("6", "99999999999999999999", "1"), "'input_length' is too large");
  expect_in(line("6", "400", "1"), "2 hash ids for 400 tokens: in blocks of 512 they should be 1");
  expect_in(line("6", "1025", "1"), "t:2:72: error: 2 hash ids for 1025 tokens");
  expect_in(own(R"({"arrival_ps": 9223372036854775808})"), "'arrival_ps' is too large");
  expect_in(own(R"({"arrival_ps": 6, "prompt": [[1]]})"), "a span is [content id, tokens]");
  expect_in(own(R"({"arrival_ps": 6, "prompt": [[1, 2, 3]]})"), "a span is [content id, tokens]");
  expect_in(own(R"({"arrival_ps": 6, "prompt": [[1, 0]]})"), "must be at least 1");
  expect_in(own(R"({"arrival_ps": 6, "prompt": []})"), "t:2:29: error: this prompt is empty");
}

TEST(TraceErrors, OfCsv) {
  expect_in(csv("1,1"), "t:3:1: error: this row has 2 columns, but the header has 3");
  expect_in(csv("1,1,1,"), "this row has 4 columns, but the header has 3");
  expect_in(csv("1,,1"), "t:3:3: error: '' is not a whole number of tokens");
  expect_in(csv("1,0,1"), "t:3:3: error: '0' tokens are too few: at least 1");
  expect_in(csv("1,1,-1"), "t:3:5: error: '-1' is negative");
  expect_in(csv("1,1,0x1"), "t:3:5: error: '0x1' is not a whole number of tokens");
  expect_in(csv("1,99999999999999999999,1"), "is too large: at most 1000000000");
  expect_in(csv("noon,1,1"), "t:3:1: error: the time of arrival 'noon' is not a number");
  expect_in(csv("1,\"1,1"), "t:3:3: error: this quote is not closed on its line");
  expect_in(csv("1,\"1\"1,1"), "t:3:6: error: expected ',' after a quoted field");
  expect_in(mistake("arrival_s,prompt_tokens,output_tokens,sesion\n"), "unknown column 'sesion'");
  expect_in(mistake("arrival_s,prompt_tokens,output_tokens,sesion\n"), "did you mean 'session'?");
  expect_in(mistake(kCsv.substr(0, kCsv.size() - 1) + ",client,client\n"), "stands twice");
  expect_in(mistake("TIMESTAMP,ContextToken,GeneratedTokens\n"),
            "nearest is azure: TIMESTAMP,ContextTokens,GeneratedTokens");
  expect_in(mistake("2023,1,2\n"), "t:1:1: error: no trace format has this header");
  TraceSpec spec;
  spec.format = TraceFormat::burstgpt;
  expect_in(mistake(kCsv, spec), "burstgpt traces have a column 'Timestamp', but this header");
  expect_in(mistake("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-02-29 00:00:00,1,1\n"),
            "'2023-02-29 00:00:00' is not a date and time such as");
  expect_in(mistake(kCsv.substr(0, kCsv.size() - 1) + ",prefix_id,prefix_tokens\n1,2,1,a,3\n"),
            "t:2:9: error: the prefix is longer than the prompt");
}

TEST(TraceErrors, OfWhatIsAskedOfATrace) {
  TraceSpec spec;
  spec.hash_block = Tokens{16};
  expect_in(mistake(kCsv + "0,1,1\n", spec), "csv traces have no hash ids");
  expect_in(mistake(kMooncake, spec), "in blocks of 16 they should be 38");
  spec = {};
  spec.rate = Frequency{1};
  expect_in(mistake(kMooncake, spec), "all requests have the same time");
  expect_in(mistake("Timestamp,Request tokens,Response tokens\n1,1,0\n"),
            "there is no request in this trace; all 1 have failed and were skipped");
  TraceInput pipe = in_memory(kMooncake);
  pipe.once = true;
  EXPECT_NO_THROW(static_cast<void>(open_trace(pipe, {}, 1)));
  EXPECT_THROW(static_cast<void>(open_trace(pipe, spec, 1)), config::ConfigError);
}

TEST(TraceErrors, AppearWhenReplayComesUponThem) {
  const auto workload = open_trace(in_memory(kCsv + "1,1,1\n2,1,nought\n"), {}, 1);
  EXPECT_EQ(workload->next_time(), SimTime{Duration{1'000'000'000'000}});
  Arrival arrival;
  workload->next(arrival);
  EXPECT_THROW(static_cast<void>(workload->next_time()), config::ConfigError);
}

TEST(TraceTime, DecimalsAreExactAndRoundedOnce) {
  const auto ps = [](std::string_view text, int power) {
    const auto time = parse_decimal_time(text, power).value;
    return time ? elapsed({}, *time)->count() : -1;
  };
  EXPECT_EQ(ps("0.000000000001", 0), 1);
  EXPECT_EQ(ps("9007199254.740993", -6), 9'007'199'254'740'993) << "2^53 + 1";
  EXPECT_EQ(ps("0.9999999999995", 0), 1'000'000'000'000);
  EXPECT_EQ(ps("0.99999999999949", 0), 999'999'999'999);
  EXPECT_EQ(ps("1.5e-3", 0), 1'500'000'000);
  EXPECT_EQ(ps("0e99999999999999999999", 0), 0);
  EXPECT_EQ(ps("1e-99999999999999999999", 0), 0);
  EXPECT_EQ(ps(".5", 0), 500'000'000'000);
  for (const char* text : {"", ".", "e1", "1e", "+1", "1 ", "0x1", "nan", "inf", "1e99999999999"}) {
    EXPECT_EQ(ps(text, 0), -1) << text;
  }
}

TraceSpec read_spec(std::string_view text) {
  config::Diagnostics diagnostics;
  const config::Catalogue catalogue;
  const config::Node root = config::parse_yaml("s", text, diagnostics);
  TraceSpec spec;
  config::Reader(root, "the trace", catalogue, diagnostics).read(spec);
  diagnostics.raise();
  return spec;
}

TEST(TraceSpec, ReadsWhatItWrites) {
  TraceSpec spec = read_spec(
      "{path: a.jsonl, format: bailian, rate: 4 /s, max_requests: 9, duration: 60 s, "
      "spread: uniform, hash_block: 32, slo: {ttft: 1 s}, priority: -2}");
  EXPECT_EQ(spec.format, TraceFormat::bailian);
  EXPECT_EQ(spec.slo.ttft, Duration{1'000'000'000'000});
  const std::string text = config::Writer().write(spec);
  TraceSpec again = read_spec(text);
  EXPECT_EQ(config::Writer().write(again), text);
}

TEST(TraceSpec, RefusesWhatContradictsItself) {
  EXPECT_THROW(read_spec("{path: a, rate: 4 /s, speedup: 2}"), config::ConfigError);
  EXPECT_THROW(read_spec("{path: a, format: azure, hash_block: 2}"), config::ConfigError);
  EXPECT_THROW(read_spec("{path: a, speedup: 0}"), config::ConfigError);
  EXPECT_THROW(read_spec("{format: csv}"), config::ConfigError);
}

}  // namespace
}  // namespace terrace
