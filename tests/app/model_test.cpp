// What a model costs, and models of others.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/app/program.hpp"

namespace terrace {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Outcome;
using ::testing::StartsWith;
using testing::Workplace;

constexpr std::string_view kLlama = R"({"model_type": "llama", "hidden_size": 4096,
  "intermediate_size": 14336, "max_position_embeddings": 131072, "num_attention_heads": 32,
  "num_hidden_layers": 32, "num_key_value_heads": 8, "torch_dtype": "bfloat16",
  "vocab_size": 128256})";

/// The text without its line breaks, which fall where the numbers let them.
std::string joined(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n';
    if (!space || !out.ends_with(' ')) out += space ? ' ' : c;
  }
  return out;
}

/// What 'terrace model show' prints, joined.
std::string shown(const std::string& line) {
  const Workplace place;
  const Outcome outcome = place.terrace("model show " + line);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, IsEmpty());
  return joined(outcome.out);
}

TEST(ModelVerb, ShowsWhatLlamaHolds) {
  const std::string text = shown("llama-3.1-8b");
  EXPECT_THAT(text, AllOf(StartsWith("Llama 3.1 8B: "), HasSubstr("8.03 billion parameters"),
                          HasSubstr("15.0 GiB in bf16"), HasSubstr("131,072 B (128 KiB) per token"),
                          HasSubstr("a sequence of 131,072 tokens: 16.0 GiB ")));
  EXPECT_THAT(text, Not(HasSubstr("heads")));
  EXPECT_THAT(shown("llama-3.1-8b --kv-dtype fp8"), HasSubstr("65,536 B (64.0 KiB) per token"));
  EXPECT_THAT(shown("llama-3.1-8b --context 1000"), HasSubstr("1,000 tokens: 125 MiB"));
}

TEST(ModelVerb, ExplainsItsNumbers) {
  const std::string llama = shown("llama-3.1-8b --explain");
  EXPECT_THAT(llama,
              AllOf(HasSubstr("KV: 2 x 8 KV heads x 128 x 2 B = 4,096 B per token and layer "),
                    HasSubstr("QKV 4,096 x 6,144 + O 4,096 x 4,096 + up 4,096 x 28,672 + down "
                              "14,336 x 4,096 = 218 M"),
                    HasSubstr("2 x 32 heads x (128 + 128) x 131,072 tokens = 2.15 GFLOP")));
  EXPECT_THAT(shown("llama-3.1-8b --explain --kv-dtype int4"),
              HasSubstr("2 x 8 KV heads x 128 x 0.5 B = 1,024 B per token and layer"));
  EXPECT_THAT(shown("deepseek-v3 --explain"),
              AllOf(HasSubstr("(512 latent + 64 rotated key) x 2 B = 1,152 B per token and layer"),
                    HasSubstr("2 x 128 heads x (2 x 512 + 64) x")));
  EXPECT_THAT(
      shown("deepseek-v3.2 --explain"),
      AllOf(HasSubstr("and 128 x 1 B index key + 4 B scale = 132 B more"),
            HasSubstr("x 2,048 tokens ="), HasSubstr("index: 2 x 64 heads x 128 x 163,840")));
  EXPECT_THAT(shown("qwen3.5-397b-a17b --explain"),
              HasSubstr("64 states x 128 x 128 x 4 B = 4,194,304 B per sequence and layer"));
  EXPECT_THAT(shown("llama-4-scout --explain"), HasSubstr("of a chunk of 8,192 tokens"));
  EXPECT_THAT(shown("whisper-large-v3 --explain"),
              AllOf(HasSubstr("of 1,500 tokens of the encoder"), HasSubstr("encoder, full, dense"),
                    HasSubstr("full, no MLP")));
}

TEST(ModelVerb, WindowsStopGrowing) {
  EXPECT_THAT(
      shown("mistral-7b-v0.1 --explain"),
      AllOf(HasSubstr("32,768 tokens: 4.00 GiB; 512 MiB if what has left a window is freed"),
            HasSubstr("of the last 4,096 tokens, at most 16.0 MiB per sequence and layer")));
}

TEST(ModelVerb, SaysWhatEachGpuHolds) {
  const std::string eight = shown("llama-3.1-8b --tp 8 --explain");
  EXPECT_THAT(eight, AllOf(HasSubstr("each of 8 GPUs: "), HasSubstr("16,384 B (16.0 KiB) of KV"),
                           HasSubstr("2 x 1 of 8 KV heads x 128 x 2 B = 512 B per token, layer and "
                                     "GPU")));
  EXPECT_THAT(eight, HasSubstr("held more than once: norms on every GPU "));
  EXPECT_THAT(shown("llama-3.1-8b --tp 16"), HasSubstr("each of 8 KV heads on 2 GPUs"));
  EXPECT_THAT(shown("deepseek-v3 --tp 8"), AllOf(HasSubstr("70,272 B (68.6 KiB) of KV"),
                                                 HasSubstr("latents and what makes them")));
}

TEST(ModelVerb, MistakesAreNamed) {
  const Workplace place;
  const auto fails = [&](int status, const std::string& line, const std::string& message) {
    const Outcome outcome = place.terrace("model " + line);
    EXPECT_EQ(outcome.status, status) << line;
    EXPECT_THAT(outcome.err, HasSubstr(message)) << line;
    EXPECT_THAT(outcome.out, IsEmpty()) << line;
  };
  fails(3, "show llama-3.1-8", "there is no such model; did you mean 'llama-3.1-8b'?");
  fails(2, "show llama-3.1-8b --tp 3",
        "the 32 attention heads of llama-3.1-8b cannot be divided among 3 GPUs; possible are 1, 2, "
        "4, 8, 16, 32");
  fails(2, "show llama-3.1-8b --tp 0", "--tp 0: between 1 and 64");
  fails(2, "show llama-3.1-8b --context 0", "--context: between 1 and");
  fails(2, "show llama-3.1-8b --kv-dtype fp9",
        "--kv-dtype is one of bf16, fp16, fp8, int8, int4, not 'fp9'; did you mean fp8?");
  fails(2, "show llama-3.1-8b --out x.yaml", "--out has no effect on 'terrace model show'");
  fails(2, "import config.json --tp 2", "--tp has no effect on 'terrace model import'");
  fails(2, "shwo llama-3.1-8b", "did you mean 'show'?");
  fails(2, "show", "MODEL");
  fails(3, "import config.json --name m", "config.json: error: cannot read this file");
  place.write("config.json", R"({"model_type": "llamma"})");
  fails(3, "import config.json --name m", "the nearest that is: 'llama'");
  fails(2, "import config.json --name Mine", "is no name for a model");
  place.write("config.json", kLlama);
  fails(1, "import config.json --out nowhere/m.yaml", "nowhere/m.yaml");
}

TEST(ModelVerb, ImportsWhatScenariosCanUse) {
  const Workplace place;
  place.write("config.json", kLlama);
  const Outcome printed = place.terrace("model import config.json --name my-llama");
  EXPECT_EQ(printed.status, 0) << printed.err;
  EXPECT_THAT(printed.out, AllOf(StartsWith("# my-llama: 8.03 G weights, 128 KiB of KV per token"),
                                 HasSubstr("\nname: my-llama\n")));

  const Outcome written = place.terrace("model import config.json --out my-llama.yaml");
  EXPECT_EQ(written.status, 0) << written.err;
  EXPECT_THAT(written.out, IsEmpty());
  EXPECT_EQ(testing::read_file(place.at("my-llama.yaml")), printed.out);

  // Everything but what it is called is as of the shipped one.
  const auto rest = [](const std::string& text) { return text.substr(text.find('\n')); };
  EXPECT_EQ(rest(place.terrace("model show my-llama.yaml --explain").out),
            rest(place.terrace("model show llama-3.1-8b --explain").out));
  const std::string change = "--set workload.max_requests=5 --json";
  const Outcome run = place.terrace("run quickstart --set model=./my-llama.yaml " + change);
  EXPECT_EQ(run.status, 0) << run.err;
}

TEST(ModelVerb, WithoutAKvCacheThereIsNothingToSimulate) {
  const Workplace place;
  place.write("linear.yaml",
              "{name: linear, hidden: 64, vocabulary: 100, tied_embeddings: true,\n"
              " max_context: 1000, source: made up, layers: [{count: 2,\n"
              "  attention: {kind: linear, heads: 4, key_heads: 4, key_dim: 8, value_dim: 8},\n"
              "  mlp: {kind: none}}]}\n");
  const Outcome run = place.terrace("run quickstart --set model=./linear.yaml");
  EXPECT_EQ(run.status, 3);
  EXPECT_THAT(run.err, HasSubstr("no layer of this model keeps keys and values of its tokens"));
  EXPECT_THAT(place.terrace("model show linear.yaml --explain").out,
              AllOf(HasSubstr("0 B per token"), HasSubstr("4 states x 8 x 8 x 4 B = 1,024 B")));
}

}  // namespace
}  // namespace terrace
