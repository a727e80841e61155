// Containers with rotated rows: round trip, schema, and each way in which the marks can be wrong.
#include <doctest/doctest.h>

#include "artifact/rotation_signs.hpp"
#include "quantized_files.hpp"

namespace rotated_file_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

Options rotated_options() {
  Options options = options_of("int4");
  options.rotation = hadamard_16;
  options.rotation_seed = 7;
  return options;
}

// z.weight [2, 18] of int4; row 1 is rotated.
struct Rotated {
  TemporaryFolder folder;
  std::string path = folder / "q.safetensors";
  QuantizedHeader header = header_of(rotated_options());
  std::vector<Code> codes;
  Steps steps{matrix_of(2, 1, std::vector<float>{0.25F, -0x1.ffcp-3F})};

  Rotated() {
    header.tensors[0].shape = {2, 18};
    header.matrices[0].cols = 18;
    for (int k = 0; k < 36; ++k) codes.push_back(static_cast<Code>(k % 16 - 8));
    steps.rotation = {rotation_signs(header.matrices[0].options, "z.weight", 18), {0, 1}};
  }
  Status write() const { return test::write(path, header, codes, steps); }
};

}  // namespace

TEST_CASE("signs are bits of the SHA-256 of seed and name, which others can compute") {
  // printf 'hallmark.rotation/1\n7\n0\nz.weight' | sha256sum: c2709bb3.., and of the next 256 columns 78d0...
  const std::vector<float> first{-1, -1, 1, 1, 1, 1, -1, 1, 1, -1, -1, -1, 1, 1, 1, 1},
      after_256{1, -1, -1, -1, -1, 1, 1, 1, -1, -1, 1, -1, 1, 1, 1, 1};
  const Options options = rotated_options();
  CHECK(rotation_signs(options, "z.weight", 18) == first);
  const std::vector<float> many = rotation_signs(options, "z.weight", 272);
  REQUIRE(many.size() == 272);
  CHECK(std::vector<float>(many.begin() + 256, many.end()) == after_256);
  CHECK(rotation_signs(options, "z.weigh", 18) != first);
  Options other = options;
  other.rotation_seed = 8;
  CHECK(rotation_signs(other, "z.weight", 18) != first);
  CHECK(rotation_signs(options, "z.weight", 15).empty());
  CHECK(rotation_signs(options_of("int4"), "z.weight", 18).empty());
}

TEST_CASE("what was written comes back, as schema 4") {
  const Rotated made;
  REQUIRE(made.write());
  const auto q = QuantizedFile::open(made.path);
  REQUIRE(q);
  CHECK(q->header().schema == 4);
  const QuantizedMatrix& matrix = q->header().matrices[0];
  CHECK(matrix.options.rotation == hadamard_16);
  CHECK(matrix.options.rotation_seed == 7);
  const Steps found = *q->steps(matrix);
  CHECK(found.scales == made.steps.scales);
  CHECK(found.rotation.rows == made.steps.rotation.rows);
  CHECK(found.rotation.signs == made.steps.rotation.signs);
  const TensorInfo& marks = *q->file().find("z.weight.rotated");
  CHECK(marks.dtype == DType::U8);
  CHECK(marks.shape == Shape{1});
  const StoredDigests digests = stored_digests(matrix, *q->codes(matrix), found);
  CHECK(digests.rotated.size() == 64);
}

TEST_CASE("a file without rotation says nothing of one and stays of schema 2") {
  const TemporaryFolder folder;
  REQUIRE(write(folder / "q", header_of("gf16/1")));
  CHECK(read_file(folder / "q").find("rotat") == std::string::npos);
  CHECK(QuantizedFile::open(folder / "q")->header().schema == 2);
}

TEST_CASE("marks that are missing, short, too many, of another kind or followed by a bit are refused") {
  const auto refused = [](const Edit& edit) {
    const Rotated made;
    REQUIRE(made.write());
    rewrite(made.path, edit);
    return error_of(made.path);
  };
  const auto plan_of = [](std::vector<TensorPlan>& plan) {
    return std::ranges::find(plan, std::string("z.weight.rotated"), &TensorPlan::name);
  };
  CHECK(refused([](auto&, auto&, auto&) {}) == 0);
  CHECK(refused([&](auto&, auto& plan, auto&) { plan.erase(plan_of(plan)); }) == 363);
  CHECK(refused([&](auto&, auto& plan, auto& data) {
          plan_of(plan)->shape = {0};
          data["z.weight.rotated"].clear();
        }) == 364);
  CHECK(refused([&](auto&, auto& plan, auto& data) {
          plan_of(plan)->shape = {2};
          data["z.weight.rotated"] += '\0';
        }) == 364);
  CHECK(refused([&](auto&, auto& plan, auto&) { plan_of(plan)->dtype = DType::I8; }) == 364);
  CHECK(refused([](auto&, auto&, auto& data) { data["z.weight.rotated"][0] = 4; }) == 369);
  // A scale of 24 bits: s times a code is a number of binary32 for no code but powers of 2.
  const auto with_scale = [](std::size_t row) {
    return [row](auto&, auto&, auto& data) {
      const float s = 0x1.fffffep-3F;
      std::memcpy(data["z.weight.scale"].data() + 4 * row, &s, sizeof s);
    };
  };
  CHECK(refused(with_scale(0)) == 369);
  CHECK(refused(with_scale(1)) == 369);
}

TEST_CASE("metadata that name a rotation are of their schema, of one text, and of options that take it") {
  const auto refused = [](const char* from, const char* to) {
    const Rotated made;
    REQUIRE(made.write());
    rewrite(made.path, [&](auto& metadata, auto&, auto&) {
      std::string& text = metadata[std::string(from) == "4" ? "hallmark.schema" : "hallmark.matrices"];
      const std::size_t at = text.find(from);
      REQUIRE(at != std::string::npos);
      text.replace(at, std::string(from).size(), to);
    });
    return error_of(made.path);
  };
  CHECK(refused("4", "2") == 360);
  CHECK(refused("4", "3") == 364);
  CHECK(refused("4", "5") == 361);
  CHECK(refused("\"rotation\":\"hadamard:16\"", "\"rotation\":\"hadamard:8\"") == 360);
  CHECK(refused("\"rotation\":\"hadamard:16\"", "\"rotation\":\"none\"") == 360);
  CHECK(refused("\"rotation\":\"hadamard:16\",", "") == 360);  // a seed of nothing
  CHECK(refused("\"rotation_seed\":7", "\"rotation_seed\":0") == 360);
  CHECK(refused("\"group_size\":0", "\"group_size\":8") == 360);
  CHECK(refused("\"method\":\"gptq\"", "\"method\":\"rtn\"") == 360);
  CHECK(refused("\"grid\":\"int4/2\"", "\"grid\":\"int4z/1\"") == 360);
}

TEST_CASE("the writer takes no other marks or signs than the reader") {
  Rotated made;
  made.steps.rotation.rows[0] = 2;
  CHECK(made.write().error().number == 369);
  made.steps.rotation.rows = {1};
  CHECK(made.write().error().number == 110);
  made.steps.rotation.rows = {0, 1};
  made.steps.rotation.signs[3] = -made.steps.rotation.signs[3];
  CHECK(made.write().error().number == 110);
}

}  // namespace rotated_file_test
