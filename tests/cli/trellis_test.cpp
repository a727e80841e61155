// --method trellis from the command line: the file says of each row how its codes are read, and is judged as it is.
#include <fmt/format.h>

#include <cstring>

#include "../io/quantized_files.hpp"
#include "files.hpp"
#include "format/trellis.hpp"
#include "scale/rotation.hpp"
#include "shell.hpp"

namespace trellis_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  TemporaryFolder folder;
  Workspace() {
    std::vector<float> a = noise(6 * 40, 1);  // with outliers, for which rotations are
    for (std::size_t k = 0; k < a.size(); k += 23) a[k] *= 5;
    write_tensors(folder / "w", {{"a", DType::F32, {6, 40}, a}, {"b", DType::F32, {5, 2}}, {"bias", DType::F32, {6}}});
    write_tensors(folder / "x", {{"a.activations", DType::F32, {200, 40}}, {"b.activations", DType::F32, {200, 2}}});
    const Result made = run("gram --activations x -o c");
    REQUIRE_MESSAGE(made.exit == 0, made.out);
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  Result quantize(const std::string& flags) const {
    return run("quantize --weights w --calibration c -o q.safetensors --overwrite " + flags);
  }
};

template <class T>
std::vector<T> numbers_of(const SafeTensors& file, const std::string& name) {
  const TensorInfo& tensor = *file.find(name);
  std::vector<T> values(tensor.data.size() / sizeof(T));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

}  // namespace

TEST_CASE("quantize, verify in every way, inspect; the file is decoded by what its format says") {
  const Workspace space;
  for (const int bits : {2, 3}) {
    const std::string flags = fmt::format("--grid trellis:{} --method trellis --rotation hadamard:16 ", bits);
    const Result made = space.quantize(flags + "--contracts exact --scale-storage f16 --rotation-seed 5");
    REQUIRE_MESSAGE(made.exit == 0, made.out);
    for (const std::string how : {"", "--exact", "--no-certificate", "--reproduce", "--threads 3"}) {
      const Result judged = space.run("verify q.safetensors --weights w --calibration c " + how);
      CHECK_MESSAGE(judged.exit == 0, how << ": " << judged.out);
    }
    const Result shown = space.run("inspect q.safetensors");
    CHECK_MESSAGE(shown.out.find(fmt::format("trellis:{}/1 trellis", bits)) != std::string::npos, shown.out);
    // 250 codes and, for each of 11 rows, a scale; marks of 6 and of 5 rows in a byte each.
    CHECK_MESSAGE(
        shown.out.find(fmt::format("{:.3f} by the grids", bits + (11 * 16 + 16) / 250.0)) != std::string::npos,
        shown.out);

    REQUIRE(space.run("dequantize q.safetensors --overwrite -o d").exit == 0);
    const auto q = SafeTensors::open(space.folder / "q.safetensors"), d = SafeTensors::open(space.folder / "d");
    REQUIRE((q && d));
    const auto row_bytes = numbers_of<std::uint8_t>(*q, "a.codes"),
               mark_bits = numbers_of<std::uint8_t>(*q, "a.rotated");
    REQUIRE(row_bytes.size() == 6 * 5 * static_cast<std::size_t>(bits));
    const auto stored = [&](std::size_t i, std::size_t j) {  // bit by bit
      unsigned code = 0;
      for (std::size_t k = 0, b = static_cast<std::size_t>(bits); k < b; ++k)
        code |= (row_bytes[5 * b * i + (b * j + k) / 8] >> (b * j + k) % 8 & 1U) << k;
      return code;
    };
    std::vector<int> marks;
    for (std::size_t i = 0; i < 6; ++i) marks.push_back(mark_bits[0] >> i & 1);
    const auto model = QuantizedFile::open(space.folder / "q.safetensors");
    REQUIRE(model);
    const Steps steps = *model->steps(model->header().matrices[0]);
    const std::vector<float> numbers = numbers_of<float>(*d, "a");
    CHECK(std::ranges::count(marks, 1) > 0);
    for (std::size_t i = 0; i < 6; ++i) {
      std::vector<float> p;
      for (std::size_t j = 0; j < 40 && marks[i] == 1; ++j) {
        unsigned x = 0;
        for (std::size_t k = 0; k <= j; ++k) x = (x << bits | stored(i, k)) & 4095;
        p.push_back(static_cast<float>(trellis::value(x)));
      }
      rotate_back(p, std::span(steps.rotation.signs).first(p.empty() ? 0 : 32));
      for (std::size_t j = 0; j < p.size(); ++j)
        CHECK(numbers[i * 40 + j] == steps.scale(static_cast<Index>(i), 0) * p[j]);
    }
  }
}

TEST_CASE("a forged mark or code is refused") {
  const Workspace space;
  for (const std::string tensor : {"a.rotated", "a.codes"}) {
    REQUIRE(space.quantize("--grid trellis:2 --method trellis --rotation hadamard:16").exit == 0);
    rewrite(space.folder / "q.safetensors",
            [&](auto&, auto&, auto& data) { data[tensor][0] = static_cast<char>(data[tensor][0] ^ 1); });
    const Result judged = space.run("verify q.safetensors --weights w --calibration c");
    CHECK_MESSAGE(judged.exit == 7, judged.out);
  }
}

TEST_CASE("what does not go together is refused in the plan, with what goes") {
  const Workspace space;
  const auto refused = [&](const std::string& flags, int exit, const std::string& hint) {
    const Result made = space.quantize("--dry-run " + flags);
    CHECK_MESSAGE(made.exit == exit, flags << ": " << made.out);
    CHECK_MESSAGE(made.out.find(hint) != std::string::npos, made.out);
  };
  const std::string turned = " --rotation hadamard:16 ";
  refused("--method trellis --grid trellis:2", 2, "--rotation hadamard:16");
  refused("--method trellis --grid lloyd:2" + turned, 2, "--grid trellis:2");
  refused("--method trellis --grid trellis:2 --desc-act" + turned, 2, "without --desc-act");
  refused("--method trellis --grid trellis:2 --group-size 2" + turned, 2, "--group-size 0");
  refused("--method gptq --grid trellis:2" + turned, 2, "--method trellis");
  refused("--method trellis --grid trellis:4" + turned, 2, "E0220");
}

}  // namespace trellis_test
