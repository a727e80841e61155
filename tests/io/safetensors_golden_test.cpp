// The golden file: 180 bytes that the reference writer produces for two small tensors.
#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "io/safetensors.hpp"
#include "io/sha256.hpp"
#include "temporary_folder.hpp"

namespace safetensors_golden_test {

using namespace hallmark;

namespace {

constexpr std::string_view golden_digest = "c05580c6175fc21ff8ba239e8bccf08212fdc8d9fe63c4166ba281dff6efeaa7";
constexpr std::array<std::uint32_t, 2> qweight{0x76543210, 0x76543210};
constexpr std::array<std::uint16_t, 2> scales{0x3800, 0x3400};  // 0.5 and 0.25 in binary16

Status write_golden(const std::string& path) {
  // Planned in another order than the file's: the writer sorts.
  Expected<SafeTensorsWriter> writer =
      SafeTensorsWriter::create(path, false, {{"w.scales", DType::F16, {1, 2}}, {"w.qweight", DType::I32, {1, 2}}}, {});
  if (!writer) return writer.error();
  if (Status s = writer->write("w.scales", std::span<const std::uint16_t>(scales)); !s) return s;
  if (Status s = writer->write("w.qweight", std::span<const std::uint32_t>(qweight).first(1)); !s) return s;
  if (Status s = writer->write("w.qweight", std::span<const std::uint32_t>(qweight).last(1)); !s) return s;
  return writer->commit();
}

}  // namespace

TEST_CASE("the writer reproduces the golden file byte for byte") {
  const test::TemporaryFolder folder;
  REQUIRE(write_golden(folder / "golden.safetensors"));
  const std::string bytes = test::read_file(folder / "golden.safetensors");
  CHECK(bytes.size() == 180);
  CHECK(sha256_hex(bytes) == golden_digest);
  CHECK(bytes.substr(8, 160) ==
        R"({"__metadata__":{"format":"pt"},"w.qweight":{"dtype":"I32","shape":[1,2],"data_offsets":[0,8]},)"
        R"("w.scales":{"dtype":"F16","shape":[1,2],"data_offsets":[8,12]}}  )");
}

TEST_CASE("the reader gives back what the writer wrote") {
  const test::TemporaryFolder folder;
  REQUIRE(write_golden(folder / "golden.safetensors"));
  const auto file = SafeTensors::open(folder / "golden.safetensors");
  REQUIRE(file);
  REQUIRE(file->tensors().size() == 2);
  CHECK(file->tensors()[0].name == "w.qweight");
  CHECK(file->metadata() == std::map<std::string, std::string>{{"format", "pt"}});
  CHECK(file->digest() == golden_digest);
  std::vector<std::string> told;
  CHECK(file->digest({}, [&](const TensorInfo&, std::string digest) { told.push_back(digest); }) == golden_digest);
  CHECK(told == std::vector<std::string>{sha256_hex(file->tensors()[0].data), sha256_hex(file->tensors()[1].data)});
  CHECK(file->find("w.qweigh") == nullptr);
  const TensorInfo* const half = file->find("w.scales");
  REQUIRE(half != nullptr);
  CHECK(half->dtype == DType::F16);
  CHECK(half->shape == Shape{1, 2});
  CHECK(*widen_to_f32(*half) == std::vector<float>{0.5F, 0.25F});
  CHECK(*widen_to_f64(*half) == std::vector<double>{0.5, 0.25});
  CHECK(widen_to_f32(file->tensors()[0]).error().number == 351);
}

}  // namespace safetensors_golden_test
