// What earlier versions wrote (tests/cli/old): container schema 1 with certificate version 1, and schemas 2 and 3,
// which packed nothing, with version 2.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "../io/temporary_folder.hpp"
#include "io/safetensors.hpp"
#include "shell.hpp"

namespace old_test {

using namespace hallmark;
using hallmark::test::read_file;
using hallmark::test::Result;
using hallmark::test::shell;

namespace {

const std::string old = "tests/cli/old/";

Result verify(const std::string& quantized, const std::string& flags) {
  return shell(fmt::format("{} verify {} --weights {}w.safetensors --calibration {}c.safetensors {}", HALLMARK_TOOL,
                           quantized, old, old, flags));
}

}  // namespace

TEST_CASE("files of the release before are inspected, verified and dequantized") {
  for (const std::string grid : {"gf16", "int4"}) {
    CAPTURE(grid);
    const test::TemporaryFolder folder;
    const std::string q = folder / "q.safetensors", d = folder / "d.safetensors";
    test::write_file(q, read_file(old + grid + ".safetensors"));
    test::write_file(folder / "q.certificate.json", read_file(old + grid + ".certificate.json"));

    const Result seen = shell(fmt::format("{} inspect {}", HALLMARK_TOOL, q));
    CAPTURE(seen.out);
    CHECK(seen.exit == 0);
    CHECK(seen.out.find("quantized: 2 matrices in 2 tensors, of 3") != std::string::npos);
    CHECK(seen.out.find(" " + grid + "/1 gptq ") != std::string::npos);

    for (const std::string flags : {"", "--exact", "--reproduce", "--exact --rows 2"}) {
      CAPTURE(flags);
      const Result verified = verify(q, flags);
      CAPTURE(verified.out);
      CHECK(verified.exit == 0);
      CHECK(verified.out.find("2 matrices, 11 rows: codes, steps and certificate are what the sources give") !=
            std::string::npos);
    }
    CHECK(read_file(folder / "q.slack.svg").starts_with("<svg "));  // version 1 certifies bounds
    const Result judged = verify(q, "--no-certificate");
    CAPTURE(judged.out);
    CHECK(judged.exit == 0);

    REQUIRE(shell(fmt::format("{} dequantize {} -o {}", HALLMARK_TOOL, q, d)).exit == 0);
    const auto w = SafeTensors::open(old + "w.safetensors"), made = SafeTensors::open(d);
    REQUIRE(w);
    REQUIRE(made);
    REQUIRE(made->tensors().size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(made->tensors()[i].name == w->tensors()[i].name);
      CHECK(made->tensors()[i].dtype == w->tensors()[i].dtype);
      CHECK(made->tensors()[i].shape == w->tensors()[i].shape);
    }
    CHECK(std::ranges::equal(made->find("norm")->data, w->find("norm")->data));
    const auto before = widen_to_f32(*w->find("a.weight")), after = widen_to_f32(*made->find("a.weight"));
    REQUIRE(before);
    REQUIRE(after);
    double farthest = 0;
    for (std::size_t k = 0; k < before->size(); ++k)
      farthest = std::max(farthest, std::fabs(static_cast<double>((*before)[k]) - static_cast<double>((*after)[k])));
    CHECK(farthest > 0);
    CHECK(farthest < (grid == "gf16" ? 0x1p-6 : 0.5));
  }
}

TEST_CASE("schemas 2 and 3 are read, and their certificates are those of the packed container too") {
  struct Old {
    std::string name, prefix, schema;
  };
  for (const Old& one : {Old{"int3z", "", "2"}, Old{"rotated", "rotated.", "3"}}) {
    CAPTURE(one.name);
    const test::TemporaryFolder folder;
    const std::string q = folder / "q.safetensors", again = folder / "again.safetensors";
    test::write_file(q, read_file(old + one.name + ".safetensors"));
    for (const char* name : {"q.certificate.json", "again.certificate.json"})
      test::write_file(folder / name, read_file(old + one.name + ".certificate.json"));
    const auto schema_of = [](const std::string& path) {
      return SafeTensors::open(path)->metadata().at("hallmark.schema");
    };
    CHECK(schema_of(q) == one.schema);
    REQUIRE(shell(fmt::format("{} export {} --to hallmark -o {}", HALLMARK_TOOL, q, again)).exit == 0);
    CHECK(schema_of(again) == "4");
    for (const std::string& path : {q, again})
      for (const std::string how : {"", "--exact", "--reproduce"}) {
        const Result judged =
            shell(fmt::format("{0} verify {1} --weights {2}{3}w.safetensors --calibration {2}{3}c.safetensors {4}",
                              HALLMARK_TOOL, path, old, one.prefix, how));
        CHECK_MESSAGE(judged.exit == 0, judged.out);
      }
    for (const std::string& path : {q, again})
      REQUIRE(shell(fmt::format("{} dequantize {} -o {}.d", HALLMARK_TOOL, path, path)).exit == 0);
    CHECK(read_file(q + ".d") == read_file(again + ".d"));
  }
}

TEST_CASE("an old certificate is as strict as it was") {
  const test::TemporaryFolder folder;
  const std::string q = folder / "q.safetensors", certificate = folder / "q.certificate.json";
  test::write_file(q, read_file(old + "gf16.safetensors"));
  std::string text = read_file(old + "gf16.certificate.json");
  const auto digit = text.find("p-", text.find("{\"row\":2,")) - 1;
  text[digit] = text[digit] == '3' ? '2' : '3';
  test::write_file(certificate, text);
  const Result edited = verify(q, "");
  CAPTURE(edited.out);
  CHECK(edited.exit == 7);
  CHECK(edited.out.find("tensor 'a.weight': row 2: the final loss, lower end") != std::string::npos);
  test::write_file(certificate, read_file(old + "int4.certificate.json"));
  CHECK(verify(q, "").exit == 7);
}

}  // namespace old_test
