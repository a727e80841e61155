// --rotation hadamard:16 from the command line: what is written is what is judged, whoever judges it.
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "../io/quantized_files.hpp"
#include "certify/certificate.hpp"
#include "files.hpp"
#include "method/rtn.hpp"
#include "oracle/exact_loss.hpp"
#include "shell.hpp"

namespace rotation_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

constexpr std::size_t kTokens = 200;

// Noise with outliers; the first row of `a` lies on the grid of int4s, where nothing beats round-to-nearest.
std::vector<float> weights(std::size_t rows, std::size_t cols, unsigned seed) {
  std::vector<float> values = noise(rows * cols, seed);
  for (std::size_t k = 0; k < values.size(); k += 23) values[k] *= 5;
  for (std::size_t j = 0; j < cols; ++j) values[j] = static_cast<float>(j % 15) - 7;
  return values;
}

struct Workspace {
  TemporaryFolder folder;
  Workspace() {
    write_tensors(
        folder / "w",
        {{"a", DType::F32, {6, 40}, weights(6, 40, 1)}, {"b", DType::F32, {5, 7}}, {"bias", DType::F32, {6}}});
    write_tensors(folder / "x",
                  {{"a.activations", DType::F32, {kTokens, 40}}, {"b.activations", DType::F32, {kTokens, 7}}});
    const Result made = run("gram --activations x -o c");
    REQUIRE_MESSAGE(made.exit == 0, made.out);
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  Result quantize(const std::string& flags) const {
    return run("quantize --weights w --calibration c -o q.safetensors --overwrite " + flags);
  }
  Result verify(const std::string& flags) const {
    return run("verify q.safetensors --weights w --calibration c " + flags);
  }
};

std::vector<float> numbers_of(const SafeTensors& file, const std::string& name) {
  const TensorInfo& tensor = *file.find(name);
  std::vector<float> values(tensor.data.size() / sizeof(float));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

}  // namespace

TEST_CASE("quantize, verify in every way, inspect, dequantize, export") {
  const Workspace space;
  for (const std::string grid : {"int4s", "lloyd:4"}) {
    CAPTURE(grid);
    const Result made = space.quantize("--grid " + grid + " --rotation hadamard:16 --rotation-seed 3 --exact");
    REQUIRE_MESSAGE(made.exit == 0, made.out);
    for (const std::string how :
         {"", "--exact", "--exact --rows 2", "--no-certificate", "--reproduce", "--reproduce --exact", "--threads 3"}) {
      const Result judged = space.verify(how);
      CHECK_MESSAGE(judged.exit == 0, how << ": " << judged.out);
    }
    const Result shown = space.run("inspect q.safetensors");
    CHECK(shown.out.find("hadamard:16") != std::string::npos);

    REQUIRE(space.run("dequantize q.safetensors --overwrite -o d").exit == 0);
    REQUIRE(space.run("export q.safetensors --to safetensors-f64 --overwrite -o d64").exit == 0);
    REQUIRE(space.run("export q.safetensors --to hallmark --overwrite -o again").exit == 0);
    CHECK(read_file(space.folder / "again") == read_file(space.folder / "q.safetensors"));
    const auto q = QuantizedFile::open(space.folder / "q.safetensors");
    const auto d = SafeTensors::open(space.folder / "d"), w = SafeTensors::open(space.folder / "w"),
               c = SafeTensors::open(space.folder / "c");
    REQUIRE((q && d && w && c));
    auto certificate = CertificateReader::open(space.folder / "q.certificate.json");
    REQUIRE(certificate);
    for (const QuantizedMatrix& matrix : q->header().matrices) {
      const auto tensor = certificate->next();
      REQUIRE((tensor && *tensor));
      const Steps steps = *q->steps(matrix);
      CHECK(steps.rotation.rows.size() == matrix.rows);
      CHECK((*tensor)->rotated_sha256.size() == 64);
      const std::vector<float> values = numbers_of(*d, matrix.name), W = numbers_of(*w, matrix.name);
      const Matrix<float> decoded = dequantize(*q->codes(matrix), steps, matrix.options.grid);
      CHECK(values == std::vector<float>(decoded.data(), decoded.data() + decoded.size()));
      // The exact losses of the certificate are those of the numbers in the F32 file.
      const TensorInfo& gram = *c->find(matrix.name + ".gram");
      std::vector<double> G(gram.data.size() / sizeof(double));
      std::memcpy(G.data(), gram.data.data(), gram.data.size());
      const oracle::ExactGram exact(G, matrix.cols);
      for (std::size_t i = 0; i < matrix.rows; ++i) {
        const CertifiedRow& row = (*tensor)->values[i];
        CHECK_FALSE((row.kept_rtn && steps.rotation.rows[i] != 0));
        const std::span<const float> of_row = std::span(values).subspan(i * matrix.cols, matrix.cols);
        const std::vector<double> points(of_row.begin(), of_row.end());
        const std::vector<float> ones(matrix.cols, 1.0F);
        REQUIRE(row.final.exact);
        const std::span<const float> weights = std::span(W).subspan(i * matrix.cols, matrix.cols);
        CHECK(compare(*row.final.exact, exact.loss(weights, ones, points)) == 0);
      }
      if (grid == "int4s" && matrix.name == "a") CHECK(steps.rotation.rows[0] == 0);
      if (matrix.name == "a") CHECK(std::ranges::count(steps.rotation.rows, 1) > 0);
    }
  }
}

TEST_CASE("contracts, held-out tokens, rows without the guard") {
  const Workspace space;
  for (const std::string flags : {"--contracts exact", "--contracts off", "--no-guard", "--desc-act --group-size 16"}) {
    const Result made = space.quantize("--include '^a$' --grid lloyd:3 --rotation hadamard:16 " + flags);
    REQUIRE_MESSAGE(made.exit == 0, flags << made.out);
    const Result judged = space.verify("--exact");
    CHECK_MESSAGE(judged.exit == 0, flags << judged.out);
  }
  const Result held = space.run(
      "quantize --weights w --calibration x -o h.safetensors --grid lloyd:3 --rotation hadamard:16 --holdout 0.25 "
      "--report r");
  REQUIRE_MESSAGE(held.exit == 0, held.out);
  const auto line =
      nlohmann::json::parse(read_file(space.folder / "r").substr(0, read_file(space.folder / "r").find('\n')));
  // What is lost on held-out tokens is of the size of what is lost on the others.
  const double ratio = line["loss"].get<double>() / line["loss_rtn"].get<double>(),
               held_ratio = line["held_out_loss"].get<double>() / line["held_out_loss_rtn"].get<double>();
  CHECK(held_ratio < 1);
  CHECK(std::fabs(held_ratio - ratio) < 0.3);
}

TEST_CASE("forged marks are refused by what they break") {
  const Workspace space;
  REQUIRE(space.quantize("--grid lloyd:4 --rotation hadamard:16").exit == 0);
  rewrite(space.folder / "q.safetensors",
          [](auto&, auto&, auto& data) { data["a.rotated"][0] = static_cast<char>(data["a.rotated"][0] ^ 1 << 1); });
  for (const std::string how : {"", "--exact", "--reproduce"}) {
    const Result judged = space.verify(how);
    CHECK(judged.exit == 7);
    CHECK_MESSAGE(judged.out.find("'a'") != std::string::npos, judged.out);
  }
  const Result checked = space.verify("--no-certificate");
  CHECK_MESSAGE(checked.exit == 0, checked.out);  // without a claim nothing is promised
}

TEST_CASE("a certificate of other marks is refused, though every loss is right") {
  const Workspace space;
  REQUIRE(space.quantize("--grid lloyd:4 --rotation hadamard:16").exit == 0);
  const std::string path = space.folder / "q.certificate.json";
  std::string text = read_file(path);
  const std::size_t digit = text.find("\"rotated\":\"") + 11;
  text[digit] = text[digit] == '0' ? '1' : '0';
  write_file(path, text);
  const Result judged = space.verify("");
  CHECK(judged.exit == 7);
  CHECK_MESSAGE(judged.out.find("rotated rows are not those of the certificate") != std::string::npos, judged.out);
}

TEST_CASE("a rotation that cannot be is refused in the plan, with what goes") {
  const Workspace space;
  const auto refused = [&](const std::string& flags, const std::string& hint) {
    const Result made = space.quantize("--dry-run --rotation hadamard:16 " + flags);
    CHECK(made.exit == 2);
    CHECK_MESSAGE(made.out.find("E0232") != std::string::npos, made.out);
    CHECK_MESSAGE(made.out.find(hint) != std::string::npos, made.out);
  };
  refused("--grid gf16", "--grid intB");
  refused("--grid int4z", "--grid intB");
  refused("--grid nf4", "--grid intB");
  refused("--grid int4 --group-size 4", "multiple of 16");
  refused("--grid int4 --method rtn", "--rotation none");
  CHECK(space.quantize("--dry-run --grid int4 --rotation hadamard:16 --rotation-seed 0").exit == 0);
  CHECK(space.quantize("--dry-run --grid int4 --rotation hadamard:8").out.find("E0227") != std::string::npos);
}

namespace {

// Replaces every occurrence.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  REQUIRE(text.find(from) != std::string::npos);
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// The certificate gets the digest of what the container stores of its first matrix.
void certify_tensor(const Workspace& space, const std::string& key) {
  const auto file = QuantizedFile::open(space.folder / "q.safetensors");
  REQUIRE(file);
  const QuantizedMatrix& matrix = file->header().matrices[0];
  const StoredDigests digests = stored_digests(matrix, *file->codes(matrix), *file->steps(matrix));
  const std::string path = space.folder / "q.certificate.json";
  std::string text = read_file(path);
  const std::size_t at = text.find("\"" + key + "\":\"") + key.size() + 4;
  write_file(path, text.replace(at, 64,
                                key == "codes"    ? digests.codes
                                : key == "scales" ? digests.scales
                                                  : digests.rotated));
}

}  // namespace

TEST_CASE("forged rotated containers are refused by name, though every digest is right") {
  const Workspace space;
  const auto refused = [&](const std::string& words) {
    const Result judged = space.verify("");
    CHECK(judged.exit == 7);
    CHECK_MESSAGE((judged.out.find("tensor 'a'") != std::string::npos && judged.out.find(words) != std::string::npos),
                  judged.out);
  };
  for (const std::string method : {"gptq", "best"}) {
    CAPTURE(method);
    const bool searched = method == "best";
    REQUIRE(space.quantize("--include '^a$' --grid lloyd:4 --rotation hadamard:16 --rotation-seed 3 --method " + method)
                .exit == 0);
    const std::string q = read_file(space.folder / "q.safetensors"),
                      certificate = read_file(space.folder / "q.certificate.json");
    const auto restore = [&] {
      write_file(space.folder / "q.safetensors", q);
      write_file(space.folder / "q.certificate.json", certificate);
    };
    const auto path = space.folder / "q.safetensors";
    const std::string of_steps = searched ? "row " : "computed ";

    // Another seed, so other signs.
    rewrite(path, [](auto& metadata, auto&, auto&) {
      auto& matrices = metadata["hallmark.matrices"];
      matrices = replaced(matrices, "\"rotation_seed\":3", "\"rotation_seed\":4");
    });
    write_file(space.folder / "q.certificate.json",
               replaced(certificate, "\"rotation_seed\":3", "\"rotation_seed\":4"));
    refused(of_steps);
    restore();

    // A row that is rotated and not marked, or the other way round.
    rewrite(path,
            [](auto&, auto&, auto& data) { data["a.rotated"][0] = static_cast<char>(data["a.rotated"][0] ^ 1 << 3); });
    certify_tensor(space, "rotated");
    refused(of_steps);
    restore();

    // Another code of a rotated row.
    rewrite(path, [](auto&, auto&, auto& data) {
      const int row = std::countr_zero(static_cast<unsigned char>(data["a.rotated"][0]));
      REQUIRE(row < 6);
      data["a.codes"][static_cast<std::size_t>(row) * 20 + 1] ^= 8;  // of column 2
    });
    certify_tensor(space, "codes");
    refused("the loss of the codes is not in its enclosure");
    restore();

    // A scale of a rotated row, half as large.
    rewrite(path, [](auto&, auto&, auto& data) {
      const int row = std::countr_zero(static_cast<unsigned char>(data["a.rotated"][0]));
      float half;
      std::memcpy(&half, data["a.scale"].data() + row * 4, 4);
      half /= 2;
      std::memcpy(data["a.scale"].data() + row * 4, &half, 4);
    });
    certify_tensor(space, "scales");
    refused(of_steps);
    restore();
    CHECK(space.verify("").exit == 0);
  }
}

}  // namespace rotation_test
