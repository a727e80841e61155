// Certificates as files: what is written comes back, and what is not what was written is refused or seen.
#include "certify/certificate.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <fmt/format.h>

#include <array>
#include <limits>

#include "../io/temporary_folder.hpp"
#include "certify/slack_plot.hpp"
#include "base/error_numbers.hpp"

namespace certificate_test {

using namespace hallmark;
using hallmark::test::read_file;
using hallmark::test::TemporaryFolder;
using hallmark::test::write_file;

namespace {

const std::string digest_a(64, 'a'), digest_b(64, 'b');

CertificateHeader some_header() {
  CertificateHeader header;
  header.tool = "hallmark 0.1.0";
  header.weights_sha256 = digest_a;
  header.calibration_sha256 = digest_b;
  return header;
}

CertifiedTensor some_tensor(const std::string& name) {
  Options options{Grid::parse("gf16").value()};
  options.desc_act = true;
  CertifiedTensor tensor(options);
  tensor.name = name;
  tensor.rows = 2;
  tensor.cols = 3;
  tensor.weights_sha256 = tensor.codes_sha256 = digest_a;
  tensor.gram_sha256 = tensor.scales_sha256 = digest_b;
  tensor.calibration = "gram";
  tensor.tokens = 40;
  tensor.lambda = 0.125;
  tensor.contracts = {{"guard_row", "T6_guard_row", 2, 0}};
  CertifiedRow row;
  row.final = {{0.1, 0.2}, oracle::Dyadic(0.15)};
  row.rtn = {{0.25, 0.5}, std::nullopt};
  tensor.values = {row, row};
  const Enclosure bound{0.9, std::numeric_limits<double>::infinity()};
  tensor.values[0].bound = CertifiedBound{bound, slack_of(row.final.enclosure, bound)};
  tensor.values[1].kept_rtn = true;
  tensor.values[0].optimality = Optimality{0.0625, optimality_by::optimum};
  tensor.values[1].optimality = Optimality{std::nullopt, optimality_by::rotated};
  return tensor;
}

// A grid of the user's with zero points beside it, and no calibration.
CertifiedTensor bare_tensor() {
  Options options{*Grid::table("mine", {-1, 0.5F, 3}), "rtn"};
  options.group_size = 2;
  options.scale_storage = ScaleStorage::bf16;
  CertifiedTensor tensor(options);
  tensor.name = "b \"quoted\"\n\xc3\xa9[7]";
  tensor.rows = 2;
  tensor.cols = 3;
  tensor.weights_sha256 = tensor.codes_sha256 = tensor.scales_sha256 = digest_b;
  tensor.zeros_sha256 = digest_a;
  tensor.calibration = "none";
  return tensor;
}

void write_certificate(const std::string& path) {
  auto writer = CertificateWriter::create(path, true, some_header());
  REQUIRE(writer);
  REQUIRE(writer->add(some_tensor("a.weight")));
  REQUIRE(writer->add(bare_tensor()));
  REQUIRE(writer->commit());
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != text.npos);
  return text.replace(at, from.size(), to);
}

// 0 when the text is accepted, otherwise the error's number.
int verdict(const TemporaryFolder& folder, std::string_view text) {
  write_file(folder / "edited.json", text);
  const auto reader = CertificateReader::open(folder / "edited.json");
  if (reader) return 0;
  CHECK(reader.error().exit == Exit::input);
  CHECK_FALSE(reader.error().where.empty());
  return reader.error().number;
}

}  // namespace

TEST_CASE("the header of a certificate can be written again, in the same length") {
  const TemporaryFolder folder;
  CertificateHeader early = some_header();
  early.weights_sha256 = std::string(64, '0');
  auto writer = CertificateWriter::create(folder / "c.json", true, early);
  REQUIRE(writer);
  REQUIRE(writer->add(some_tensor("a.weight")));
  CertificateHeader other = some_header();
  other.calibration_sha256.clear();
  const Status longer = writer->replace_header(other);
  REQUIRE_FALSE(longer);
  CHECK(longer.error().number == error_number::writer_misuse);
  REQUIRE(writer->replace_header(some_header()));
  REQUIRE(writer->commit());
  const auto reader = CertificateReader::open(folder / "c.json");
  REQUIRE(reader);
  CHECK(reader->header().version == 2);
  CHECK_FALSE(first_difference(reader->header(), some_header()));
}

TEST_CASE("a certificate comes back as it was written") {
  const TemporaryFolder folder;
  write_certificate(folder / "c.json");
  auto reader = CertificateReader::open(folder / "c.json");
  if (!reader) FAIL(to_string(reader.error()));
  CHECK(reader->header().version == 2);
  CHECK_FALSE(first_difference(reader->header(), some_header()));
  auto first = reader->next();
  REQUIRE(first);
  REQUIRE(*first);
  CHECK_FALSE(first_difference(**first, some_tensor("a.weight")));
  CHECK((*first)->values[0].final.exact->text() == oracle::Dyadic(0.15).text());
  CHECK((*first)->values[0].bound == some_tensor("a.weight").values[0].bound);
  CHECK_FALSE((*first)->values[1].bound);
  CHECK((*first)->values[0].optimality == some_tensor("a.weight").values[0].optimality);
  CHECK((*first)->values[1].optimality == some_tensor("a.weight").values[1].optimality);
  CHECK((*first)->values[1].kept_rtn);
  const auto second = reader->next();
  REQUIRE(second);
  REQUIRE(*second);
  CHECK((*second)->values.empty());
  CHECK_FALSE(first_difference(**second, bare_tensor()));
  CHECK((*second)->options.grid == bare_tensor().options.grid);
  const auto end = reader->next();
  REQUIRE(end);
  CHECK_FALSE(*end);
}

TEST_CASE("malformed certificates are refused by name") {
  const TemporaryFolder folder;
  write_certificate(folder / "c.json");
  const std::string text = read_file(folder / "c.json");
  CHECK(verdict(folder, text) == 0);
  struct Attack {
    const char *name, *from, *to;
    int number;
  };
  const std::array attacks = {
      Attack{"another version", "hallmark-certificate/2", "hallmark-certificate/3", 368},
      Attack{"no version", "\"format\":\"hallmark-certificate/2\",", "", 367},
      Attack{"version 2 that says it is 1", "hallmark-certificate/2", "hallmark-certificate/1", 367},
      Attack{"no options", "\"options\":{", "\"choices\":{", 367},
      Attack{"an option too many", "\"options\":{", "\"options\":{\"bits\":4,", 367},
      Attack{"an option out of range", "\"block_size\":128", "\"block_size\":0", 367},
      Attack{"an unknown grid", "gf16/1", "gf16/9", 367},
      Attack{"an unknown method", "\"method\":\"gptq\"", "\"method\":\"optimal\"", 367},
      Attack{"points that do not increase", "\"points\":[-1.0,", "\"points\":[1.0,", 367},
      Attack{"a bound without its slack", ",\"slack\":{\"upper\":\"0x", ",\"slick\":{\"upper\":\"0x", 367},
      Attack{"a lower bound without its theorem", "\"theorem\":\"T21", "\"theory\":\"T21", 367},
      Attack{"an infinite lower bound", "\"lower\":\"0x1p-4\"", "\"lower\":\"inf\"", 367},
      Attack{"a lower bound and none", "\"none\":\"", "\"lower\":\"0x1p-4\",\"none\":\"", 367},
      Attack{"a key twice in the header", "\"tool\":", "\"tool\":\"x\",\"tool\":", 367},
      Attack{"a key twice in a tensor", "\"rows\":2", "\"rows\":2,\"rows\":2", 367},
      Attack{"a key twice in a row", "\"kept\":\"codes\"", "\"kept\":\"codes\",\"kept\":\"codes\"", 367},
      Attack{"an unknown key", "\"rows\":2", "\"rows\":2,\"more\":1", 367},
      Attack{"keys in another order", "\"rows\":2,\"cols\":3", "\"cols\":3,\"rows\":2", 367},
      Attack{"NaN as text", "0x1.999999999999ap-4", "nan", 367},
      Attack{"NaN as a word", "\"rows\":2", "\"rows\":NaN", 367},
      Attack{"a huge binary64", "0x1.999999999999ap-4", "0x1p+99999999", 367},
      Attack{"a huge integer", "\"rows\":2", "\"rows\":99999999999999999999999", 367},
      Attack{"a negative integer", "\"rows\":2", "\"rows\":-2", 367},
      Attack{"a fraction for an integer", "\"rows\":2", "\"rows\":2.0", 367},
      Attack{"a number that is not hexadecimal", "0x1.999999999999ap-4", "0.1", 367},
      Attack{"a number with another spelling", "0x1.999999999999ap-4", "0x3.3333333333334p-5", 367},
      Attack{"ends in the wrong order", "\"0x1.999999999999ap-4\",\"0x1.999999999999ap-3\"",
             "\"0x1.999999999999ap-3\",\"0x1.999999999999ap-4\"", 367},
      Attack{"an infinite exact value", "\"exact\":{\"mantissa\":\"0x", "\"exact\":{\"mantissa\":\"inf0x", 367},
      Attack{"a dyadic not in lowest terms", "\"exponent\":\"", "\"exponent\":\"0", 367},
      Attack{"a digest that is none", "\"codes\":\"aa", "\"codes\":\"zz", 367},
      Attack{"a row out of order", "\"row\":1", "\"row\":2", 367},
      Attack{"white space", "\"rows\":2", "\"rows\": 2", 367},
      Attack{"a comma too many", "\n]},\n", ",\n]},\n", 367},
      Attack{"an assumption left out", "kernel: Coq 8.16.1 with vm_compute, and its library Flocq", "none", 367},
      Attack{"not UTF-8", "hallmark 0.1.0", "\xff", 367},
  };
  for (const Attack& attack : attacks) {
    CAPTURE(attack.name);
    CHECK(verdict(folder, replaced(text, attack.from, attack.to)) == attack.number);
  }
  CHECK(verdict(folder, "") == 367);
  CHECK(verdict(folder, "\xef\xbb\xbf" + text) == 367);
  CHECK(verdict(folder, text + "\n") == 367);
  CHECK(verdict(folder, text + text) == 367);
  CHECK(verdict(folder, std::string(1 << 16, '[') + "\n") == 367);
  for (std::size_t size = 0; size < text.size(); size += 7) CHECK(verdict(folder, text.substr(0, size)) == 367);
  CHECK(verdict(folder, text.substr(0, text.size() - 1)) == 367);
}

TEST_CASE("version 1, one set of options for all tensors, is read") {
  auto reader = CertificateReader::open("tests/cli/old/int4.certificate.json");
  if (!reader) FAIL(to_string(reader.error()));
  CHECK(reader->header().version == 1);
  CHECK(reader->header().contracts == "on");
  REQUIRE(reader->header().options);
  CHECK(reader->header().options->grid.id() == "int4/1");
  for (const std::size_t rows : {6U, 5U}) {
    const auto tensor = reader->next();
    REQUIRE(tensor);
    REQUIRE(*tensor);
    CHECK((*tensor)->options.group_size == 4);
    CHECK((*tensor)->options.desc_act);
    CHECK((*tensor)->options.scale_rule == "absmax");
    CHECK((*tensor)->options.scale_storage == ScaleStorage::f32);
    CHECK((*tensor)->zeros_sha256.empty());
    CHECK((*tensor)->values.size() == rows);
    for (const CertifiedRow& row : (*tensor)->values) CHECK(row.bound);
  }
  CHECK_FALSE(*reader->next());
  const TemporaryFolder folder;
  const std::string text = read_file("tests/cli/old/int4.certificate.json");
  CHECK(verdict(folder, text) == 0);
  CHECK(verdict(folder, replaced(text, "\"grid\":\"int4/1\"", "\"grid\":\"int4/9\"")) == 367);
  CHECK(verdict(folder, replaced(text, "\"guard\":true", "\"guard\":1")) == 367);
  CHECK(verdict(folder, replaced(text, "\"scale_rule\":\"absmax\",\"calibration\"", "\"calibration\"")) == 367);
}

TEST_CASE("no byte of a certificate can change unseen") {
  const TemporaryFolder folder;
  write_certificate(folder / "c.json");
  const std::string text = read_file(folder / "c.json");
  auto original = CertificateReader::open(folder / "c.json");
  REQUIRE(original);
  std::vector<CertifiedTensor> tensors;
  for (int i = 0; i < 2; ++i) tensors.push_back(**original->next());
  int accepted = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string edited = text;
    edited[i] = static_cast<char>(edited[i] ^ 1);
    write_file(folder / "edited.json", edited);
    auto reader = CertificateReader::open(folder / "edited.json");
    if (!reader) continue;
    ++accepted;
    bool seen = first_difference(reader->header(), some_header()).has_value();
    for (const CertifiedTensor& tensor : tensors) {
      const auto read = reader->next();
      if (!read || !*read) seen = true;
      else seen = seen || first_difference(**read, tensor) || (*read)->values.empty() != tensor.values.empty();
    }
    CAPTURE(i);
    CHECK(seen);
  }
  CHECK(accepted > 100);  // digits of digests and numbers
}

TEST_CASE("the slack is an upper bound of loss / bound") {
  CHECK(slack_of({0, 0}, {0, 0}) == 0);
  CHECK(slack_of({-1, 0}, {0, 1}) == 0);
  CHECK(slack_of({0, 1}, {3, 4}) >= 1.0 / 3);
  CHECK(slack_of({0, 1}, {3, 4}) < 0.3334);
  CHECK(slack_of({0, 1}, {0, 1}) == std::numeric_limits<double>::infinity());
}

TEST_CASE("the name of a certificate is derived from the container's") {
  CHECK(certificate_path("a/q.safetensors") == "a/q.certificate.json");
  CHECK(certificate_path("a/q.safetensors.index.json") == "a/q.certificate.json");
  CHECK(certificate_path("q.bin") == "q.bin.certificate.json");
}

TEST_CASE("the picture holds every tensor, and hostile names are text") {
  const std::vector<TensorSlack> tensors = {
      {"a<b>&\"", {0.1, 0.2, 0.4}}, {"none", {}}, {"open", {std::numeric_limits<double>::infinity()}}};
  const std::string svg = slack_svg("q", tensors);
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("a&lt;b&gt;&amp;") != svg.npos);
  CHECK(svg.find("0.200, 0.400") != svg.npos);
  CHECK(svg.find("no calibration") != svg.npos);
  CHECK(svg.find("a row without a bound") != svg.npos);
  CHECK(svg.find("inf") == svg.npos);
}

TEST_CASE("an enclosure says enough up to a quarter of its upper end, or between neighbours") {
  CHECK(says_enough({0.75, 1}));
  CHECK_FALSE(says_enough({std::nextafter(0.75, 0), 1}));
  CHECK(says_enough({0, 0}));
  CHECK(says_enough({0, 0x1p-1074}));
  CHECK_FALSE(says_enough({0, 0x1p-1073}));
  CHECK_FALSE(says_enough({1, std::numeric_limits<double>::infinity()}));
  CHECK_FALSE(says_enough({std::nan(""), 1}));
}

}  // namespace certificate_test
