// The metadata of the quantized container: one text for one content, and each way in which it can be wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error_numbers.hpp"
#include "quantized_files.hpp"

namespace quantized_metadata_test {

using namespace hallmark;
using namespace hallmark::test;

TEST_CASE("one content has one metadata text") {
  using namespace error_number;
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  REQUIRE(write(path, header_of("gf16/1")));
  const std::string good = test::read_file(path);
  std::map<std::string, std::string> entries;
  {
    const auto file = SafeTensors::open(path);
    REQUIRE(file);
    entries = file->metadata();
  }
  const auto after = [&](const std::string& key, const std::string& value) {
    test::write_file(path, good);
    rewrite(path, [&](auto& metadata, auto&, auto&) { metadata[key] = value; });
    return error_of(path);
  };
  for (const std::string key : {"hallmark.tensors", "hallmark.matrices", "hallmark.source.metadata"}) {
    CAPTURE(key);
    const std::string text = entries.at(key);
    CHECK(after(key, text) == 0);
    CHECK(after(key, " " + text) == quantized_metadata);
    CHECK(after(key, text + " ") == quantized_metadata);
    CHECK(after(key, text + std::string(1, '\0') + "x") == quantized_metadata);
    std::string twice = text;
    const std::size_t object = twice.find('{') + 1, comma = std::min(twice.find(',', object), twice.find('}', object));
    twice.insert(object, twice.substr(object, comma - object) + ",");
    CHECK(after(key, twice) == quantized_metadata);
  }
  CHECK(after("hallmark.method", "rtn") == quantized_metadata);
  CHECK(after("hallmark.unknown", "") == quantized_metadata);
  CHECK(after("other.program", "its own") == 0);
}

TEST_CASE("a malformed list of matrices is refused") {
  using namespace error_number;
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  QuantizedHeader header = header_of("gf16/1");
  header.tensors = {{"s", DType::F32, {2, 2, 3}}, {"z", DType::F32, {3, 2}}};
  Options zero = options_of("int4z"), table{*Grid::table("mine", {-1, 0, 2})};
  header.matrices = {{"s[0]", "s", 0, false, 2, 3, zero},
                     {"s[1]", "s", 1, false, 2, 3, zero},
                     {"z", "z", std::nullopt, true, 2, 3, table}};
  {
    const std::vector<Code> nothing(6);
    auto writer = QuantizedFileWriter::create(path, false, header);
    REQUIRE(writer);
    for (const char* name : {"s[0]", "s[1]"}) REQUIRE(writer->write_quantized(name, nothing, steps_of(scale, {7, 15})));
    REQUIRE(writer->write_quantized("z", nothing, steps_of(scale)));
    REQUIRE(writer->commit());
  }
  REQUIRE(error_of(path) == 0);
  const std::string good = test::read_file(path);
  using Json = nlohmann::ordered_json;
  const auto after = [&](const std::function<void(Json&)>& edit) {
    test::write_file(path, good);
    rewrite(path, [&](auto& metadata, auto&, auto&) {
      Json list = Json::parse(metadata["hallmark.matrices"]);
      edit(list);
      metadata["hallmark.matrices"] = list.dump();
    });
    return error_of(path);
  };
  CHECK(after([](Json&) {}) == 0);
  const auto refused = [&](const char* what, const std::function<void(Json&)>& edit) {
    CAPTURE(what);
    CHECK(after(edit) == quantized_metadata);
  };
  refused("an object", [](Json& list) { list = Json::object(); });
  refused("a matrix that is none", [](Json& list) { list[0] = 1; });
  refused("no tensor", [](Json& list) { list[0].erase("tensor"); });
  refused("no options", [](Json& list) { list[0].erase("options"); });
  refused("an unknown key", [](Json& list) { list[0]["shape"] = Json::array({2, 3}); });
  refused("a tensor that is not there", [](Json& list) { list[0]["tensor"] = "t"; });
  refused("a missing index", [](Json& list) { list[0].erase("index"); });
  refused("an index beyond the stack", [](Json& list) { list[1]["index"] = 2; });
  refused("a negative index", [](Json& list) { list[1]["index"] = -1; });
  refused("an index of a matrix", [](Json& list) { list[2]["index"] = 0; });
  refused("another order in the stack", [](Json& list) { std::swap(list[0], list[1]); });
  refused("another order of tensors", [](Json& list) { std::rotate(list.begin(), list.begin() + 2, list.end()); });
  refused("half a stack", [](Json& list) { list.erase(list.begin() + 1); });
  refused("the other half of a stack", [](Json& list) { list.erase(list.begin()); });
  refused("a matrix twice", [](Json& list) { list.push_back(list[2]); });
  refused("an index twice", [](Json& list) { list[1]["index"] = 0; });
  refused("half a stack transposed", [](Json& list) { list[1]["transposed"] = true; });
  refused("transposed that is not", [](Json& list) { list[2]["transposed"] = false; });
  const std::vector<std::pair<std::string, Json>> values{
      {"grid", "int4z/2"},       {"grid", "int4z"},   {"grid", "gf17/1"},       {"grid", 4},
      {"method", "magic"},       {"method", nullptr}, {"scale_rule", "maxabs"}, {"scale_storage", "f64"},
      {"group_size", -1},        {"group_size", 1.5}, {"group_size", "0"},      {"damp_fraction", -0.5},
      {"damp_fraction", "0.01"}, {"desc_act", 1},     {"block_size", 0},        {"guard", "true"}};
  for (const auto& option : values) {
    const std::string key = option.first;
    const Json other = option.second;
    CAPTURE(key);
    CAPTURE(other.dump());
    CHECK(after([&](Json& list) { list[0]["options"][key] = other; }) == quantized_metadata);
    CHECK(after([&](Json& list) { list[0]["options"].erase(key); }) == quantized_metadata);
  }
  refused("an unknown option", [](Json& list) { list[0]["options"]["bits"] = 4; });
  refused("points of a grid that has its own", [](Json& list) { list[0]["options"]["points"] = Json::array({-1, 1}); });
  refused("a table without points", [](Json& list) { list[2]["options"].erase("points"); });
  refused("a table that does not increase", [](Json& list) { list[2]["options"]["points"] = Json::array({-1, 2, 2}); });
  refused("a point that is no number", [](Json& list) { list[2]["options"]["points"][0] = "-1"; });
  CHECK(after([](Json& list) { list[2].erase("transposed"); }) == quantized_shape);
  CHECK(after([](Json& list) { list[0]["options"]["group_size"] = 2; }) == quantized_shape);
  CHECK(after([](Json& list) { list[0]["options"]["scale_storage"] = "bf16"; }) == quantized_shape);
  CHECK(after([](Json& list) { list[0]["options"]["grid"] = "int8/2"; }) == quantized_shape);   // the codes are packed
  CHECK(after([](Json& list) { list[0]["options"]["grid"] = "nf4/1"; }) == quantized_tensors);  // zero points too many
  CHECK(after([](Json& list) { list[0]["options"]["grid"] = "int3z/1"; }) ==
        quantized_scale);  // a bit after zero point 7
}

TEST_CASE("schema 1, one set of options for all matrices, is read and refused as before") {
  using namespace error_number;
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors", old = test::read_file("tests/cli/old/int4.safetensors");
  test::write_file(path, old);
  {
    const auto q = QuantizedFile::open(path);
    REQUIRE(q);
    CHECK(q->header().schema == 1);
    REQUIRE(q->header().matrices.size() == 2);
    const QuantizedMatrix& b = q->header().matrices[1];
    CHECK(b.name == "b.weight");
    CHECK(b.rows == 5);
    CHECK(b.cols == 8);
    CHECK(b.options.grid == Grid::parse("int4s").value());
    CHECK(b.options.group_size == 4);
    CHECK(b.options.desc_act);
    CHECK(b.options.scale_storage == ScaleStorage::f32);
    CHECK(q->steps(b)->scales.cols() == 2);
  }
  const auto after = [&](const Edit& edit) {
    test::write_file(path, old);
    rewrite(path, edit);
    return error_of(path);
  };
  const auto entry = [&](const std::string& key, const std::string& value) {
    return after([&](auto& metadata, auto&, auto&) { metadata["hallmark." + key] = value; });
  };
  CHECK(after([](auto&, auto&, auto&) {}) == 0);
  for (const std::string key :
       {"schema", "tool", "grid", "method", "scale_rule", "rounding", "group_size", "block_size", "damp_percent",
        "desc_act", "guard", "source.sha256", "source.metadata", "calibration.sha256", "tensors", "payload.sha256"}) {
    CAPTURE(key);
    CHECK(after([&](auto& metadata, auto&, auto&) { REQUIRE(metadata.erase("hallmark." + key) == 1); }) ==
          quantized_metadata);
  }
  CHECK(entry("schema", "2") == quantized_metadata);  // no matrices
  CHECK(entry("grid", "gf99/1") == quantized_grid);
  CHECK(entry("grid", "gf16/2") == quantized_grid);
  CHECK(entry("grid", "int4s") == quantized_grid);  // files carry the version
  CHECK(entry("group_size", "-1") == quantized_metadata);
  CHECK(entry("group_size", "1 ") == quantized_metadata);
  CHECK(entry("damp_percent", "nan") == quantized_metadata);
  CHECK(entry("guard", "yes") == quantized_metadata);
  CHECK(entry("tensors", R"([{"dtype":"F32","name":"a","quantized":true,"shape":[2]}])") == quantized_metadata);
  CHECK(entry("tensors", R"([{"dtype":"F32","name":"a","shape":[2]}])") == quantized_metadata);
  CHECK(entry("tensors", "[]") == quantized_tensors);
  CHECK(entry("group_size", "2") == quantized_shape);  // the scales are one for four columns
  CHECK(entry("grid", "gf16/1") == quantized_shape);   // the codes are I8
}

TEST_CASE("the cut of a sharded source is kept, and has to be one of all its tensors") {
  using namespace error_number;
  const test::TemporaryFolder folder;
  const std::string path = folder / "q.safetensors";
  QuantizedHeader header = header_of("gf16/1");
  REQUIRE(write(path, header));
  CHECK(test::read_file(path).find("hallmark.source.shards") == std::string::npos);
  CHECK(QuantizedFile::open(path)->header().source_shards.empty());
  header.source_shards = {2, 1};
  REQUIRE(write(path, header));
  CHECK(QuantizedFile::open(path)->header().source_shards == header.source_shards);
  CHECK(test::read_file(path).find(R"("hallmark.source.shards":"[2,1]")") != std::string::npos);
  for (const char* bad : {"", "[]", "[2]", "[2,2]", "[2,1,0]", "[0,3]", "[4]", "[2,1.0]", "[2,-1]", "[2, 1]", "{}", "3",
                          "[18446744073709551615,4]", "[18446744073709551616]"}) {
    CAPTURE(bad);
    REQUIRE(write(path, header));
    rewrite(path, [&](auto& metadata, auto&, auto&) { metadata["hallmark.source.shards"] = bad; });
    CHECK(error_of(path) == quantized_metadata);
  }
}

}  // namespace quantized_metadata_test
