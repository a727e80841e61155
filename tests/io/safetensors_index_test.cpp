// Sharded models: every way in which index and shards can disagree.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "../attacks/attacks.hpp"
#include "base/error_numbers.hpp"
#include "io/safetensors.hpp"
#include "io/sha256.hpp"
#include "io/utf8.hpp"
#include "temporary_folder.hpp"

using namespace hallmark;
using namespace hallmark::error_number;

namespace {

std::string shard(std::string_view name, std::string_view metadata = R"({"format":"pt"})") {
  return test::assemble(R"({"__metadata__":)" + std::string(metadata) + ",\"" + std::string(name) +
                            R"(":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
                        "data");
}

class Model {
 public:
  Model() {
    test::write_file(folder / "m-2.safetensors", shard("a", R"({"format":"pt","shard":"2"})"));
    test::write_file(folder / "m-1.safetensors", shard("b", R"({"format":"pt","shard":"1","only":"here"})"));
  }
  Expected<SafeTensors> open(std::string_view index) const {
    test::write_file(folder / "model.safetensors.index.json", index);
    return SafeTensors::open(folder / "model.safetensors.index.json");
  }
  int error(std::string_view index) const {
    const auto opened = open(index);
    if (!opened) CHECK(opened.error().exit == Exit::input);
    return opened ? 0 : opened.error().number;
  }
  test::TemporaryFolder folder;
};

constexpr std::string_view good =
    R"({"metadata":{"total_size":8},"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors"}})";

}  // namespace

TEST_CASE("a good index opens every shard") {
  const Model model;
  const auto opened = model.open(good);
  REQUIRE(opened);
  REQUIRE(opened->tensors().size() == 2);
  CHECK(opened->tensors()[0].name == "b");  // shards by name
  CHECK(opened->find("a") != nullptr);
  CHECK(opened->metadata() == std::map<std::string, std::string>{{"format", "pt"}, {"only", "here"}});
  CHECK(opened->paths().size() == 3);
  CHECK(opened->digest() ==
        sha256_hex(std::string(good) + sha256_hex(test::read_file(model.folder / "m-1.safetensors")) +
                   sha256_hex(test::read_file(model.folder / "m-2.safetensors"))));
  std::vector<std::pair<std::string, std::string>> told;
  CHECK(opened->digest({}, [&](const TensorInfo& tensor, std::string digest) {
    told.emplace_back(tensor.name, digest);
  }) == opened->digest());
  CHECK(told == std::vector<std::pair<std::string, std::string>>{{"b", sha256_hex(opened->find("b")->data)},
                                                                 {"a", sha256_hex(opened->find("a")->data)}});
  CHECK(opened->unchanged());
  test::write_file(model.folder / "m-2.safetensors", "short");
  CHECK_FALSE(opened->unchanged());
}

TEST_CASE("what stands beside the weight map does not matter") {
  const Model model;
  CHECK(model.error(R"({"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors"}})") == 0);
  CHECK(
      model.error(
          R"({"x":[1,[2.5,{"weight_map":{"a":"q"}}],null,true,-1,"s"],"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors"}})") ==
      0);
}

TEST_CASE("an index that is no index") {
  const Model model;
  for (const std::string_view text :
       {"", "[]", "1", "null", "\"weight_map\"", "{", R"({"weight_map":1})", R"({"weight_map":[]})",
        R"({"weight_map":["a"]})", R"({"weight_map":null})", R"({"weight_map":{"a":1}})",
        R"({"weight_map":{"a":["m-2.safetensors"]}})", R"({"weight_map":{"a":{"b":"c"}}})", "{}",
        R"({"other":{"weight_map":{"a":"m-2.safetensors"}}})"}) {
    CAPTURE(text);
    CHECK(model.error(text) == index_invalid);
  }
  CHECK(model.error(std::string(good) + "{}") == index_invalid);
  CHECK(model.error(std::string(good) + std::string(1, '\0') + "junk") == index_invalid);
  CHECK(model.error(R"({"weight_map":{"\ud800":"x"}})") == index_invalid);
  CHECK(model.error(R"({"weight_map":{},"x":)" + std::string(100, '[') + std::string(100, ']') + "}") == index_invalid);
}

TEST_CASE("a tensor twice in the map, or the map twice") {
  const Model model;
  CHECK(model.error(R"({"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors","a":"m-1.safetensors"}})") ==
        index_duplicate);
  CHECK(model.error(R"({"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors","\u0061":"m-2.safetensors"}})") ==
        index_duplicate);
  CHECK(model.error(R"({"weight_map":{"a":"m-2.safetensors"},"weight_map":{"b":"m-1.safetensors"}})") ==
        index_duplicate);
}

TEST_CASE("a shard cannot leave the folder") {
  const Model model;
  for (const std::string_view path :
       {"../m-2.safetensors", "/etc/passwd", "..", "", "sub/m-2.safetensors", "a..b", "c\\\\d", "a\\u0000b"}) {
    CAPTURE(path);
    CHECK(model.error(R"({"weight_map":{"a":")" + std::string(path) + R"(","b":"m-1.safetensors"}})") == index_path);
  }
}

TEST_CASE("messages about hostile names can be printed") {
  const Model model;
  std::string euros;  // 3 bytes each: 80 is inside one
  for (int i = 0; i < 40; ++i) euros += "\xE2\x82\xAC";
  const auto opened = model.open(R"({"weight_map":{"\u001b[2J":"../)" + euros + "\"}}");
  REQUIRE_FALSE(opened);
  const std::string& where = opened.error().where;
  CHECK(where.find('\x1B') == std::string::npos);
  CHECK(where.find("'\\x1b[2J'") != std::string::npos);
  CHECK(where.size() < 250);
  CHECK_FALSE(find_invalid_utf8(where));
}

TEST_CASE("index and shards disagree") {
  const Model model;
  CHECK(model.error(R"({"weight_map":{"a":"m-3.safetensors","b":"m-1.safetensors"}})") == index_missing_shard);
  CHECK(model.error(R"({"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors","c":"m-1.safetensors"}})") ==
        index_missing_tensor);
  CHECK(model.error(R"({"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})") == index_extra_tensor);
  // In the folder, but of no shard that the map names: the whole model is what the map says.
  CHECK(model.error(R"({"weight_map":{"a":"m-2.safetensors"}})") == 0);
  // A tensor in two shards.
  test::write_file(model.folder / "m-1.safetensors", shard("a"));
  CHECK(model.error(R"({"weight_map":{"a":"m-2.safetensors","b":"m-1.safetensors"}})") == index_extra_tensor);
  // A bad shard keeps its own error.
  test::write_file(model.folder / "m-1.safetensors", shard("b") + "x");
  CHECK(model.error(good) == data_trailing);
}
