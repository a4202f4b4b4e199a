#include "calibrate/vendor/nvml.hpp"

#include <cstring>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "calibrate/measuring/points_file.hpp"
#include "calibrate/measuring/run.hpp"
#include "calibrate/profile/gpu_clocks.hpp"

namespace terrace::calibrate {
namespace {

/// A driver that knows one GPU.
struct Driver {
  int open = 0;
  int knows_power = 0;  // a status
};
Driver* driver = nullptr;

using Device = NvmlFunctions::Device;

NvmlFunctions functions() {
  NvmlFunctions f;
  f.init = [] { return ++driver->open, 0; };
  f.shutdown = [] { return --driver->open, 0; };
  f.device = [](const char* pci, Device* device) {
    *device = reinterpret_cast<Device>(driver);
    return std::strcmp(pci, "0000:3b:00.0") == 0 ? 0 : 6;  // not found
  };
  f.uuid = [](Device, char* text, unsigned length) {
    std::strncpy(text, "GPU-00000000-1111-2222-3333-444444444444", length - 1);
    return 0;
  };
  f.ecc = [](Device, int* now, int* later) { return *now = 1, *later = 0, 0; };
  f.clock = [](Device, int kind, unsigned* mhz) { return *mhz = kind == 1 ? 1980 : 3201, 0; };
  f.power = [](Device, unsigned* milliwatts) {
    *milliwatts = 512'500;
    return driver->knows_power;
  };
  f.temperature = [](Device, int, unsigned* celsius) { return *celsius = 64, 0; };
  f.slow_because = [](Device, unsigned long long* reasons) { return *reasons = 0x25, 0; };
  f.pcie_generation = [](Device, unsigned* now) { return *now = 5, 0; };
  f.pcie_width = [](Device, unsigned* now) { return *now = 16, 0; };
  return f;
}

class Nvml : public ::testing::Test {
 protected:
  Nvml() { driver = &driver_; }
  ~Nvml() override { driver = nullptr; }
  Driver driver_;
};

TEST_F(Nvml, TellsTheStateOfTheGpuAtItsAddress) {
  {
    const GpuWatch watch(functions(), "0000:3b:00.0");
    const auto all = watch.state();
    const std::map<std::string, double> state(all.begin(), all.end());
    EXPECT_EQ(state, (std::map<std::string, double>{{"sm_mhz", 1980},
                                                    {"mem_mhz", 3201},
                                                    {"w", 512.5},
                                                    {"celsius", 64},
                                                    {"slow_because", 0x25},
                                                    {"pcie_gen", 5},
                                                    {"pcie_width", 16}}));
    EXPECT_EQ(slowing_reasons(all), 0x24U);  // not that it is idle
    EXPECT_EQ(reasons_text(0x24), "power cap, heat, by software");
  }
  EXPECT_EQ(driver_.open, 0);
}

TEST_F(Nvml, LeavesOutWhatTheDriverDoesNotTell) {
  driver_.knows_power = 3;  // not supported
  NvmlFunctions old = functions();
  old.slow_because = nullptr;
  old.persistence = nullptr;
  const GpuWatch watch(old, "0000:3b:00.0");
  for (const auto& [name, value] : watch.state()) {
    EXPECT_TRUE(name != "w" && name != "slow_because") << name;
  }
  EXPECT_EQ(slowing_reasons(watch.state()), 0U);
  EXPECT_FALSE(watch.facts().contains("persistence"));
}

TEST_F(Nvml, HidesWhichGpuItIs) {
  const GpuWatch watch(functions(), "0000:3b:00.0");
  const auto facts = watch.facts();
  EXPECT_EQ(facts.at("ecc"), true);
  EXPECT_EQ(facts.at("gpu_hash").get<std::string>().size(), 16U);
  EXPECT_EQ(facts.dump().find("1111"), std::string::npos);
}

TEST_F(Nvml, RefusesAnAddressThatItDoesNotKnow) {
  EXPECT_THROW(GpuWatch(functions(), "0000:00:00.0"), std::runtime_error);
  EXPECT_EQ(driver_.open, 0);
}

SentinelReading reading(double at, double mhz, double reasons) {
  return {.at = at,
          .rates = {{"copy_gbs", 4300}},
          .gpu = {{"sm_mhz", mhz},
                  {"w", 500},
                  {"slow_because", reasons},
                  {"pcie_gen", 5},
                  {"pcie_width", 16}}};
}

TEST(GpuStates, FlagPointsAroundANewReasonToBeSlow) {
  // Capped by its power from the start, which says nothing new; too hot at 40 seconds.
  std::vector<SentinelReading> sentinels = {reading(0, 1980, 0x4), reading(20, 1900, 0x4),
                                            reading(40, 1500, 0x44), reading(60, 1980, 0x1)};
  std::vector<MeasuredPoint> points(4);
  points[0].at = 10;
  points[1].at = 30;
  points[2].at = 50;
  points[3].at = 70;
  judge_drift(sentinels, points, DriftRule{});
  EXPECT_FALSE(points[0].drifted);
  EXPECT_TRUE(points[1].drifted);
  EXPECT_TRUE(points[2].drifted);
  EXPECT_FALSE(points[3].drifted);
}

TEST(GpuStates, AreToldInALine) {
  EXPECT_EQ(gpu_clocks_text({reading(0, 1980, 1), reading(20, 1755, 0)}),
            "GPU under load: 1755 to 1980 MHz, up to 500 W, PCIe 5.0 x16, not slowed down");
  EXPECT_EQ(gpu_clocks_text({reading(0, 1980, 4), reading(20, 1755, 0)}),
            "GPU under load: 1755 to 1980 MHz, up to 500 W, PCIe 5.0 x16, slowed down at 1 of 2 "
            "looks: power cap");
  EXPECT_EQ(gpu_clocks_text({{.at = 1, .rates = {{"copy_gbs", 4}}}}), "");
}

TEST(GpuStates, AreKeptInFiles) {
  const SentinelReading kept = sentinel_of(json_of(reading(20, 1755, 4)));
  EXPECT_EQ(kept.gpu, reading(20, 1755, 4).gpu);
  EXPECT_EQ(kept.rates, reading(20, 1755, 4).rates);
  MeasuredPoint point;
  point.id = "a";
  point.family = "f";
  point.x = {{"i", 1}};
  point.unit = "us";
  point.sample = {.median = 1, .n = 3, .beside = {{"copies", 12}, {"copy_gbs", 51.5}}};
  EXPECT_EQ(point_of(json_of(point)).sample.beside, point.sample.beside);
}

}  // namespace
}  // namespace terrace::calibrate
