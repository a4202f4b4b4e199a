#include "sim/config/catalogue.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/config/machine.hpp"

namespace terrace {
namespace {

using namespace literals;
using testing::Gpu;
using testing::read_machine;

namespace fs = std::filesystem;

/// A catalogue of two GPUs, and some that cannot be read.
class CatalogueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "terrace_catalogue_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    fs::create_directories(root_ + "/gpus");
    write("big.yaml", R"(name: Big
memory: 141 GB
link: {bandwidth: 55 GB/s, latency: 2 us}
lanes: [16, 8]
)");
    write("bit.yaml", "name: Bit\nmemory: 1 GB\nlink: {}\n");
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(root_ + "/gpus/" + name) << text;
  }

  [[nodiscard]] std::string mistakes(const std::string& gpu,
                                     const std::vector<std::string>& sets = {}) const {
    return read_machine("name: x\ngpu: " + gpu, sets, config::Catalogue({root_})).mistakes;
  }

  [[nodiscard]] Gpu read(const std::string& gpu, const std::vector<std::string>& sets = {}) const {
    const auto outcome = read_machine("name: x\ngpu: " + gpu, sets, config::Catalogue({root_}));
    EXPECT_EQ(outcome.mistakes, "");
    return outcome.machine.gpu.value_or(Gpu{});
  }

  std::string root_;
};

TEST_F(CatalogueTest, ListsWhatThereIs) {
  write("readme.txt", "");
  const config::Catalogue catalogue({"/nowhere", root_, root_});
  EXPECT_EQ(catalogue.names("gpus"), (std::vector<std::string>{"big", "bit"}));
  EXPECT_TRUE(catalogue.names("models").empty());
  EXPECT_EQ(catalogue.find("gpus", "big"), root_ + "/gpus/big.yaml");
  EXPECT_EQ(catalogue.find("models", "big"), std::nullopt);
}

TEST_F(CatalogueTest, AnEntryIsGivenByItsNameOrPathOrInPlace) {
  const Gpu big{"Big", Bytes{141'000'000'000}, {55_GBps, 2us}, {16, 8}};
  EXPECT_EQ(read("big"), big);
  EXPECT_EQ(read(root_ + "/gpus/big.yaml"), big);
  EXPECT_EQ(read("{use: big}"), big);
  EXPECT_EQ(read("{name: Own, memory: 5 B, link: {}}"), (Gpu{"Own", 5_B, {}, {}}));
}

TEST_F(CatalogueTest, KeysBesideUseLieOverTheEntry) {
  const Gpu changed{"Big", 5_B, {1_GBps, 2us}, {4}};
  EXPECT_EQ(read("{use: big, memory: 5 B, link: {bandwidth: 1 GB/s}, lanes: [4]}"), changed);
  EXPECT_EQ(read("big", {"gpu.memory=5 B", "gpu.link.bandwidth=1 GB/s", "gpu.lanes=[4]"}), changed);
  EXPECT_EQ(
      read("{use: bit, memory: 5 B, lanes: [4]}", {"gpu.use=big", "gpu.link.bandwidth=1 GB/s"}),
      changed);
  EXPECT_EQ(read("bit", {"gpu=big"}), read("big"));
}

TEST_F(CatalogueTest, AnUnknownNameIsCorrected) {
  EXPECT_EQ(mistakes("bih"), R"(m.yaml:2:6: error: no file of gpus is called 'bih'
    2 | gpu: bih
      |      ^~~ did you mean 'big'?
)");
  EXPECT_EQ(mistakes("{use: enormous, memory: 5}"),
            R"(m.yaml:2:12: error: no file of gpus is called 'enormous'
    2 | gpu: {use: enormous, memory: 5}
      |            ^~~~~~~~ expected one of: big, bit
)");
}

TEST_F(CatalogueTest, MistakesAreShownInTheFileTheyAreIn) {
  write("wrong.yaml", "name: Wrong\nmemory: 5\nspeed: 2\n");
  const std::string file = root_ + "/gpus/wrong.yaml";
  EXPECT_EQ(mistakes("{use: wrong, lanes: [0]}"),
            R"(m.yaml:2:27: error: 'lanes[0]' must be at least 1
    2 | gpu: {use: wrong, lanes: [0]}
      |                           ^
)" + file + R"(:1:1: error: 'gpu' lacks the key 'link'
    1 | name: Wrong
      | ^
)" + file + R"(:2:9: error: 'memory' must be a size with its unit, such as '80 GiB'
    2 | memory: 5
      |         ^ '5' lacks a unit: B, kB, KiB, MB, MiB, GB, GiB, TB, TiB, PB
)" + file + R"(:3:1: error: unknown key 'speed' in 'gpu'
    3 | speed: 2
      | ^~~~~ expected one of: name, memory, link, lanes
)");
}

TEST_F(CatalogueTest, AFileThatIsNoYamlIsOneMistake) {
  write("torn.yaml", "name: [\n");
  EXPECT_EQ(mistakes("torn"),
            root_ + "/gpus/torn.yaml:2:1: error: end of sequence flow not found\n");
}

TEST_F(CatalogueTest, EveryValueSaysWhereItComesFrom) {
  const auto outcome = read_machine("name: x\nlink:\n  latency: 3 us\ngpu: big\nnotes: {a: b}\n",
                                    {"share=0.25", "gpu.memory=120 GB", "stores=[{name: s}]"},
                                    config::Catalogue({root_}));
  EXPECT_EQ(outcome.mistakes, "");
  std::string all;
  for (const config::Resolved& value : outcome.resolved) {
    EXPECT_FALSE(value.doc.empty()) << value.path;
    all += value.path + " = " + value.value + " (" + value.origin + ")\n";
  }
  const std::string file = root_ + "/gpus/big.yaml";
  EXPECT_EQ(all, R"(name = x (m.yaml:1:7)
seed = 1 (default)
share = 0.25 (--set share=0.25)
enabled = true (default)
window = 2048 (default)
memory = 0 B (default)
rate = 0 FLOP/s (default)
pause = 0 ps (default)
mode = slow (default)
law = none (default)
link.bandwidth = 0 B/s (default)
link.latency = 3 us (m.yaml:3:12)
gpu = big (m.yaml:4:6)
gpu.name = Big ()" + file +
                     R"(:1:7)
gpu.memory = 120 GB (--set gpu.memory=120 GB)
gpu.link.bandwidth = 55 GB/s ()" +
                     file + R"(:3:19)
gpu.link.latency = 2 us ()" +
                     file + R"(:3:37)
gpu.lanes[0] = 16 ()" +
                     file + R"(:4:9)
gpu.lanes[1] = 8 ()" +
                     file + R"(:4:13)
stores[0].name = s (--set stores=[{name: s}])
stores[0].capacity = 0 (default)
notes.a = b (m.yaml:5:9)
)");
}

TEST_F(CatalogueTest, ReadFileReadsOneFile) {
  EXPECT_EQ(config::read_file<Gpu>(root_ + "/gpus/big.yaml"), read("big"));
  write("torn.yaml", "name: [\n");
  EXPECT_THROW(config::read_file<Gpu>(root_ + "/gpus/torn.yaml"), config::ConfigError);
  EXPECT_THROW(config::read_file<Gpu>(root_ + "/gpus/none.yaml"), config::ConfigError);
}

}  // namespace
}  // namespace terrace
