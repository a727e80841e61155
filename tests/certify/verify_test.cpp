// quantize -> verify, and everything that may be wrong between the two.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "../cli/shell.hpp"
#include "../io/temporary_folder.hpp"
#include "io/safetensors.hpp"

using namespace hallmark;
using hallmark::test::read_file;
using hallmark::test::Result;
using hallmark::test::shell;
using hallmark::test::TemporaryFolder;
using hallmark::test::write_file;

namespace {

// W with two weights and a bias, C with a Gram matrix and activations, and Q with its certificate.
struct Quantized {
  TemporaryFolder folder;
  std::string w = folder / "w.safetensors", c = folder / "c.safetensors", q = folder / "q.safetensors",
              certificate = folder / "q.certificate.json";

  explicit Quantized(const std::string& flags = "") {
    write(w, {{"a.weight", DType::F32, {6, 8}}, {"b.weight", DType::F32, {4, 5}}, {"bias", DType::F32, {6}}});
    write(c, {{"a.weight.activations", DType::F32, {40, 8}}, {"b.weight.activations", DType::F32, {40, 5}}});
    const Result made =
        shell(fmt::format("{} quantize --weights {} --calibration {} -o {} {}", HALLMARK_TOOL, w, c, q, flags));
    REQUIRE_MESSAGE(made.exit == 0, made.out);
  }

  static void write(const std::string& path, const std::vector<TensorPlan>& plan) {
    auto writer = SafeTensorsWriter::create(path, true, plan, {});
    REQUIRE(writer);
    unsigned state = 12345;
    for (const TensorPlan& tensor : plan) {
      std::vector<float> values(element_count(tensor.shape));
      for (float& value : values) {
        state = state * 1664525u + 1013904223u;
        value = static_cast<float>(state >> 8) * 0x1p-24f - 0.5f;
      }
      REQUIRE(writer->write(tensor.name, std::span<const float>(values)));
    }
    REQUIRE(writer->commit());
  }

  Result verify(const std::string& flags = "", const std::string& environment = "") const {
    return shell(
        fmt::format("{} {} verify {} --weights {} --calibration {} {}", environment, HALLMARK_TOOL, q, w, c, flags));
  }

  // Flips one bit of byte `index` of a tensor in the file.
  static void flip(const std::string& path, const std::string& tensor, std::size_t index, int bit = 0) {
    std::string bytes = read_file(path);
    {
      const auto file = SafeTensors::open(path);
      REQUIRE(file);
      const TensorInfo* info = file->find(tensor);
      REQUIRE(info != nullptr);
      const auto at = bytes.find(std::string(reinterpret_cast<const char*>(info->data.data()), info->data.size()));
      REQUIRE(at != bytes.npos);
      bytes[at + index] = static_cast<char>(bytes[at + index] ^ (1 << bit));
    }
    write_file(path, bytes);
  }

  static void replace(const std::string& path, std::string_view from, std::string_view to) {
    std::string text = read_file(path);
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    write_file(path, text.replace(at, from.size(), to));
  }
};

void check_error(const Result& result, int exit, const std::string& number,
                 const std::vector<std::string>& words = {}) {
  CAPTURE(result.out);
  CHECK(result.exit == exit);
  CHECK(result.out.find("error[" + number + "]: ") != std::string::npos);
  CHECK(result.out.find("\n  try: ") != std::string::npos);
  for (const std::string& word : words) CHECK_MESSAGE(result.out.find(word) != std::string::npos, word);
}

}  // namespace

TEST_CASE("what quantize wrote is verified, on every path through the options") {
  for (const char* flags : {"", "--exact", "--grid int4 --group-size 3", "--grid gf:3,2 --desc-act --no-guard",
                            "--method rtn", "--damp-percent 0.1 --block-size 3 --threads 1"}) {
    CAPTURE(flags);
    const Quantized made(flags);
    for (const char* how : {"", "--exact", "--exact --rows 2 --threads 3"}) {
      const Result result = made.verify(how);
      CAPTURE(result.out);
      CHECK(result.exit == 0);
      CHECK(result.out.find("verified ") != std::string::npos);
    }
    CHECK(read_file(made.folder / "q.slack.svg").starts_with("<svg "));
    CHECK(made.folder.count() == 5);  // W, C, Q, certificate, picture
    CHECK((read_file(made.certificate).find("\"exact\"") != std::string::npos) == (std::string(flags) == "--exact"));
  }
}

TEST_CASE("one flipped bit is found, and named") {
  const Quantized made;
  SUBCASE("of a code") {
    made.flip(made.q, "a.weight.codes", 2 * 8 * 3 + 2 * 5);
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "row 3, column 5", "DIFFERS"});
  }
  SUBCASE("of a code that becomes no number") {
    made.flip(made.q, "a.weight.codes", 2 * 8 * 3 + 2 * 5 + 1, 6);
    check_error(made.verify("--exact"), 7, "E0712", {"tensor 'a.weight'", "row 3, column 5"});
  }
  SUBCASE("of a scale") {
    made.flip(made.q, "b.weight.scale", 4 * 2 + 1);
    check_error(made.verify(), 7, "E0712", {"tensor 'b.weight'", "row 2"});
  }
  SUBCASE("of a tensor that passes through") {
    made.flip(made.q, "bias", 9);
    check_error(made.verify(), 7, "E0712", {"tensor 'bias'"});
  }
  SUBCASE("of a weight") {
    made.flip(made.w, "a.weight", 4 * 8 * 4 + 1);
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "row 4", "its bytes in W"});
  }
  SUBCASE("of a weight that becomes infinite") {
    made.flip(made.w, "a.weight", 4 * 8 * 4 + 3, 6);
    CHECK(made.verify().exit == 7);
  }
  SUBCASE("of the sign of a zero or the last bit of a weight") {
    made.flip(made.w, "b.weight", 0);
    check_error(made.verify(), 7, "E0712", {"tensor 'b.weight'"});
  }
  SUBCASE("of the calibration") {
    made.flip(made.c, "a.weight.activations", 17);
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "its Gram matrix"});
  }
  SUBCASE("of a tensor that passes through in W") {
    made.flip(made.w, "bias", 9);
    check_error(made.verify(), 7, "E0712", {"tensor 'bias'"});
  }
  SUBCASE("of the payload digest") {
    made.replace(made.q, "hallmark.payload.sha256\":\"", "hallmark.payload.sha256\": ");  // same length
    CHECK(made.verify().exit == 3);
  }
  SUBCASE("of an option in Q") {
    made.replace(made.q, "damp_percent\":\"0.01\"", "damp_percent\":\"0.03\"");
    CHECK(made.verify().exit == 7);
  }
}

TEST_CASE("a certificate that was edited is found, and named") {
  const Quantized made("--exact");
  SUBCASE("a digit of a loss") {
    const std::string text = read_file(made.certificate);
    const auto row = text.find("{\"row\":2,");
    const auto digit = text.find("p-", row) - 1;
    std::string edited = text;
    edited[digit] = edited[digit] == '3' ? '2' : '3';
    write_file(made.certificate, edited);
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "row 2: the final loss, lower end"});
  }
  SUBCASE("an exact loss, seen by --exact and, outside of the enclosure, without") {
    made.replace(made.certificate, "\"mantissa\":\"0x", "\"mantissa\":\"0x1");
    check_error(made.verify("--exact"), 7, "E0712", {"row 0: the final loss, exact"});
    check_error(made.verify(), 7, "E0712", {"row 0: the final loss: the exact value"});
  }
  SUBCASE("an option") {
    made.replace(made.certificate, "\"block_size\":128", "\"block_size\":64");
    check_error(made.verify(), 7, "E0711", {"block_size is 128, the certificate says 64"});
  }
  SUBCASE("the digest of the weights") {
    made.replace(made.certificate, "\"weights_sha256\":\"", "\"weights_sha256\":\"\",\"x\":\"");
    check_error(made.verify(), 3, "E0367");
  }
  SUBCASE("NaN") {
    made.replace(made.certificate, "\"final\":{\"enclosure\":[\"0x", "\"final\":{\"enclosure\":[\"nan0x");
    check_error(made.verify(), 3, "E0367", {"line 3"});
  }
  SUBCASE("another version") {
    made.replace(made.certificate, "hallmark-certificate/1", "hallmark-certificate/9");
    check_error(made.verify(), 3, "E0368");
  }
  SUBCASE("truncated") {
    const std::string text = read_file(made.certificate);
    write_file(made.certificate, text.substr(0, text.size() / 2));
    check_error(made.verify(), 3, "E0367");
  }
  SUBCASE("tensors in another order") {
    std::string text = read_file(made.certificate);
    for (std::string_view name : {"\"name\":\"a.weight\"", "\"name\":\"b.weight\""}) {
      const auto at = text.find(name);
      REQUIRE(at != text.npos);
      text[at + 8] = static_cast<char>(name[8] == 'a' ? 'B' : 'A');
    }
    std::ranges::replace(text, 'B', 'b');
    std::ranges::replace(text, 'A', 'a');
    write_file(made.certificate, text);
    CHECK(made.verify().exit == 7);
  }
  SUBCASE("of another file") {
    const Quantized other("--grid int4");
    write_file(made.certificate, read_file(other.certificate));
    check_error(made.verify(), 7, "E0711", {"grid"});
  }
  SUBCASE("missing") { check_error(made.verify("--certificate " + made.folder / "none"), 9, "E0901"); }
}

TEST_CASE("the outputs keep the rules of outputs") {
  const Quantized made;
  const std::string again = fmt::format("{} quantize --weights {} --calibration {} -o ", HALLMARK_TOOL, made.w, made.c);
  const std::string before = read_file(made.certificate);
  check_error(shell(again + made.q), 4, "E0410");
  CHECK(shell(again + made.q + " --overwrite").exit == 0);
  CHECK(read_file(made.certificate) == before);  // nothing in it depends on when
  write_file(made.folder / "r.certificate.json", "kept");
  check_error(shell(again + made.folder / "r.safetensors"), 4, "E0410");
  CHECK(read_file(made.folder / "r.certificate.json") == "kept");
  check_error(shell(again + made.folder / "s.safetensors --report " + made.folder / "s.certificate.json"), 4, "E0416");
  check_error(made.verify("--svg " + made.w), 4, "E0411");
  check_error(made.verify("--svg " + made.certificate + " --overwrite"), 4, "E0411");
  CHECK(made.verify("--svg " + made.folder / "s.svg").exit == 0);
  check_error(made.verify("--svg " + made.folder / "s.svg"), 4, "E0410");
  check_error(made.verify("--rows 3"), 2, "E0215");
  check_error(made.verify("--exact --rows -1"), 2, "E0215");
  check_error(made.verify("--exact --rows 1x"), 2, "E0215");
}

TEST_CASE("hallmark-check is never counted as passed unless it accepted") {
  const Quantized made;
  const auto program = [&](const std::string& body) {
    write_file(made.folder / "check", "#!/bin/sh\n" + body + "\n");
    REQUIRE(shell("chmod +x " + made.folder / "check").exit == 0);
    return "HALLMARK_CHECK=" + made.folder / "check";
  };
  check_error(made.verify("--checker", "HALLMARK_CHECK=" + made.folder / "none"), 13, "E1304");
  check_error(made.verify("--checker", "HALLMARK_CHECK="), 13, "E1304");
  check_error(made.verify("--checker", program("exit 0")), 1, "E0113");
  check_error(made.verify("--checker", program("kill -9 $$")), 1, "E0113", {"137"});
  check_error(made.verify("--checker", program("echo rejected by check guard, row 2; exit 7")), 7, "E0714",
              {"tensor 'a.weight'", "row 2"});
  // 32 + 6 * 48 + 8 * 64 + 37 * 6 and 32 + 6 * 20 + 8 * 25 + 37 * 4 bytes
  const Result good = made.verify(
      "--checker", program("s=$(stat -Lc %s $1); case $s in 1054|500) echo \"$1: accepted: \";; *) exit 7;; esac"));
  CAPTURE(good.out);
  CHECK(good.exit == 0);
  CHECK(good.out.find("hallmark-check: accepted 2 of 2 tensors") != std::string::npos);
  const Quantized narrow("--grid int4");
  const Result skipped = narrow.verify("--checker", program("echo ': accepted: '"));
  CHECK(skipped.exit == 8);
  CHECK(skipped.out.find("NOT JUDGED by hallmark-check: 'a.weight': the grid is int4/1") != std::string::npos);
}
