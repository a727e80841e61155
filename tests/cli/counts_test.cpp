// What report, summary and certificate say of a run, counted and computed again from the files.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "certify/certificate.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace counts_test {

namespace fs = std::filesystem;
using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  fs::path folder = fs::temp_directory_path() / fmt::format("hallmark-counts-{}", ::getpid());

  Workspace() {
    fs::remove_all(folder);
    fs::create_directories(folder);
    write_tensors(path("w"), {{"a", DType::F32, {64, 8}}, {"b", DType::F32, {40, 5}}});
    // Scales so small that codes are clipped, tokens so many that the guard keeps rows.
    write_tensors(path("c"), {{"a.activations", DType::F32, {640, 8}},
                              {"a.scale", DType::F32, {64}, std::vector<float>(64, 0.0625F)},
                              {"b.activations", DType::F32, {500, 5}},
                              {"b.scale", DType::F32, {40}, std::vector<float>(40, 0.0625F)}});
  }
  ~Workspace() { fs::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }
  Result run(const std::string& arguments) const {
    return shell(fmt::format("cd '{}'; '{}' {}", folder.string(), HALLMARK_TOOL, arguments));
  }
  std::vector<double> numbers(const std::string& file, const std::string& tensor) const {
    const auto opened = SafeTensors::open(path(file));
    REQUIRE(opened);
    return *widen_to_f64(*opened->find(tensor));
  }
  /// sum over rows and tokens of (e x)^2.
  double loss(const std::string& tensor, std::size_t cols) const {
    const std::vector<double> w = numbers("w", tensor), q = numbers("d", tensor),
                              x = numbers("c", tensor + ".activations");
    double sum = 0;
    for (std::size_t i = 0; i < w.size(); i += cols)
      for (std::size_t t = 0; t < x.size(); t += cols) {
        double product = 0;
        for (std::size_t j = 0; j < cols; ++j) product += (w[i + j] - q[i + j]) * x[t + j];
        sum += product * product;
      }
    return sum;
  }
};

}  // namespace

TEST_CASE("report, summary and certificate count and compute what the files give") {
  const Workspace work;
  for (const std::string contracts : {"on", "exact"}) {
    const Result made = work.run(
        "quantize --weights w --calibration c --grid int4s --report r -o q --overwrite --contracts " + contracts);
    REQUIRE_MESSAGE(made.exit == 0, made.out);
    REQUIRE(work.run("dequantize q -o d --overwrite").exit == 0);
    auto certificate = CertificateReader::open(work.path("q.certificate.json"));
    REQUIRE(certificate);
    std::ifstream report(work.path("r"));
    std::uint64_t guard_rows = 0, clipped = 0;
    double all = 0, all_rtn = 0;
    for (const auto& shape : {std::tuple(std::string("a"), 64, 8, 640), std::tuple(std::string("b"), 40, 5, 500)}) {
      const auto& name = std::get<0>(shape);
      const int rows = std::get<1>(shape), cols = std::get<2>(shape), tokens = std::get<3>(shape);
      CAPTURE(name);
      const auto tensor = *certificate->next();
      REQUIRE(tensor);
      std::string line;
      std::getline(report, line);
      const auto shown = nlohmann::json::parse(line);
      CHECK(shown["name"] == name);
      CHECK(shown["rows"] == rows);
      CHECK(shown["tokens"] == tokens);
      CHECK(tensor->tokens == static_cast<std::uint64_t>(tokens));
      CHECK(shown["guard_rows"] == tensor->guard_rows);
      CHECK(shown["clipped"] == tensor->clipped);
      CHECK(tensor->clipped > 0);
      guard_rows += tensor->guard_rows;
      clipped += tensor->clipped;
      const double loss = work.loss(name, static_cast<std::size_t>(cols)), rtn = shown["loss_rtn"];
      CHECK(shown["loss"] == doctest::Approx(loss).epsilon(1e-4));
      CHECK((shown["loss_proposal"] > shown["loss"]) == (tensor->guard_rows > 0));
      CHECK(rtn > loss);
      all += shown["loss"].get<double>();
      all_rtn += rtn;
      std::uint64_t by_enclosure = 0, by_exact = 0;
      for (const CertifiedContract& contract : tensor->contracts) {
        by_enclosure += contract.by_enclosure;
        by_exact += contract.by_exact;
      }
      CHECK((by_enclosure == 0) == (contracts == "exact"));
      CHECK((by_exact > 0) == (contracts == "exact"));
    }
    CHECK(made.out.find(
              fmt::format("wrote q: 2 matrices quantized, loss/RTN {:.4f}, guard kept RTN in {} of 104 rows, {} "
                          "codes clipped",
                          all / all_rtn, guard_rows, clipped)) != std::string::npos);
  }
}

}  // namespace counts_test
