// hallmark dequantize: every number of a model with groups, zero points, stacks and transposed matrices, in each dtype,
// against the nearest number found by looking at all of them.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include <fmt/format.h>

#include <Eigen/Core>

#include "artifact/quantized_file.hpp"
#include "files.hpp"
#include "shell.hpp"
#include "../io/temporary_folder.hpp"

namespace dequantize_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  TemporaryFolder folder;
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  Result dequantize(const std::string& dtype) const { return run("dequantize q --overwrite -o d --dtype " + dtype); }
};

/// A matrix of a test: codes and steps by row, each number its own definition.
struct Made {
  QuantizedMatrix matrix;
  std::vector<Code> codes;
  std::vector<float> scales;
  std::vector<std::int16_t> zeros = {};

  std::vector<double> points = {};  ///< of its grid by code, where the code itself is not the number

  double product(std::uint64_t i, std::uint64_t j) const {
    const auto width = static_cast<std::uint64_t>(matrix.options.group_size);
    const std::uint64_t groups = scales.size() / matrix.rows, k = i * groups + (width == 0 ? 0 : j / width);
    const Code code = codes[i * matrix.cols + j];
    const double point = points.empty() ? static_cast<double>(static_cast<std::int16_t>(code)) : points[code];
    return static_cast<double>(scales[k]) * (point - (zeros.empty() ? 0 : zeros[k]));
  }
};

Options options_of(const std::string& grid, Index group_size = 0) {
  Options options{Grid::parse(grid).value()};
  options.group_size = group_size;
  options.method = "rtn";
  options.scale_rule = "given";
  return options;
}

void write_model(const std::string& path, const std::vector<OriginalTensor>& tensors, const std::vector<Made>& made) {
  QuantizedHeader header;
  header.tool = "hallmark test";
  header.tensors = tensors;
  for (const Made& one : made) header.matrices.push_back(one.matrix);
  auto writer = QuantizedFileWriter::create(path, true, header);
  REQUIRE(writer);
  for (const OriginalTensor& tensor : tensors) {
    if (tensor.name != "bias") continue;
    const std::vector<float> bias{1.5F, -0x1.234568p-3F};
    REQUIRE(writer->write_unchanged({"bias", DType::F32, {2}, std::as_bytes(std::span(bias))}));
  }
  for (const Made& one : made) {
    const auto rows = static_cast<Index>(one.matrix.rows), groups = static_cast<Index>(one.scales.size()) / rows;
    Steps steps{Eigen::Map<const Matrix<float>>(one.scales.data(), rows, groups), {}, one.matrix.options.group_size};
    if (!one.zeros.empty()) steps.zeros = Eigen::Map<const Matrix<std::int16_t>>(one.zeros.data(), rows, groups);
    REQUIRE(writer->write_quantized(one.matrix.name, one.codes, steps));
  }
  REQUIRE(writer->commit());
}

// Scales of 24 bits, so that products have more than binary32 holds.
std::vector<Made> two_tensors() {
  std::vector<Made> made;
  made.push_back({{"a", "a", std::nullopt, true, 2, 3, options_of("int8", 2)},
                  {127, static_cast<Code>(-128), 3, 1, 0, static_cast<Code>(-7)},
                  {0x1.fffffep-3F, -0x1.000002p2F, 0x1.800002p-20F, 0x1.234566p-9F}});
  for (const std::uint64_t index : {0U, 1U})
    made.push_back({{fmt::format("stack[{}]", index), "stack", index, false, 2, 2, options_of("int4z")},
                    {0, 15, 7, static_cast<Code>(8 + index)},
                    {0x1.abcdeep3F, 0x1.000006p-14F},
                    {static_cast<std::int16_t>(3 + index), 15}});
  return made;
}
const std::vector<OriginalTensor> two_names{
    {"stack", DType::F32, {2, 2, 2}}, {"bias", DType::F32, {2}}, {"a", DType::F16, {3, 2}}};

/// The finite numbers of a 16-bit format by value, +0 only, with their words.
template <class Float>
std::vector<std::pair<double, unsigned>> numbers() {
  std::vector<std::pair<double, unsigned>> found;
  for (unsigned word = 0; word < 65536; ++word) {
    const auto value =
        static_cast<double>(static_cast<float>(Eigen::numext::bit_cast<Float>(static_cast<std::uint16_t>(word))));
    if (std::isfinite(value) && word != 0x8000) found.emplace_back(value, word);
  }
  std::ranges::sort(found);
  return found;
}

/// The nearest, of two the one with the even word: differences of neighbours and products of at most 37 bits are exact.
double nearest(const std::vector<std::pair<double, unsigned>>& all, double x) {
  const auto above = std::ranges::lower_bound(all, x, {}, [](const auto& entry) { return entry.first; });
  REQUIRE(above != all.end());
  if (above == all.begin() || above->first == x) return above->first;
  const auto below = above - 1;
  const double down = x - below->first, up = above->first - x;
  if (down != up) return down < up ? below->first : above->first;
  return below->second % 2 == 0 ? below->first : above->first;
}

/// The place of [i, j] in the tensor that holds the matrix.
std::size_t place(const QuantizedMatrix& m, std::uint64_t i, std::uint64_t j) {
  return m.index.value_or(0) * m.rows * m.cols + (m.transposed ? j * m.rows + i : i * m.cols + j);
}

}  // namespace

TEST_CASE("every number is the product, or the product rounded once") {
  const Workspace work;
  std::vector<Made> made = two_tensors();
  // Three times this scale lies beyond the middle of two neighbours of bfloat16 by less than binary32 keeps: rounded
  // twice, it goes to the even one below.
  const float trap = 0x1.035556p+0F;
  REQUIRE(3.0 * static_cast<double>(trap) > 3 + 5 * 0x1p-7);
  REQUIRE(static_cast<float>(3.0 * static_cast<double>(trap)) == 3.0F + 5 * 0x1p-7F);
  made[0].scales[1] = trap;
  made[0].codes[2] = 3;
  // The stack comes first in the file, and the matrices in the order of the tensors.
  std::rotate(made.begin(), made.begin() + 1, made.end());
  write_model(work.folder / "q", two_names, made);
  const auto bf16 = numbers<Eigen::bfloat16>(), f16 = numbers<Eigen::half>();
  std::size_t compared = 0;
  for (const std::string dtype : {"f64", "bf16", "f16"}) {
    CAPTURE(dtype);
    const Result done = work.dequantize(dtype);
    REQUIRE_MESSAGE(done.exit == 0, done.out);
    CHECK((done.out.find("numbers were rounded to") != std::string::npos) == (dtype != "f64"));
    const auto d = SafeTensors::open(work.folder / "d");
    REQUIRE(d);
    REQUIRE(d->tensors().size() == 3);
    for (std::size_t t = 0; t < 3; ++t) CHECK(d->tensors()[t].name == two_names[t].name);
    CHECK(d->find("bias")->dtype == DType::F32);
    CHECK(*widen_to_f32(*d->find("bias")) == std::vector<float>{1.5F, -0x1.234568p-3F});
    for (const Made& one : made) {
      const TensorInfo& tensor = *d->find(one.matrix.tensor);
      CHECK(tensor.dtype == (dtype == "f64" ? DType::F64 : dtype == "bf16" ? DType::BF16 : DType::F16));
      const std::vector<double> values = *widen_to_f64(tensor);
      for (std::uint64_t i = 0; i < one.matrix.rows; ++i)
        for (std::uint64_t j = 0; j < one.matrix.cols; ++j, ++compared) {
          const double product = one.product(i, j);
          const double wanted = dtype == "f64" ? product : nearest(dtype == "bf16" ? bf16 : f16, product);
          CHECK_MESSAGE(values[place(one.matrix, i, j)] == wanted, one.matrix.name, " ", i, " ", j, ": ", product);
        }
    }
  }
  CHECK(compared == 3 * 14);
  CHECK(work.dequantize("f32").exit == 4);  // E0433: binary32 does not hold them
}

TEST_CASE("what was rounded, and what became zero, is counted") {
  const Workspace work;
  // 2^-25 is a tie between 0 and the smallest number of F16, 1.5 2^-25 goes up, 2^-26 goes to zero; 5 is exact.
  write_model(
      work.folder / "q", {{"a", DType::F32, {4, 1}}},
      {{{"a", "a", std::nullopt, false, 4, 1, options_of("int8")}, {1, 3, 1, 5}, {0x1p-25F, 0x1p-26F, 0x1p-26F, 1}}});
  const Result rounded = work.dequantize("f16");
  CHECK(rounded.exit == 0);
  CHECK_MESSAGE(rounded.out.find("3 of 4 numbers were rounded to F16, 2 of them to 0") != std::string::npos,
                rounded.out);
  const auto d = SafeTensors::open(work.folder / "d");
  REQUIRE(d);
  CHECK(*widen_to_f64(*d->find("a")) == std::vector<double>{0, 0x1p-24, 0, 5});
  const Result exact = work.dequantize("bf16");
  CHECK(exact.exit == 0);
  CHECK(exact.out.find("rounded") == std::string::npos);
}

TEST_CASE("a product beyond the dtype is refused with its place, and nothing is written") {
  const Workspace work;
  const auto model = [&](float scale) {
    write_model(work.folder / "q", {{"a", DType::F32, {2, 2}}},
                {{{"a", "a", std::nullopt, false, 2, 2, options_of("int8")}, {1, 2, 3, 1}, {1, scale}}});
  };
  model(21839.99F);  // three times it is below 65520, where F16 ends
  CHECK(work.dequantize("f16").exit == 0);
  CHECK(shell("rm " + (work.folder / "d")).exit == 0);
  model(21840);
  const Result refused = work.dequantize("f16");
  CAPTURE(refused.out);
  CHECK(refused.exit == 4);
  CHECK(refused.out.find("error[E0437]: a product of scale and code is beyond F16\n  a: 65520 at [1, 0], the largest "
                         "number is 65504\n  try: --dtype f32") != std::string::npos);
  CHECK(work.folder.count() == 1);
  CHECK(work.dequantize("bf16").exit == 0);
  model(0x1.ffp126F);
  CHECK(work.dequantize("bf16").exit == 4);
  CHECK(work.dequantize("f64").exit == 0);
  CHECK(work.dequantize("f8").exit == 2);
}

}  // namespace dequantize_test
