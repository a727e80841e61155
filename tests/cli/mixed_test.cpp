// The whole show on one model: grids, stacks and orientations mixed by rules; and steps that the user gives.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "../io/temporary_folder.hpp"
#include "artifact/quantized_file.hpp"
#include "certify/certificate.hpp"
#include "io/sha256.hpp"
#include "check_error.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace mixed_test {

using namespace hallmark;
using hallmark::test::MadeTensor;
using hallmark::test::read_file;
using hallmark::test::Result;
using hallmark::test::shell;
using hallmark::test::write_tensors;

namespace {

struct Workspace {
  test::TemporaryFolder folder;

  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  std::string succeeds(const std::string& command) const {
    const Result result = run(command);
    REQUIRE_MESSAGE(result.exit == 0, command << "\n" << result.out);
    return result.out;
  }
  Result quantize(const std::string& flags) const {
    return run("quantize --weights w.safetensors --calibration c.safetensors --overwrite -o q.safetensors " + flags);
  }
  Result verify(const std::string& flags = "") const {
    return run("verify q.safetensors --weights w.safetensors --calibration c.safetensors " + flags);
  }
  std::vector<float> values(const std::string& file, const std::string& tensor) const {
    const auto opened = SafeTensors::open(folder / file);
    REQUIRE(opened);
    REQUIRE(opened->find(tensor) != nullptr);
    return *widen_to_f32(*opened->find(tensor));
  }
};

bool says(const std::string& text, const std::string& words) { return text.find(words) != std::string::npos; }

// Two experts of three saw tokens; "t" and the experts are stored as [in, out].
void write_model(const Workspace& work) {
  write_tensors(work.folder / "w.safetensors", {{"u.weight", DType::F32, {6, 8}},
                                                {"experts", DType::F16, {3, 8, 5}},
                                                {"v.weight", DType::BF16, {4, 6}},
                                                {"norm", DType::F32, {4}},
                                                {"t", DType::F32, {8, 4}},
                                                {"embed", DType::F32, {5, 4}}});
  write_tensors(work.folder / "c.safetensors", {{"u.weight.activations", DType::F32, {40, 8}},
                                                {"v.weight.activations", DType::BF16, {40, 6}},
                                                {"experts[0].activations", DType::F32, {30, 8}},
                                                {"experts[1].activations", DType::F32, {0, 8}},
                                                {"experts[2].activations", DType::F32, {30, 8}},
                                                {"t.activations", DType::F32, {40, 8}}});
  test::write_file(work.folder / "rules.json", R"({"rules": [
    {"match": "^v", "grid": "int4z", "group_size": 4, "scale_storage": "bf16"},
    {"match": "experts", "grid": "int4", "transposed": true, "rtn": true, "scale_storage": "f16"},
    {"match": "^t$", "grid": "lloyd:4", "transposed": true, "desc_act": true}]})");
}

// The value of a code by the definition of its grid.
double value_of(const Grid& grid, Code code, int zero) {
  if (grid.is_integer()) return static_cast<std::int16_t>(code) - zero;
  if (grid.is_table()) return static_cast<double>(grid.spec().points.at(code));
  return GF16::decode(code);
}

}  // namespace

TEST_CASE("a model with several grids, experts and orientations goes through every command") {
  const Workspace work;
  write_model(work);
  const Result made = work.quantize("--config rules.json --report r.jsonl");
  REQUIRE_MESSAGE(made.exit == 0, made.out);
  CHECK(says(made.out, "6 matrices quantized"));
  CHECK(says(made.out, "1 matrix left as it is: no calibration: embed"));

  const std::string shown = work.succeeds("inspect q.safetensors");
  CAPTURE(shown);
  CHECK(says(shown, "quantized: 6 matrices in 4 tensors, of 6"));
  // u: 48 words of 16 bits, 6 scales; v: 24 codes of 4 bits, 8 scales of 16 bits, 8 zero points, two in a byte;
  // experts: 120 codes, 15 scales of 16 bits; t: 32 codes, 4 scales; of 224 weights.
  CHECK(says(shown, "with steps: 9.786 by the grids, 9.786 in this file"));
  CHECK(says(shown, "gf16/1 gptq matrix-max"));
  CHECK(says(shown, "int4z/1 gptq minmax"));
  CHECK(says(shown, "int4/2 gptq absmax transposed"));
  CHECK(says(shown, "int4/2 rtn absmax transposed"));  // the expert that saw no token
  CHECK(says(shown, "lloyd:4/1 gptq absmax transposed"));

  for (const std::string flags : {"", "--exact", "--reproduce", "--reproduce --exact", "--no-certificate"}) {
    CAPTURE(flags);
    const Result verified = work.verify(flags);
    CAPTURE(verified.out);
    CHECK(verified.exit == 0);
    CHECK(says(verified.out, "6 matrices, 29 rows"));
  }

  // Each matrix has the digest of its own bytes, that of a stack too.
  auto certificate = CertificateReader::open(work.folder / "q.certificate.json");
  const auto source = SafeTensors::open(work.folder / "w.safetensors");
  REQUIRE(certificate);
  REQUIRE(source);
  for (int k = 0; k < 6; ++k) {
    const auto tensor = *certificate->next();
    REQUIRE(tensor);
    const auto bracket = tensor->name.find('[');
    std::span<const std::byte> bytes = source->find(tensor->name.substr(0, bracket))->data;
    if (bracket != std::string::npos) {
      const std::size_t size = bytes.size() / 3;
      bytes = bytes.subspan(static_cast<std::size_t>(tensor->name[bracket + 1] - '0') * size, size);
    }
    CHECK(tensor->weights_sha256 == sha256_hex(bytes));
  }

  work.succeeds("dequantize q.safetensors -o d.safetensors");
  work.succeeds("export q.safetensors --to safetensors-f32 -o d2.safetensors");
  CHECK(read_file(work.folder / "d2.safetensors") == read_file(work.folder / "d.safetensors"));
  work.succeeds("export q.safetensors --to hallmark -o q2.safetensors");
  CHECK(read_file(work.folder / "q2.safetensors") == read_file(work.folder / "q.safetensors"));
  const Result unknown = work.run("export q.safetensors --to safetensors -o d3.safetensors");
  CHECK(unknown.exit == 2);
  CHECK(says(unknown.out, "error[E0231]"));
  CHECK(says(unknown.out,
             "safetensors-f32, safetensors-f64, gguf, golf-int8, golf-int6, golf-int6-xz, golf-int6-brotli, gptq, "
             "gptq-v2, compressed-tensors, hallmark"));
  const auto w = SafeTensors::open(work.folder / "w.safetensors"), d = SafeTensors::open(work.folder / "d.safetensors");
  const auto q = QuantizedFile::open(work.folder / "q.safetensors");
  REQUIRE(w);
  REQUIRE(d);
  REQUIRE(q);
  REQUIRE(d->tensors().size() == w->tensors().size());
  for (std::size_t i = 0; i < w->tensors().size(); ++i) {
    CHECK(d->tensors()[i].name == w->tensors()[i].name);
    CHECK(d->tensors()[i].shape == w->tensors()[i].shape);
  }
  for (const char* name : {"norm", "embed"}) CHECK(std::ranges::equal(d->find(name)->data, w->find(name)->data));
  REQUIRE(q->header().matrices.size() == 6);
  std::size_t compared = 0;
  for (const QuantizedMatrix& matrix : q->header().matrices) {
    CAPTURE(matrix.name);
    const std::vector<float> original = *widen_to_f32(*w->find(matrix.tensor)),
                             back = *widen_to_f32(*d->find(matrix.tensor));
    const Matrix<Code> codes = *q->codes(matrix);
    const Steps steps = *q->steps(matrix);
    const std::size_t first = matrix.index.value_or(0) * matrix.rows * matrix.cols;
    for (std::uint64_t i = 0; i < matrix.rows; ++i)
      for (std::uint64_t j = 0; j < matrix.cols; ++j) {
        const std::size_t at = first + (matrix.transposed ? j * matrix.rows + i : i * matrix.cols + j);
        const auto row = static_cast<Index>(i), group = steps.group(static_cast<Index>(j));
        const double scale = static_cast<double>(steps.scales(row, group));
        const int zero = steps.zeros.size() == 0 ? 0 : steps.zeros(row, group);
        const double value = scale * value_of(matrix.options.grid, codes(row, static_cast<Index>(j)), zero);
        CHECK(static_cast<double>(back[at]) == value);
        // Round-to-nearest leaves at most a step; GPTQ, which moves errors to other columns, less than a wrong place
        // would.
        const double error = std::fabs(value - static_cast<double>(original[at]));
        if (matrix.options.method == "rtn") CHECK(error <= std::fabs(scale));
        else CHECK(error < 0.75);
        ++compared;
      }
  }
  CHECK(compared == 48 + 24 + 3 * 40 + 32);
  const std::string report = read_file(work.folder / "r.jsonl");
  CHECK(std::count(report.begin(), report.end(), '\n') == 6);
  CHECK(says(report, R"("name":"experts[1]","rows":5,"cols":8,"grid":"int4/2","method":"rtn")"));
}

TEST_CASE("a transposed matrix gets the codes that its transpose gets") {
  const Workspace work;
  const std::vector<float> values = test::noise(48, 7);
  std::vector<float> turned(48);
  for (std::size_t i = 0; i < 6; ++i)
    for (std::size_t j = 0; j < 8; ++j) turned[j * 6 + i] = values[i * 8 + j];
  const MadeTensor activations{"a.activations", DType::F32, {40, 8}};
  const auto made = [&](const Shape& shape, const std::vector<float>& numbers, const std::string& flags) {
    write_tensors(work.folder / "w.safetensors", {{"a", DType::F32, shape, numbers}});
    write_tensors(work.folder / "c.safetensors", {activations});
    const Result result = work.quantize("--grid int4 " + flags);
    REQUIRE_MESSAGE(result.exit == 0, result.out);
    const auto q = QuantizedFile::open(work.folder / "q.safetensors");
    REQUIRE(q);
    return *q->codes(q->header().matrices.at(0));
  };
  test::write_file(work.folder / "r.json", R"({"rules": [{"match": "a", "transposed": true}]})");
  CHECK(made({6, 8}, values, "") == made({8, 6}, turned, "--config r.json"));
}

TEST_CASE("given scales and zero points for each row and group are used as they are") {
  const Workspace work;
  const std::vector<float> weights = test::noise(48, 3);
  write_tensors(work.folder / "w.safetensors", {{"a.weight", DType::F32, {6, 8}, weights}});
  std::vector<float> scales(12), zeros(12);
  for (std::size_t k = 0; k < 12; ++k) {
    scales[k] = 0.05F + 0.01F * static_cast<float>(k);
    zeros[k] = static_cast<float>(3 + k);
  }
  const auto calibrate = [&](const Shape& shape) {
    const std::size_t count = element_count(shape);
    write_tensors(
        work.folder / "c.safetensors",
        {{"a.weight.activations", DType::F32, {40, 8}},
         {"a.weight.scale", DType::F32, shape, {scales.begin(), scales.begin() + static_cast<long>(count)}},
         {"a.weight.zero_point", DType::U8, shape, {zeros.begin(), zeros.begin() + static_cast<long>(count)}}});
  };
  for (const std::string method : {"rtn", "gptq"}) {
    CAPTURE(method);
    calibrate({6, 2});
    const Result made = work.quantize("--grid int4z --group-size 4 --report r --method " + method);
    REQUIRE_MESSAGE(made.exit == 0, made.out);
    CHECK(says(read_file(work.folder / "r"), "\"scale_rule\":\"given\""));
    const auto q = QuantizedFile::open(work.folder / "q.safetensors");
    REQUIRE(q);
    const QuantizedMatrix& matrix = q->header().matrices.at(0);
    const Steps steps = *q->steps(matrix);
    CHECK(matrix.options.scale_rule == "given");
    CHECK(matrix.options.group_size == 4);
    REQUIRE(steps.scales.size() == 12);
    REQUIRE(steps.zeros.size() == 12);
    for (std::size_t k = 0; k < 12; ++k) {
      CHECK(steps.scales.data()[k] == scales[k]);
      CHECK(static_cast<float>(steps.zeros.data()[k]) == zeros[k]);
    }
    const Matrix<Code> codes = *q->codes(matrix);
    for (std::size_t k = 0; k < 48 && method == "rtn"; ++k) {
      const std::size_t step = k / 8 * 2 + k % 8 / 4;
      const double nearest = std::round(static_cast<double>(weights[k]) / static_cast<double>(scales[step])) +
                             static_cast<double>(zeros[step]);
      CHECK(codes.data()[k] == std::clamp(nearest, 0.0, 15.0));
    }
    for (const std::string flags : {"", "--exact", "--reproduce", "--no-certificate"}) {
      const Result verified = work.verify(flags);
      CAPTURE(verified.out);
      CHECK(verified.exit == 0);
    }
    // Products of scales of 24 bits are not all exact in binary32.
    CHECK(work.run("dequantize q.safetensors --overwrite -o d.safetensors").exit == 4);
    work.succeeds("dequantize q.safetensors --dtype f64 --overwrite -o d.safetensors");
    // Other steps in C are not those of the file.
    scales[7] *= 1.5F;
    calibrate({6, 2});
    const Result other = work.verify();
    CAPTURE(other.out);
    CHECK(other.exit == 7);
    CHECK(says(other.out, "tensor 'a.weight': row 3: the scale of group 1 is "));
    scales[7] /= 1.5F;
  }
  // One for each row, which goes with no group size.
  calibrate({6});
  test::check_error(work.quantize("--grid int4z --group-size 4"), 2, "E0230",
                    {"group_size 4 has no effect on any tensor"});
  const Result rows = work.quantize("--grid int4z");
  REQUIRE_MESSAGE(rows.exit == 0, rows.out);
  const auto q = QuantizedFile::open(work.folder / "q.safetensors");
  REQUIRE(q);
  CHECK(q->header().matrices.at(0).options.group_size == 0);
  CHECK(work.verify("--exact").exit == 0);
}

namespace {

// Two matrices and a stack of two: C knows a and b, and what is in `more`.
void write_partly_calibrated(const Workspace& work, const std::vector<MadeTensor>& more) {
  write_tensors(work.folder / "w.safetensors",
                {{"a.weight", DType::F32, {6, 8}}, {"b.weight", DType::F32, {4, 5}}, {"e", DType::BF16, {2, 4, 8}}});
  std::vector<MadeTensor> known{{"a.weight.activations", DType::F32, {40, 8}},
                                {"b.weight.activations", DType::F32, {40, 5}}};
  known.insert(known.end(), more.begin(), more.end());
  write_tensors(work.folder / "c.safetensors", known);
}

// What --dry-run says of a matrix.
std::string planned(const Workspace& work, const std::string& flags, const std::string& name) {
  const Result shown = work.quantize(flags + " --dry-run");
  const auto at = shown.out.find(name + " ");
  REQUIRE_MESSAGE(shown.exit == 0, shown.out);
  REQUIRE_MESSAGE(at != std::string::npos, shown.out);
  return shown.out.substr(at, shown.out.find('\n', at) - at);
}

void refuses(const Workspace& work, const std::string& flags, const std::vector<std::string>& words) {
  for (const std::string dry : {"", " --dry-run"}) {
    test::check_error(work.quantize(flags + dry), 2, "E0230", words);
    CHECK_FALSE(std::filesystem::exists(work.folder / "q.safetensors"));
  }
}

}  // namespace

TEST_CASE("what given scales take the place of is refused, or shown where another tensor reads it") {
  const Workspace work;
  const MadeTensor of_a{"a.weight.scale", DType::F32, {6}, std::vector<float>(6, 0.125F)},
      of_b{"b.weight.scale", DType::F32, {4}, std::vector<float>(4, 0.125F)};
  write_partly_calibrated(work, {of_a, of_b});
  for (const auto& [flags, option] :
       std::map<std::string, std::string>{{"--group-size 4", "group_size 4"},
                                          {"--scale-rule absmax", "scale_rule absmax"},
                                          {"--scale-rule search --ratios 1,0.9", "ratios 1,0.9"},
                                          {"--method rtn --scale-rule diag --damp-fraction 0.1", "damp_fraction 0.1"}})
    refuses(work, "--grid int4 " + flags,
            {"the command line: " + option + " has no effect on any tensor",
             "('b.weight': scales from the calibration file)", "or NAME.scale out of the calibration file"});
  // Nobody asked for the groups of a preset by name.
  CHECK(planned(work, "--preset q4_0", "a.weight")
            .ends_with("int4 gptq given, scale_storage f16; scales from the calibration file, without group_size 32"));
  write_partly_calibrated(work, {of_a});
  const std::string searched = "--grid int4 --group-size 4 --scale-rule search --ratios 1,0.9";
  CHECK(planned(work, searched, "a.weight")
            .ends_with("int4 gptq given; scales from the calibration file, without group_size 4, ratios 1,0.9, "
                       "scale_rule search"));
  CHECK(planned(work, searched, "b.weight").ends_with("int4 gptq search, group_size 4, ratios 1,0.9"));
}

TEST_CASE("what rounding to nearest takes the place of is refused, or shown where another tensor reads it") {
  const Workspace work;
  const auto rule = [&](const std::string& settings) {
    test::write_file(work.folder / "r.json",
                     R"({"rules": [{"match": "^e", "grid": "int4", "rtn": true, )" + settings + "}]}");
  };
  write_partly_calibrated(work, {});
  rule(R"("method": "best", "rotation": "hadamard:16")");
  refuses(work, "--config r.json",
          {"r.json: rule 1: method best has no effect on any tensor",
           "('e[1]': rounded to nearest for want of calibration)", "leave method out, or calibrate its tensors"});
  write_partly_calibrated(work, {{"e[0].activations", DType::F32, {9, 8}}});
  CHECK(planned(work, "--config r.json", "e[0]").ends_with("int4 best absmax, rotation hadamard:16"));
  const std::string without = "; rounded to nearest for want of calibration, without method best, rotation hadamard:16";
  CHECK(planned(work, "--config r.json", "e[1]").ends_with("int4 rtn absmax" + without));
  // Nobody asked for the method of a size by name.
  write_partly_calibrated(work, {});
  rule(R"("bits": 8)");
  CHECK(planned(work, "--config r.json", "e[1]").ends_with("int4 rtn absmax, scale_storage f16" + without));
}

}  // namespace mixed_test
