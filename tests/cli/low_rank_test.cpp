// --low-rank from the command line: the correction is in the container, in every judgement and in every number.
#include <fmt/format.h>

#include <cstring>

#include "../io/quantized_files.hpp"
#include "certify/certificate.hpp"
#include "files.hpp"
#include "method/rtn.hpp"
#include "oracle/exact_loss.hpp"
#include "shell.hpp"

namespace low_rank_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  TemporaryFolder folder;
  Workspace() {
    write_tensors(folder / "w", {{"a", DType::F32, {12, 40}}, {"b", DType::F32, {5, 7}}, {"bias", DType::F32, {6}}});
    write_tensors(folder / "x", {{"a.activations", DType::F32, {200, 40}}, {"b.activations", DType::F32, {200, 7}}});
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
  return *widen_to_f32(*file.find(name));
}

}  // namespace

TEST_CASE("quantize, verify in every way, inspect, dequantize, export") {
  const Workspace space;
  for (const std::string flags :
       {"--grid int3 --low-rank 3", "--grid gf:4,3 --low-rank 2 --low-rank-weights diagonal",
        "--grid lloyd:3 --rotation hadamard:16 --low-rank 4 --low-rank-storage f16",
        "--grid int2z --method best --low-rank 1 --low-rank-weights plain --low-rank-storage f32"}) {
    CAPTURE(flags);
    const Result made = space.quantize(flags + " --exact");
    REQUIRE_MESSAGE(made.exit == 0, made.out);
    for (const std::string how :
         {"", "--exact", "--no-certificate", "--reproduce", "--reproduce --exact", "--threads 3"}) {
      const Result judged = space.verify(how);
      CHECK_MESSAGE(judged.exit == 0, how << ": " << judged.out);
    }
    CHECK(space.run("inspect q.safetensors").out.find(" rank ") != std::string::npos);
    REQUIRE(space.run("dequantize q.safetensors --overwrite -o d").exit == 0);
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
      CHECK((*tensor)->low_rank_sha256.size() == 64);
      const std::vector<float> values = numbers_of(*d, matrix.name), W = numbers_of(*w, matrix.name);
      const TensorInfo& gram = *c->find(matrix.name + ".gram");
      std::vector<double> G(gram.data.size() / sizeof(double));
      std::memcpy(G.data(), gram.data.data(), gram.data.size());
      const oracle::ExactGram exact(G, matrix.cols);
      // The exact losses of the certificate are those of the numbers in the F32 file.
      for (std::size_t i = 0; i < matrix.rows; ++i) {
        const std::span<const float> of_row = std::span(values).subspan(i * matrix.cols, matrix.cols);
        const std::vector<double> points(of_row.begin(), of_row.end());
        const std::vector<float> ones(matrix.cols, 1.0F);
        const CertifiedRow& row = (*tensor)->values[i];
        REQUIRE(row.final.exact);
        const std::span<const float> weights = std::span(W).subspan(i * matrix.cols, matrix.cols);
        CHECK(compare(*row.final.exact, exact.loss(weights, ones, points)) == 0);
      }
      if (matrix.name == "a") CHECK((q->steps(matrix)->low_rank.A.array() != 0.0F).any());
    }
  }
}

TEST_CASE("other programs' formats refuse it, and so does what it does not go with") {
  const Workspace space;
  write_tensors(space.folder / "m", {{"l.weight", DType::F32, {32, 64}}});
  write_tensors(space.folder / "y", {{"l.weight.activations", DType::F32, {200, 64}}});
  const std::string blocks = "--grid int4 --group-size 32 --scale-storage f16";
  REQUIRE(space.run("quantize --weights m --calibration y -o q.safetensors --low-rank 2 " + blocks).exit == 0);
  for (const std::string to : {"gguf", "gptq", "compressed-tensors"}) {
    const Result refused = space.run("export q.safetensors --to " + to + " -o out." + to);
    CAPTURE(refused.out);
    CHECK(refused.exit == 4);
    CHECK(refused.out.find("of low rank") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(space.folder / ("out." + to)));
  }
  const auto refuses = [&](const std::string& flags, const std::string& number) {
    const Result refused = space.quantize(flags + " --dry-run");
    CAPTURE(refused.out);
    CHECK(refused.exit == 2);
    CHECK(refused.out.find(number) != std::string::npos);
  };
  refuses("--low-rank 8", "E0235");  // b is 5 x 7
  refuses("--low-rank 2 --method sparse24 --no-guard --grid int4", "E0235");
  refuses("--low-rank two", "E0227");
  refuses("--low-rank 2 --low-rank-weights gram", "E0227");
  refuses("--low-rank-weights diagonal", "E0230");
}

TEST_CASE("what is said of single codes is not said of corrected rows, and who cannot judge them says so") {
  const Workspace space;
  REQUIRE(space.quantize("--include '^a$' --grid int3 --low-rank 3 --optimality --one-opt").exit == 0);
  const auto q = QuantizedFile::open(space.folder / "q.safetensors");
  REQUIRE(q);
  CHECK(q->header().schema == 4);
  const LowRank factors = q->steps(q->header().matrices.front())->low_rank;
  auto certificate = CertificateReader::open(space.folder / "q.certificate.json");
  REQUIRE(certificate);
  const auto tensor = certificate->next();
  REQUIRE((tensor && *tensor));
  Index corrected = 0;
  for (Index i = 0; i < 12; ++i) {
    const CertifiedRow& row = (*tensor)->values[static_cast<std::size_t>(i)];
    CHECK((row.optimality->by == optimality_by::corrected) == factors.of_row(i));
    CHECK(row.one_opt.has_value() != factors.of_row(i));
    corrected += factors.of_row(i);
  }
  CHECK(corrected > 0);
  CHECK(space.verify("").exit == 0);
  const Result checked =
      shell(fmt::format("cd {}; HALLMARK_CHECK=/bin/true {} verify q.safetensors --weights w --calibration c --checker",
                        space.folder.path(), HALLMARK_TOOL));
  CHECK(checked.exit == 8);
  CHECK_MESSAGE(checked.out.find("correction of low rank") != std::string::npos, checked.out);
}

TEST_CASE("an artifact gives it back, and a container says one thing in one way") {
  const Workspace space;
  REQUIRE(space.quantize("--grid int8 --low-rank 2").exit == 0);
  REQUIRE(space.run("pack q.safetensors -o p && " HALLMARK_TOOL " unpack p -o u").exit == 0);
  CHECK(read_file(space.folder / "u") == read_file(space.folder / "q.safetensors"));
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& number) {
    REQUIRE(space.quantize("--grid int4 --low-rank 2").exit == 0);
    rewrite(space.folder / "q.safetensors", [&](auto& metadata, auto&, auto&) {
      for (auto& [key, text] : metadata)
        for (std::size_t at = 0; key.starts_with("hallmark.") && (at = text.find(from, at)) != text.npos;
             at += to.size())
          text.replace(at, from.size(), to);
    });
    const Result inspected = space.run("inspect q.safetensors");
    CAPTURE(to);
    CHECK_MESSAGE(inspected.out.find(number) != std::string::npos, inspected.out);
  };
  refused(R"("low_rank":2)", R"("low_rank":3)", "E0364");
  refused(R"("low_rank":2)", R"("low_rank":8)", "E0360");  // b is 5 x 7
  refused(R"("low_rank":2)", R"("low_rank":2,"low_rank_weights":"hessian")", "E0360");
  refused(R"("low_rank":2)", R"("low_rank":0)", "E0360");
  refused(R"("low_rank":2)", R"("low_rank_weights":"plain")", "E0360");
}

TEST_CASE("another correction is none of the certificate's, and one that is not finite is none") {
  const Workspace space;
  REQUIRE(space.quantize("--include '^a$' --grid int4 --low-rank 2 --low-rank-storage f32").exit == 0);
  const auto q = QuantizedFile::open(space.folder / "q.safetensors");
  REQUIRE(q);
  const QuantizedMatrix& matrix = q->header().matrices.front();
  const Matrix<Code> stored = *q->codes(matrix);
  Steps steps = *q->steps(matrix);
  const auto written = [&] {
    QuantizedHeader header = q->header();
    auto writer = QuantizedFileWriter::create(space.folder / "q.safetensors", true, header);
    REQUIRE(writer);
    const Status put = writer->write_quantized("a", {stored.data(), static_cast<std::size_t>(stored.size())}, steps);
    if (!put) return put.error().number;
    for (const OriginalTensor& tensor : q->header().tensors)
      if (tensor.name != "a") REQUIRE(writer->write_unchanged(*q, tensor.name));
    REQUIRE(writer->commit());
    return 0;
  };
  const float kept = steps.low_rank.B(1, 3);
  steps.low_rank.B(1, 3) = INFINITY;
  CHECK(written() == 389);
  steps.low_rank.B(1, 3) = kept * 1.5F;
  REQUIRE(written() == 0);
  const Result judged = space.verify("");
  CHECK(judged.exit == 7);
  CHECK_MESSAGE(judged.out.find("correction") != std::string::npos, judged.out);
}

}  // namespace low_rank_test
