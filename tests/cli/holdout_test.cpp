// quantize --holdout: losses on tokens that the codes have not seen, and what verify makes of them.
#include <cmath>
#include <random>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "artifact/quantized_file.hpp"
#include "files.hpp"
#include "linalg/matrix.hpp"
#include "shell.hpp"
#include "../io/temporary_folder.hpp"

namespace holdout_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

std::vector<float> normal(std::size_t count, unsigned seed) {
  std::mt19937 bits(seed);
  std::vector<float> values(count);
  for (float& value : values) {  // the sum of twelve uniform numbers, the same with every library
    double sum = -6;
    for (int k = 0; k < 12; ++k) sum += static_cast<double>(bits()) * 0x1p-32;
    value = static_cast<float>(sum);
  }
  return values;
}

struct Workspace {
  TemporaryFolder folder;
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  Result quantize(const std::string& flags) const {
    return run("quantize --weights w --calibration c -o q --overwrite " + flags);
  }
  nlohmann::json report() const { return nlohmann::json::parse(read_file(folder / "r")); }
};

/// sum_t |(W - What) x_t|^2 over tokens first .., What as dequantize gives it.
double loss(const Workspace& work, const std::string& quantized, const std::vector<float>& x, std::uint64_t first,
            std::uint64_t last) {
  const Result done = work.run("dequantize " + quantized + " --overwrite -o d");
  REQUIRE_MESSAGE(done.exit == 0, done.out);
  const auto w = SafeTensors::open(work.folder / "w"), d = SafeTensors::open(work.folder / "d");
  const std::vector<double> a = *widen_to_f64(*w->find("a")), b = *widen_to_f64(*d->find("a"));
  const std::uint64_t rows = w->find("a")->shape[0], cols = w->find("a")->shape[1];
  double sum = 0;
  for (std::uint64_t t = first; t < last; ++t)
    for (std::uint64_t i = 0; i < rows; ++i) {
      double y = 0;
      for (std::uint64_t j = 0; j < cols; ++j)
        y += (a[i * cols + j] - b[i * cols + j]) * static_cast<double>(x[t * cols + j]);
      sum += y * y;
    }
  return sum;
}

}  // namespace

TEST_CASE("too few tokens: a loss that is small on them is larger than that of round-to-nearest on others") {
  const Workspace work;
  constexpr std::uint64_t rows = 300, cols = 128, tokens = 600, used = 64;  // more than one block of rows and of tokens
  const std::vector<float> w = normal(rows * cols, 1), x = normal(tokens * cols, 2);
  write_tensors(work.folder / "w", {{"a", DType::F32, {rows, cols}, w}});
  write_tensors(work.folder / "c", {{"a.activations", DType::F32, {tokens, cols}, x}});
  const Result made = work.quantize("--grid int4 --report r --holdout 0.8933");
  REQUIRE_MESSAGE(made.exit == 0, made.out);
  const auto line = work.report();
  CHECK(line["tokens"] == used);
  CHECK(line["held_out_tokens"] == tokens - used);
  const double ratio = line["loss"].get<double>() / line["loss_rtn"].get<double>();
  const double held = line["held_out_loss"].get<double>() / line["held_out_loss_rtn"].get<double>();
  CHECK(ratio < 0.5);
  CHECK(held > 1.1);
  CHECK_MESSAGE(made.out.find(fmt::format("loss/RTN {:.4f} on 64 tokens, {:.4f} on 536 held out", ratio, held)) !=
                    std::string::npos,
                made.out);
  CHECK(made.out.find("warning: a: on the 536 tokens that were held out the codes lose more than round-to-nearest") !=
        std::string::npos);
  CHECK(made.out.find(fmt::format("loss/RTN {:.4f}, {:.4f} on tokens held out", ratio, held)) != std::string::npos);
  // The figures, from the files alone.
  CHECK(line["held_out_loss"].get<double>() == doctest::Approx(loss(work, "q", x, used, tokens)).epsilon(1e-9));
  CHECK(line["loss"].get<double>() == doctest::Approx(loss(work, "q", x, 0, used)).epsilon(1e-4));
  REQUIRE(work.run("quantize --weights w --method rtn --grid int4 -o rtn").exit == 0);
  CHECK(line["held_out_loss_rtn"].get<double>() == doctest::Approx(loss(work, "rtn", x, used, tokens)).epsilon(1e-9));

  // The codes are those of a calibration that ends where the held-out tokens begin.
  const std::string codes = read_file(work.folder / "q"), certificate = read_file(work.folder / "q.certificate.json");
  CHECK(certificate.find("\"tokens\":64,") != std::string::npos);
  for (const std::string flags : {"", "--exact --rows 2", "--reproduce"}) {
    const Result verified = work.run("verify q --weights w --calibration c " + flags);
    CAPTURE(verified.out);
    CHECK(verified.exit == 0);
    CHECK(verified.out.find("tokens were held out: of 1 matrices") != std::string::npos);
  }
  write_tensors(work.folder / "c", {{"a.activations", DType::F32, {used, cols}, {x.begin(), x.begin() + used * cols}}});
  const Result same = work.quantize("--grid int4 --report r2");
  REQUIRE(same.exit == 0);
  CHECK(same.out.find("held out") == std::string::npos);
  CHECK(read_file(work.folder / "r2").find("held_out") == std::string::npos);
  const auto q = QuantizedFile::open(work.folder / "q");
  REQUIRE(q);
  CHECK(codes.find(q->payload_sha256()) != std::string::npos);
}

TEST_CASE("enough tokens: both ratios agree") {
  const Workspace work;
  const std::vector<float> x = normal(4000 * 8, 3);
  write_tensors(work.folder / "w", {{"a", DType::F32, {20, 8}, normal(160, 4)}});
  write_tensors(work.folder / "c", {{"a.activations", DType::F32, {4000, 8}, x}});
  const Result made = work.quantize("--grid int3 --report r --holdout 0.25");
  REQUIRE_MESSAGE(made.exit == 0, made.out);
  const auto line = work.report();
  CHECK(line["tokens"] == 3000);
  CHECK(line["held_out_tokens"] == 1000);
  const double ratio = line["loss"].get<double>() / line["loss_rtn"].get<double>();
  CHECK(line["held_out_loss"].get<double>() / line["held_out_loss_rtn"].get<double>() ==
        doctest::Approx(ratio).epsilon(0.1));
  CHECK(made.out.find("warning") == std::string::npos);
}

TEST_CASE("what cannot be held out is refused when the plan is made") {
  const Workspace work;
  const auto refused = [&](const std::string& flags, const std::string& what, int exit) {
    for (const std::string dry : {"", " --dry-run"}) {
      const Result result = work.quantize(flags + dry);
      CAPTURE(flags);
      CAPTURE(result.out);
      CHECK(result.exit == exit);
      CHECK(result.out.find(what) != std::string::npos);
      CHECK(result.out.find("\n  try: ") != std::string::npos);
      CHECK_FALSE(std::filesystem::exists(work.folder / "q"));
    }
  };
  write_tensors(work.folder / "w", {{"a", DType::F32, {6, 8}}, {"b", DType::F32, {6, 8}}});
  write_tensors(work.folder / "c", {{"a.activations", DType::F32, {40, 8}}, {"b.activations", DType::F32, {2, 8}}});
  for (const std::string value : {"0", "1", "-0.1", "1.5", "nan", "0x", "\"\"", "1e-400"})
    refused("--holdout=" + value, "error[E0201]", 2);
  refused("--holdout 0.1",
          "error[E0438]: too few tokens to hold some out\n  c: b: 2 tokens would be used and 0 held out", 4);
  refused("--holdout 0.9", "c: b: 0 tokens would be used and 2 held out", 4);
  refused("--holdout 0.5 --method rtn", "error[E0438]: no matrix uses the tokens", 4);
  REQUIRE(work.run("gram --activations c -o g").exit == 0);
  REQUIRE(shell("mv " + (work.folder / "g") + " " + (work.folder / "c")).exit == 0);
  refused("--holdout 0.5", "error[E0438]: a Gram matrix has no tokens that could be held out\n  c: a: a ready Gram", 4);
  // A number among those held out that is none is found before the work.
  std::vector<float> x = noise(320, 1);
  x[39 * 8 + 3] = std::nanf("");
  write_tensors(work.folder / "w", {{"a", DType::F32, {6, 8}}});
  write_tensors(work.folder / "c", {{"a.activations", DType::F32, {40, 8}, x}});
  refused("--holdout 0.5", "error[E0350]", 3);
  x[39 * 8 + 3] = 0;
  write_tensors(work.folder / "c", {{"a.activations", DType::F32, {40, 8}, x}});
  const Result planned = work.quantize("--holdout 0.5 --dry-run");
  CHECK(planned.exit == 0);
  CHECK_MESSAGE(planned.out.find("20 tokens held out") != std::string::npos, planned.out);
}

}  // namespace holdout_test
