// quantize -> verify, and everything that may be wrong between the two.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <regex>

#include "../cli/shell.hpp"
#include "../io/quantized_files.hpp"
#include "../io/temporary_folder.hpp"
#include "artifact/quantized_file.hpp"
#include "io/safetensors.hpp"
#include "io/sha256.hpp"

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
    change(path, tensor, index, [bit](char byte) { return static_cast<char>(byte ^ (1 << bit)); });
  }

  static void change(const std::string& path, const std::string& tensor, std::size_t index, auto byte_of) {
    std::string bytes = read_file(path);
    {
      const auto file = SafeTensors::open(path);
      REQUIRE(file);
      const TensorInfo* info = file->find(tensor);
      REQUIRE(info != nullptr);
      const auto at = bytes.find(std::string(reinterpret_cast<const char*>(info->data.data()), info->data.size()));
      REQUIRE(at != bytes.npos);
      bytes[at + index] = byte_of(bytes[at + index]);
    }
    write_file(path, bytes);
  }

  // Writes the container with other codes, as sound as before: the payload digest is theirs.
  void change_code(const std::string& matrix, std::size_t index, int bits) const {
    test::rewrite(q, [&](auto&, auto&, auto& data) {
      char& byte = data[matrix + ".codes"][2 * index];
      byte = static_cast<char>(byte ^ bits);
    });
  }

  std::string codes_digest(const std::string& matrix) const {
    const auto file = SafeTensors::open(q);
    REQUIRE(file);
    return sha256_hex(file->find(matrix + ".codes")->data);
  }

  // Another enclosure in the row of the certificate's first tensor.
  void move_enclosure(int row, const std::string& of, const std::string& to) const {
    std::string text = read_file(certificate);
    const std::string opening = "\"" + of + "\":{\"enclosure\":[";
    const auto at = text.find(opening, text.find(fmt::format("{{\"row\":{},", row))) + opening.size();
    write_file(certificate, text.replace(at, text.find(']', at) - at, to));
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
  for (const std::string flags :
       {"", "--exact", "--bounds", "--grid int4 --group-size 3", "--grid int4s --bounds", "--grid int4z --group-size 3",
        "--grid nf4 --scale-storage f16", "--grid lloyd:3 --scale-storage bf16", "--grid bf16 --exact --bounds",
        "--grid gf:3,2 --desc-act --no-guard", "--method rtn", "--method rtn --grid int2z --scale-storage f16",
        "--damp-percent 0.1 --block-size 3 --threads 1", "--damp-fraction 0.1"}) {
    CAPTURE(flags);
    const Quantized made(flags);
    for (const std::string how :
         {"", "--exact", "--exact --rows 2 --threads 3", "--reproduce", "--reproduce --exact"}) {
      const Result result = made.verify(how);
      CAPTURE(how);
      CAPTURE(result.out);
      CHECK(result.exit == 0);
      CHECK(result.out.find("verified ") != std::string::npos);
      CHECK((result.out.find("certificate are what the sources give") != std::string::npos) ==
            how.starts_with("--reproduce"));
    }
    const bool bounds = flags.find("--bounds") != flags.npos;
    CHECK(made.folder.count() == (bounds ? 5 : 4));  // W, C, Q, certificate, and a picture where there are bounds
    if (bounds) CHECK(read_file(made.folder / "q.slack.svg").starts_with("<svg "));
    const std::string certificate = read_file(made.certificate);
    CHECK((certificate.find("\"exact\":{") != std::string::npos) == (flags.find("--exact") != flags.npos));
    CHECK((certificate.find("\"bound\":{") != std::string::npos) == bounds);
    const Result alone = made.verify("--no-certificate");
    CAPTURE(alone.out);
    CHECK(alone.exit == 0);
    CHECK(alone.out.find("without a certificate") != std::string::npos);
  }
}

TEST_CASE("the bits of a certificate do not depend on what else it says") {
  const Quantized plain, bounds("--bounds");
  CHECK(read_file(plain.q) == read_file(bounds.q));
  CHECK(read_file(plain.certificate) != read_file(bounds.certificate));
}

TEST_CASE("one flipped bit is found, and named") {
  const Quantized made;
  SUBCASE("of a code") {
    made.flip(made.q, "a.weight.codes", 2 * 8 * 3 + 2 * 5);
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "its codes", "DIFFERS"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "row 3, column 5", "DIFFERS"});
  }
  SUBCASE("of a code that becomes no number") {
    made.change(made.q, "a.weight.codes", 2 * 8 * 3 + 2 * 5 + 1, [](char) { return '\x7F'; });
    check_error(made.verify("--exact"), 3, "E0365", {"tensor 'a.weight': code 0x7f", "[3, 5]"});
    check_error(made.verify("--no-certificate"), 3, "E0365", {"tensor 'a.weight': code 0x7f", "[3, 5]"});
    check_error(made.verify("--reproduce --exact"), 7, "E0712", {"tensor 'a.weight'", "row 3, column 5"});
  }
  SUBCASE("of a scale") {
    made.flip(made.q, "b.weight.scale", 4 * 2 + 1);
    check_error(made.verify(), 7, "E0712", {"tensor 'b.weight'", "its scales"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'b.weight'", "row 2"});
  }
  SUBCASE("of a scale that becomes negative") {
    made.flip(made.q, "b.weight.scale", 4 * 2 + 3, 7);
    check_error(made.verify(), 3, "E0366", {"tensor 'b.weight': scale -", "index 2"});
  }
  SUBCASE("of a tensor that passes through") {
    made.flip(made.q, "bias", 9);
    check_error(made.verify(), 7, "E0712", {"tensor 'bias'"});
    check_error(made.verify("--no-certificate"), 7, "E0712", {"tensor 'bias'"});
  }
  SUBCASE("of a weight") {
    made.flip(made.w, "a.weight", 4 * 8 * 4 + 1);
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "its bytes in W"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "row 4", "its bytes in W"});
  }
  SUBCASE("of a weight that becomes infinite") {
    made.flip(made.w, "a.weight", 4 * 8 * 4 + 3, 6);
    CHECK(made.verify("--reproduce").exit == 7);
    CHECK(made.verify().exit != 0);
  }
  SUBCASE("of the sign of a zero or the last bit of a weight") {
    made.flip(made.w, "b.weight", 0);
    check_error(made.verify(), 7, "E0712", {"tensor 'b.weight'"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'b.weight'"});
  }
  SUBCASE("of the calibration") {
    made.flip(made.c, "a.weight.activations", 17);
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "its Gram matrix"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "its Gram matrix"});
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
    made.replace(made.q, "damp_fraction\\\":0.01", "damp_fraction\\\":0.03");
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "damp_fraction: 0.01 against 0.03"});
    CHECK(made.verify("--reproduce").exit == 7);
  }
}

TEST_CASE("codes that were changed to others are refused by the certificate, and judged without it") {
  const Quantized made;
  made.change_code("a.weight", 8 * 2 + 5, 0x38);
  REQUIRE(QuantizedFile::open(made.q));
  check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "its codes", "row 2: "});
  check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "row 2, column 5"});
  const Result judged = made.verify("--no-certificate");
  CAPTURE(judged.out);
  CHECK(judged.exit == 0);
  CHECK(judged.out.find("2 matrices, 10 rows: codes and steps are sound; nothing is promised") != std::string::npos);

  // With a certificate that speaks of these codes, its losses are still those of the others.
  const std::string digest = made.codes_digest("a.weight");
  std::string text = read_file(made.certificate);
  const auto at = text.find("\"codes\":\"") + 9;
  write_file(made.certificate, text.replace(at, 64, digest));
  for (const char* how : {"", "--exact"})
    check_error(made.verify(how), 7, "E0713",
                {"tensor 'a.weight'", "row 2: the loss of the codes is not in its enclosure", "DIFFERS"});
}

TEST_CASE("an enclosure that the loss is not in is refused, in the lowest row") {
  const Quantized made;
  const std::string far = "\"0x1p+10\",\"0x1p+11\"", wide = "\"-0x1p+10\",\"inf\"";
  SUBCASE("of the codes") {
    made.move_enclosure(4, "final", far);
    made.move_enclosure(2, "final", far);
    for (const char* how : {"", "--exact", "--exact --rows 1"})
      check_error(made.verify(how), 7, "E0713",
                  {"tensor 'a.weight'", "row 2: the loss of the codes is not in its enclosure"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"row 2: the final loss, lower end"});
  }
  SUBCASE("of round-to-nearest") {
    made.move_enclosure(5, "rtn", "\"-inf\",\"-0x1p-1000\"");
    check_error(made.verify(), 7, "E0713", {"row 5: the loss of round-to-nearest is not in its enclosure"});
  }
  SUBCASE("below by one bit of what the judge can tell, exactly") {
    made.move_enclosure(0, "final", "\"0x0p+0\",\"0x1p-1000\"");
    check_error(made.verify(), 7, "E0713", {"row 0: "});
  }
  SUBCASE("a wider one is true and says nothing") {
    for (const char* of : {"final", "rtn"}) {
      const Quantized other;
      for (const std::string& ends : {wide, std::string("\"-0x1.fffffffffffffp+1023\",\"0x1.fffffffffffffp+1023\"")}) {
        other.move_enclosure(1, of, ends);
        for (const char* how : {"", "--exact"})
          check_error(other.verify(how), 7, "E0713",
                      {"row 1: the enclosure of a loss is wider than a quarter of its upper end"});
      }
    }
    made.move_enclosure(1, "final", wide);
    check_error(made.verify("--reproduce"), 7, "E0712", {"row 1: the final loss, lower end"});
  }
  SUBCASE("a row that does not hold what it says it kept") {
    made.replace(made.certificate, "\"row\":2,\"kept\":\"codes\"", "\"row\":2,\"kept\":\"rtn\"");
    check_error(made.verify(), 7, "E0712", {"the number of rows in which the guard kept round-to-nearest"});
    const std::string text = read_file(made.certificate);
    const auto count = text.find("\"guard_rows\":") + 13;
    write_file(made.certificate, text.substr(0, count) + std::to_string(std::stoi(text.substr(count)) + 1) +
                                     text.substr(text.find(',', count)));
    check_error(made.verify(), 7, "E0713", {"row 2: its codes are not those of round-to-nearest"});
  }
}

TEST_CASE("each number of a certificate that is forged alone is refused, or said not to be judged") {
  for (const std::string flags : {"", "--grid int4", "--grid int3z --group-size 3", "--no-guard", "--method rtn"}) {
    CAPTURE(flags);
    const Quantized made("--bounds " + flags);
    const std::string good = read_file(made.certificate);
    const auto forge = [&](const char* expression, const std::string& to) {
      write_file(made.certificate,
                 std::regex_replace(good, std::regex(expression), to, std::regex_constants::format_first_only));
      REQUIRE(read_file(made.certificate) != good);
    };
    const bool losses = good.find("\"row\":0") != good.npos;
    CHECK(made.verify().exit == 0);
    for (const char* value : {"6", "7"}) {
      forge("\"guard_rows\":\\d+", std::string("\"guard_rows\":") + value);
      check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "the number of rows in which the guard kept"});
    }
    forge("\"clipped\":\\d+", "\"clipped\":49");
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "the number of clipped codes is 49"});
    forge("\"dead_columns\":0", "\"dead_columns\":1");
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "the number of dead columns is 1"});
    forge("\"lambda\":\"[^\"]*\"", "\"lambda\":\"0x1p-3\"");
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "lambda is 0.125"});
    if (!losses) continue;
    forge("\"slack\":\\{\"upper\":\"[^\"]*\"", "\"slack\":{\"upper\":\"0x1p+0\"");
    check_error(made.verify(), 7, "E0713", {"row 0: the slack is not that of its loss and its bound"});
    const std::regex final_hi("\"final\":\\{\"enclosure\":\\[\"[^\"]*\",\"([^\"]*)\"");
    std::smatch found;
    REQUIRE(std::regex_search(good, found, final_hi));
    const double slack = std::nextafter(std::stod(found[1]) / 0x1p-100, 1e300);
    forge("\"bound\":\\{\"enclosure\":\\[[^\\]]*\\]\\},\"slack\":\\{\"upper\":\"[^\"]*\"",
          fmt::format("\"bound\":{{\"enclosure\":[\"0x1p-100\",\"0x1p-100\"]}},\"slack\":{{\"upper\":\"{:a}\"", slack));
    for (const char* how : {"", "--exact"})
      check_error(made.verify(how), 7, "E0713", {"row 0: the loss is above its bound"});
    forge("\"by_enclosure\":\\d+", "\"by_enclosure\":999");
    const Result unjudged = made.verify();
    CAPTURE(unjudged.out);
    CHECK(unjudged.exit == 0);
    CHECK(unjudged.out.find("not judged, but compared by --reproduce: the contracts of the run, whether a bound") !=
          std::string::npos);
    CHECK(unjudged.out.find("999") == std::string::npos);
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "contract"});
  }
}

TEST_CASE("bounds and contracts are shown only where a run was compared") {
  const Quantized made("--bounds");
  const Result judged = made.verify("--svg " + made.folder / "s.svg");
  CAPTURE(judged.out);
  CHECK(judged.exit == 0);
  CHECK(judged.out.find("no picture: bounds are judged by --reproduce alone") != std::string::npos);
  CHECK(made.folder.count() == 4);
  CHECK(made.verify("--reproduce").out.find("not judged") == std::string::npos);
  CHECK(made.folder.count() == 5);
}

TEST_CASE("codes that another program made are judged") {
  Quantized made;
  QuantizedHeader header;
  header.tool = "another program";
  header.tensors = {{"a.weight", DType::F32, {6, 8}}, {"b.weight", DType::F32, {4, 5}}, {"bias", DType::F32, {6}}};
  Options four{Grid::parse("int4z").value()}, table{Grid::parse("nf4").value()};
  four.scale_rule = table.scale_rule = "given";
  four.group_size = 4;
  table.method = "rtn";
  header.matrices = {{"a.weight", "a.weight", std::nullopt, false, 6, 8, four},
                     {"b.weight", "b.weight", std::nullopt, false, 4, 5, table}};
  std::vector<Code> a(48), b(20);
  for (std::size_t i = 0; i < 48; ++i) a[i] = static_cast<Code>(i * 7 % 16);
  for (std::size_t i = 0; i < 20; ++i) b[i] = static_cast<Code>(i % 16);
  auto writer = QuantizedFileWriter::create(made.q, true, header);
  REQUIRE(writer);
  REQUIRE(writer->write_quantized(
      "a.weight", a, {Matrix<float>::Constant(6, 2, 0.1F), Matrix<std::int16_t>::Constant(6, 2, std::int16_t{7}), 4}));
  REQUIRE(writer->write_quantized("b.weight", b, {Matrix<float>::Constant(4, 1, 0.3F), {}, 0}));
  {
    const auto w = SafeTensors::open(made.w);
    REQUIRE(w);
    REQUIRE(writer->write_unchanged(*w->find("bias")));
  }
  REQUIRE(writer->commit());
  const Result judged = made.verify("--no-certificate");
  CAPTURE(judged.out);
  CHECK(judged.exit == 0);
  CHECK(judged.out.find("6 rows lose more than round-to-nearest") != std::string::npos);
  check_error(made.verify(), 7, "E0711");  // the certificate is of another file
  check_error(shell(fmt::format("{} verify {} --weights {} --no-certificate", HALLMARK_TOOL, made.q, made.w)), 7,
              "E0711", {"'a.weight'", "--calibration is missing"});
  check_error(made.verify("--no-certificate --reproduce"), 2, "E0201");
  check_error(made.verify("--no-certificate --certificate " + made.certificate), 2, "E0201");
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
    check_error(made.verify("--reproduce"), 7, "E0712", {"tensor 'a.weight'", "row 2: the final loss, lower end"});
  }
  SUBCASE("an exact loss, seen by --exact and, far from the loss, without") {
    made.replace(made.certificate, "\"mantissa\":\"0x", "\"mantissa\":\"0x1");
    check_error(made.verify("--exact"), 7, "E0713", {"row 0: the exact loss of the codes is another"});
    check_error(made.verify(), 7, "E0713", {"row 0: the exact loss of the codes is another"});
    check_error(made.verify("--reproduce --exact"), 7, "E0712", {"row 0: the final loss, exact"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"row 0: the final loss: the exact value"});
  }
  SUBCASE("an option") {
    made.replace(made.certificate, "\"block_size\":128", "\"block_size\":64");
    check_error(made.verify(), 7, "E0712", {"block_size: 64 against 128"});
    check_error(made.verify("--reproduce"), 7, "E0712", {"block_size"});
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
    made.replace(made.certificate, "hallmark-certificate/2", "hallmark-certificate/9");
    check_error(made.verify(), 3, "E0368");
  }
  SUBCASE("truncated") {
    const std::string text = read_file(made.certificate);
    write_file(made.certificate, text.substr(0, text.size() / 2));
    check_error(made.verify(), 3, "E0367");
  }
  SUBCASE("rows left out") {
    std::string text = read_file(made.certificate);
    const auto comma = text.find(",\n{\"row\":5,");
    REQUIRE(comma != text.npos);
    write_file(made.certificate, text.erase(comma, text.find('\n', comma + 2) - comma));
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "the number of rows with values"});
  }
  SUBCASE("a certificate that ends before the last matrix, and one that goes on") {
    const Quantized one("--exact --include a.weight");
    const std::string longer = read_file(made.certificate), shorter = read_file(one.certificate);
    write_file(made.certificate, shorter);
    check_error(made.verify(), 7, "E0711", {"no tensor"});
    write_file(one.certificate, longer);
    check_error(one.verify(), 7, "E0711", {"'b.weight' was not quantized"});
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
    check_error(made.verify(), 7, "E0712", {"tensor 'a.weight'", "grid: int4/2 against gf16/1"});
  }
  SUBCASE("missing") {
    check_error(made.verify("--certificate " + made.folder / "none"), 9, "E0901", {"--no-certificate"});
  }
}

TEST_CASE("the outputs keep the rules of outputs") {
  const Quantized made("--bounds");
  const std::string again =
      fmt::format("{} quantize --bounds --weights {} --calibration {} -o ", HALLMARK_TOOL, made.w, made.c);
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
  CHECK(made.verify("--reproduce --svg " + made.folder / "s.svg").exit == 0);
  check_error(made.verify("--reproduce --svg " + made.folder / "s.svg"), 4, "E0410");
  const Quantized plain;
  const Result without = plain.verify("--svg " + plain.folder / "s.svg");
  CHECK(without.exit == 0);
  CHECK(without.out.find("no picture: ") != std::string::npos);
  CHECK(plain.folder.count() == 4);
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
  check_error(made.verify("--checker", program("echo 'q: accepted: 1 of 2 matrices'")), 1, "E0113");
  check_error(made.verify("--checker", program("kill -9 $$")), 1, "E0113", {"137"});
  check_error(made.verify("--checker", program("echo rejected by check guard, row 2; exit 7")), 7, "E0714", {"row 2"});
  const std::string accepts = "echo 'q: accepted: 2 of 2 matrices'";
  // It is handed the files, and the number of rows.
  const std::string asked = fmt::format("[ \"$*\" = \"--weights {} --quantized {} --certificate {} --calibration {}",
                                        made.w, made.q, made.certificate, made.c);
  const Result good = made.verify("--checker", program(asked + "\" ] || exit 7; " + accepts));
  CAPTURE(good.out);
  CHECK(good.exit == 0);
  CHECK(good.out.find("hallmark-check: accepted 2 of 2 matrices") != std::string::npos);
  CHECK(made.verify("--checker --rows 3", program(asked + " --rows 3\" ] || exit 7; " + accepts)).exit == 0);
  const Result unknown = made.verify("--checker", program("echo 'error[E0362]: a grid of the future'; exit 3"));
  CHECK(unknown.exit == 8);
  CHECK(unknown.out.find("hallmark-check: accepted 0 of 2 matrices") != std::string::npos);
  CHECK(unknown.out.find("NOT JUDGED by hallmark-check: error[E0362]: a grid of the future") != std::string::npos);
  const Result left = made.verify("--checker", program("echo 'a: scales NOT JUDGED: rule'; " + accepts + "; exit 8"));
  CHECK(left.exit == 8);
  CHECK(left.out.find("NOT JUDGED by hallmark-check: a: scales NOT JUDGED: rule") != std::string::npos);
  for (const char* flags : {"--grid int4", "--grid int4z --group-size 3", "--grid nf4", "--no-guard", "--method rtn"}) {
    CAPTURE(flags);
    const Quantized other(flags);
    const Result judged = other.verify("--checker", program(accepts));
    CHECK(judged.exit == 0);
    CHECK(judged.out.find("hallmark-check: accepted 2 of 2 matrices") != std::string::npos);
  }
}
