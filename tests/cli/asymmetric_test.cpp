// --target asymmetric from the command line: what is written is what is judged, on the inputs of both layers.
#include <fmt/format.h>
#include <gmpxx.h>

#include <cstring>

#include "../io/quantized_files.hpp"
#include "certify/certificate.hpp"
#include "files.hpp"
#include "method/rtn.hpp"
#include "shell.hpp"

namespace asymmetric_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

constexpr std::size_t kTokens = 60, kRows = 6, kCols = 20;

// Whole numbers up to 8: sums over tokens are exact.
std::vector<float> whole(std::size_t count, unsigned seed) {
  std::vector<float> values = noise(count, seed);
  for (float& value : values) value = std::nearbyint(16 * value);
  return values;
}

// A^T B over the tokens.
std::vector<float> sums(const std::vector<float>& A, const std::vector<float>& B) {
  std::vector<float> out;
  for (std::size_t a = 0; a < kCols; ++a)
    for (std::size_t b = 0; b < kCols; ++b) {
      float sum = 0;
      for (std::size_t t = 0; t < kTokens; ++t) sum += A[t * kCols + a] * B[t * kCols + b];
      out.push_back(sum);
    }
  return out;
}

struct Workspace {
  TemporaryFolder folder;
  std::vector<float> X = whole(kTokens * kCols, 8), Y = X, W = noise(kRows * kCols, 9);
  Workspace() {
    const std::vector<float> change = whole(kTokens * kCols, 10);
    for (std::size_t k = 0; k < Y.size(); ++k) Y[k] += static_cast<float>(static_cast<int>(change[k]) / 3);
    write_tensors(folder / "w", {{"a", DType::F32, {kRows, kCols}, W}, {"bias", DType::F32, {6}}});
    write("c", "a", true, true);
  }
  void write(const std::string& file, const std::string& name, bool cross, bool inputs) const {
    std::vector<MadeTensor> tensors{{name + ".gram", DType::F64, {kCols, kCols}, sums(Y, Y)}};
    if (cross) tensors.push_back({name + ".cross_gram", DType::F64, {kCols, kCols}, sums(X, Y)});
    if (inputs) tensors.push_back({name + ".float_gram", DType::F64, {kCols, kCols}, sums(X, X)});
    write_tensors(folder / file, tensors);
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  Result quantize(const std::string& flags, const std::string& file = "c") const {
    return run("quantize --weights w --calibration " + file + " -o q.safetensors --overwrite --target asymmetric " +
               flags);
  }
  Result verify(const std::string& flags, const std::string& file = "c") const {
    return run("verify q.safetensors --weights w --calibration " + file + " " + flags);
  }
  // |w X - q X~|^2 of a row, by the tokens.
  mpq_class lost(const Matrix<double>& q, std::size_t i) const {
    mpq_class sum = 0;
    for (std::size_t t = 0; t < kTokens; ++t) {
      mpq_class off = 0;
      for (std::size_t j = 0; j < kCols; ++j)
        off += mpq_class(W[i * kCols + j]) * mpq_class(X[t * kCols + j]) -
               mpq_class(q(static_cast<Index>(i), static_cast<Index>(j))) * mpq_class(Y[t * kCols + j]);
      sum += off * off;
    }
    return sum;
  }
};

void check_refused(const Result& result, int exit, const std::string& number, const std::string& says) {
  CHECK_MESSAGE(result.exit == exit, result.out);
  CHECK_MESSAGE(result.out.find(number) != std::string::npos, result.out);
  CHECK_MESSAGE(result.out.find(says) != std::string::npos, result.out);
}

}  // namespace

TEST_CASE("quantize, verify in every way, inspect, dequantize; the exact losses are those on the tokens") {
  const Workspace space;
  for (const std::string flags :
       {"--grid int4s", "--grid gf16 --desc-act", "--grid int3 --method best --effort 2",
        "--grid int4 --method descent --group-size 5 --damp-fraction 0", "--grid int4 --method qronos --desc-act",
        "--grid int4 --scale-rule search", "--grid int4 --scale-rule pivot --no-guard",
        "--grid lloyd:3 --contracts exact", "--grid lloyd:3 --rotation hadamard:16"}) {
    CAPTURE(flags);
    const Result made = space.quantize(flags + " --exact");
    REQUIRE_MESSAGE(made.exit == 0, made.out);
    for (const std::string how :
         {"", "--exact", "--exact --rows 2", "--no-certificate", "--reproduce --exact", "--threads 3"}) {
      const Result judged = space.verify(how);
      CHECK_MESSAGE(judged.exit == 0, how << ": " << judged.out);
    }
    CHECK(space.run("inspect q.safetensors").exit == 0);
    CHECK(space.run("dequantize q.safetensors --overwrite -o d").exit == 0);
    const auto q = QuantizedFile::open(space.folder / "q.safetensors");
    auto certificate = CertificateReader::open(space.folder / "q.certificate.json");
    REQUIRE((q && certificate));
    CHECK(q->header().schema == (flags.starts_with("--grid gf16") ? 3 : 4));  // 4: codes are packed
    CHECK(certificate->header().asymmetric);
    const QuantizedMatrix& matrix = q->header().matrices[0];
    const auto tensor = certificate->next();
    REQUIRE((tensor && *tensor));
    const Matrix<double> numbers = dequantize_f64(*q->codes(matrix), *q->steps(matrix), matrix.options.grid);
    for (std::size_t i = 0; i < kRows; ++i) {
      REQUIRE((*tensor)->values[i].final.exact);
      CHECK((*tensor)->values[i].final.exact->rational() == space.lost(numbers, i));
    }
  }
}

TEST_CASE("forged codes, losses and calibration are refused") {
  const Workspace space;
  REQUIRE(space.quantize("--grid int4 --exact").exit == 0);
  const std::string path = space.folder / "q.certificate.json", text = read_file(path);
  SUBCASE("codes") {
    rewrite(space.folder / "q.safetensors", [](auto&, auto&, auto& data) { data["a.codes"][7] ^= 1; });
    for (const std::string how : {"", "--exact", "--reproduce"}) check_refused(space.verify(how), 7, "E0712", "'a'");
  }
  SUBCASE("the plain loss in the place of the loss") {
    REQUIRE(space.run("quantize --weights w --calibration c -o p.safetensors --grid int4").exit == 0);
    auto plain = CertificateReader::open(space.folder / "p.certificate.json");
    auto asymmetric = CertificateReader::open(path);
    REQUIRE((plain && asymmetric));
    CertifiedTensor forged = **asymmetric->next();
    forged.values[2].final = (*plain->next())->values[2].final;
    auto writer = CertificateWriter::create(path, true, asymmetric->header());
    REQUIRE(writer);
    REQUIRE(writer->add(forged));
    REQUIRE(writer->commit());
    check_refused(space.verify(""), 7, "E0713", "row 2");
  }
  SUBCASE("an assumption that speaks of plain losses") {
    const std::string scope =
        "e G e^T, and where the target is asymmetric w K w^T - 2 w C q^T + q G q^T, in the stored matrices";
    std::string changed = text;
    changed.replace(changed.find(scope), scope.size(), "e G e^T in the stored Gram matrix G");
    write_file(path, changed);
    check_refused(space.verify(""), 3, "E0367", "asymmetric target");
  }
  SUBCASE("another cross-Gram matrix") {
    for (const std::string name : {"a.cross_gram", "a.float_gram"}) {
      space.write("other", "a", true, true);
      // Two numbers that stand across the diagonal.
      rewrite(space.folder / "other", [&](auto&, auto&, auto& data) {
        for (const std::size_t k : {std::size_t{1}, kCols}) data[name][8 * k + 6] ^= 1;
      });
      check_refused(space.verify("", "other"), 7, "E0712", "float inputs");
      check_refused(space.verify("--reproduce", "other"), 7, "E0712", "'a'");
    }
  }
  SUBCASE("none") {
    space.write("none", "a", false, false);
    check_refused(space.verify("", "none"), 7, "E0711", "no cross-Gram matrix");
  }
}

TEST_CASE("what cannot be is refused in the plan, with what goes") {
  const Workspace space;
  check_refused(space.quantize("--dry-run --method rtn"), 2, "E0234", "--target plain");
  space.write("none", "a", false, false);
  check_refused(space.quantize("--dry-run", "none"), 4, "E0431", "--target plain");
  space.write("half", "a", true, false);
  check_refused(space.quantize("--dry-run", "half"), 3, "E0382", "without a.float_gram");
  space.write("half", "a", false, true);
  check_refused(space.quantize("--dry-run", "half"), 3, "E0382", "without a.cross_gram");
  write_tensors(space.folder / "alone", {{"a.cross_gram", DType::F64, {kCols, kCols}},
                                         {"a.float_gram", DType::F64, {kCols, kCols}},
                                         {"a.activations", DType::F32, {kTokens, kCols}}});
  check_refused(space.quantize("--dry-run", "alone"), 3, "E0382", "without a.gram");
  write_tensors(space.folder / "small", {{"a.gram", DType::F64, {kCols, kCols}, sums(space.Y, space.Y)},
                                         {"a.cross_gram", DType::F64, {3, 3}},
                                         {"a.float_gram", DType::F64, {kCols, kCols}, sums(space.X, space.X)}});
  check_refused(space.quantize("--dry-run", "small"), 3, "E0382", "20 columns");
  space.write("b", "b", true, true);
  check_refused(space.quantize("--dry-run", "b"), 4, "E0436", "b");
  space.write("nan", "a", true, true);
  rewrite(space.folder / "nan", [](auto&, auto&, auto& data) {
    data["a.cross_gram"][8 * 23 + 7] = '\x7f', data["a.cross_gram"][8 * 23 + 6] = '\xf0';
  });
  check_refused(space.quantize("--dry-run", "nan"), 3, "E0350", "cross_gram");
  space.write("skew", "a", true, true);
  rewrite(space.folder / "skew", [](auto&, auto&, auto& data) { data["a.float_gram"][8 + 6] ^= 1; });
  check_refused(space.quantize("--dry-run", "skew"), 3, "E0382", "not symmetric");
  check_refused(space.run("gram --merge c -o m"), 2, "E0211", "not merged");
  CHECK(space.run("quantize --weights w --calibration c -o p.safetensors --target w").out.find("E0227") !=
        std::string::npos);
  CHECK(space.quantize("--dry-run").exit == 0);
}

}  // namespace asymmetric_test
