#include "sim/workload/spec.hpp"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "sim/config/reader.hpp"
#include "sim/config/schema.hpp"
#include "sim/config/writer.hpp"
#include "tests/workload/toy_server.hpp"

namespace terrace {
namespace {

WorkloadSpec read(std::string_view text) {
  config::Diagnostics diagnostics;
  const config::Catalogue catalogue;
  const config::Node root = config::parse_yaml("workload.yaml", text, diagnostics);
  WorkloadSpec spec;
  config::Reader(root, "the workload", catalogue, diagnostics).read(spec);
  diagnostics.raise();
  return spec;
}

std::string mistakes(std::string_view text) {
  try {
    static_cast<void>(read(text));
  } catch (const config::ConfigError& error) {
    return error.what();
  }
  return {};
}

void expect_mistake(std::string_view text, std::string_view said) {
  const std::string all = mistakes(text);
  EXPECT_NE(all.find(said), std::string::npos) << said << "\nin:\n" << all;
  EXPECT_EQ(all.find("error:", all.find("error:") + 1), std::string::npos) << all;
}

constexpr std::string_view kEverything = R"(
max_requests: 400
duration: 1 h
clients:
  - name: api
    priority: 1
    slo: {ttft: 2 s, tpot: 50 ms}
    arrivals: {process: poisson, rate: 5 /s}
    prompt: {distribution: lognormal, mean: 512, cv: 1.2, clip: {min: 4, max: 8192}}
    output: {distribution: constant, value: 128}
  - name: assistant
    max_requests: 100
    arrivals: {process: gamma, rate: 5 /s, cv: 2}
    prompt: {distribution: lognormal, p50: 300, p99: 4000}
    output: {distribution: uniform, min: 16, max: 256}
    content:
      kind: shared_prefix
      prompts: 20
      popularity: 0.9
      length: {distribution: normal, mean: 1500, stddev: 300, clip: {min: 100}}
  - name: chat
    arrivals: {process: on_off, rate_on: 10 /s, rate_off: 0 /s, mean_on: 10 s, mean_off: 50 s}
    prompt: {distribution: zipf, min: 10, max: 1000, exponent: 0.8}
    output: {distribution: histogram, values: [64, 256, 1024], weights: [5, 3, 1]}
    content:
      kind: conversation
      turns: {distribution: uniform, min: 1, max: 10}
      think: {distribution: lognormal, mean: 20 s, cv: 1.5}
      system: {prompts: 2, length: {distribution: constant, value: 700}}
      max_context: 32768
  - name: search
    arrivals: {process: diurnal, rate: 2 /s, amplitude: 0.7, period: 24 h, phase: 0.25}
    prompt: {distribution: constant, value: 40}
    output: {distribution: constant, value: 200}
    content:
      kind: rag
      documents: 10000
      documents_per_request: 4
      popularity: 1
      length: {distribution: lognormal, mean: 900, cv: 0.5}
  - name: loop
    arrivals: {process: closed_loop, users: 4, think: {distribution: exponential, mean: 5 s}, ramp: 5 s}
    prompt: {distribution: constant, value: 40}
    output: {distribution: constant, value: 200}
  - name: metronome
    arrivals: {process: deterministic, rate: 1 /s}
    prompt: {distribution: constant, value: 40}
    output: {distribution: constant, value: 200}
)";

constexpr std::string_view kTexts =
    "    prompt: {distribution: constant, value: 8}\n"
    "    output: {distribution: constant, value: 8}\n";

std::string one_client(std::string_view more, std::string_view top = "max_requests: 1") {
  return std::string(top) + "\nclients:\n  - name: a\n" + std::string(more);
}

TEST(WorkloadSpec, EveryVariantReadsAndRuns) {
  const WorkloadSpec spec = read(kEverything);
  ASSERT_EQ(spec.clients.size(), 6U);
  const auto workload = make_synthetic(spec, 1);
  EXPECT_EQ(workload->clients()[0].priority, 1);
  EXPECT_EQ(workload->clients()[0].tpot_slo, Duration{std::chrono::milliseconds(50)});
  EXPECT_EQ(workload->clients()[4].name, "loop");
  EXPECT_EQ(test::requests(spec, 1, 1'000).size(), 400U);
}

TEST(WorkloadSpec, WhatIsWrittenReadsBackTheSame) {
  WorkloadSpec spec = read(kEverything);
  const std::string once = config::Writer().write(spec);
  WorkloadSpec again = read(once);
  EXPECT_EQ(config::Writer().write(again), once);
}

TEST(WorkloadSpec, HasASchema) {
  WorkloadSpec spec;
  const config::Catalogue catalogue;
  const std::string schema = config::SchemaMaker(catalogue).schema_of(spec, "a workload").dump();
  EXPECT_NE(schema.find("documents_per_request"), std::string::npos);
}

TEST(WorkloadSpec, NamesMistakes) {
  const std::string poisson = "    arrivals: {process: poisson, rate: 5 /s}\n";
  const std::string texts(kTexts);
  EXPECT_EQ(mistakes(one_client(poisson + texts)), "");
  expect_mistake(one_client(poisson + texts, ""), "the workload never ends");
  EXPECT_EQ(mistakes(one_client(poisson + texts + "    max_requests: 4\n", "")), "");
  expect_mistake(one_client(poisson + texts + "  - name: a\n" + poisson + texts),
                 "two clients are called 'a'");
  expect_mistake("max_requests: 1\nclients: []\n", "1 to 4095 clients");
  expect_mistake(one_client("    arrivals: {process: poison, rate: 5 /s}\n" + texts),
                 "did you mean 'poisson'?");
  expect_mistake(one_client("    arrivals: {process: poisson, rate: 5 /s, cv: 2}\n" + texts),
                 "unknown key 'cv'");
  expect_mistake(one_client("    arrivals: {process: poisson, rate: 0 /s}\n" + texts), "rate");
  expect_mistake(
      one_client(poisson + texts +
                 "    content: {kind: rag, documents: 2, "
                 "documents_per_request: 3, length: {distribution: constant, value: 9}}\n"),
      "more different documents than there are");
}

TEST(WorkloadSpec, NamesMistakesOfLengths) {
  const auto with_prompt = [](const std::string& prompt) {
    return one_client(
        "    arrivals: {process: poisson, rate: 5 /s}\n"
        "    output: {distribution: constant, value: 8}\n    prompt: {" +
        prompt + "}\n");
  };
  expect_mistake(with_prompt("distribution: lognormal, mean: 5"), "either mean and cv, or p50");
  expect_mistake(with_prompt("distribution: lognormal, mean: 5, cv: 1, p50: 3"), "either mean");
  expect_mistake(with_prompt("distribution: lognormal, p50: 5, p99: 4"), "p99 is below p50");
  expect_mistake(with_prompt("distribution: uniform, min: 5, max: 4"), "max is below min");
  expect_mistake(with_prompt("distribution: constant, value: 0"), "value");
  expect_mistake(with_prompt("distribution: constant, value: 5, clip: {min: 3, max: 2}"),
                 "max is below min");
  expect_mistake(with_prompt("distribution: histogram, values: [1, 2], weights: [1]"),
                 "differ in number");
  expect_mistake(with_prompt("distribution: histogram, values: [1, 2], weights: [0, 0]"),
                 "positive, finite sum");
}

}  // namespace
}  // namespace terrace
