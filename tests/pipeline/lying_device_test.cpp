// A device that gives another code than the recurrence: contracts and exact arithmetic see it, nothing is written, and
// what is reproduced on it is not verified.
#include <doctest/doctest.h>

#include <limits>

#include "../cli/files.hpp"
#include "../io/temporary_folder.hpp"
#include "artifact/quantized_file.hpp"
#include "base/error_numbers.hpp"
#include "certify/certificate.hpp"
#include "cuda/host_executor.hpp"
#include "cuda/program_engine.hpp"
#include "pipeline/run.hpp"
#include "pipeline/verify.hpp"

using namespace hallmark;

namespace {

enum class Lie { code, weight };

/// The last code is its neighbour, or the last compensated weight u' is a little larger.
class LyingExecutor : public cuda::HostExecutor {
 public:
  explicit LyingExecutor(Lie lie) : lie_(lie) {}
  template <class T>
  void download(const Buffer<T>& buffer, std::span<T> values) {
    HostExecutor::download(buffer, values);
    if constexpr (std::is_same_v<T, std::uint16_t>) values.back() ^= lie_ == Lie::code;
    if constexpr (std::is_same_v<T, float>) values.back() *= lie_ == Lie::weight ? 1.001F : 1;
  }

 private:
  Lie lie_;
};

struct Model {
  test::TemporaryFolder folder;
  std::optional<SafeTensors> weights;
  std::optional<CalibrationFile> calibration;
  std::optional<Plan> plan;
  cuda::EngineBackend device;

  explicit Model(Lie lie)
      : device(std::make_unique<cuda::ProgramEngine<LyingExecutor>>(LyingExecutor(lie), 1 << 20), 16) {
    test::write_tensors(folder / "w", {{"a", DType::F32, {6, 16}}});
    test::write_tensors(folder / "c", {{"a.activations", DType::F32, {64, 16}}});
    weights = *SafeTensors::open(folder / "w");
    calibration = *CalibrationFile::open(folder / "c");
    // Without the guard, which would keep round-to-nearest in the row.
    Rule rule{"test", "", {{"grid", "int4"}, {"guard", "false"}}, {}, {}, {}};
    RuleSet rules = *RuleSet::make({rule});
    plan = *make_plan(*weights, &*calibration, rules, {});
  }

  Expected<contracts::Report> run(const Demands& demands, cuda::EngineBackend* on) const {
    return run_quantization({*weights, &*calibration, *plan, folder / "q", false, "test", demands, on}, {});
  }
};

const ExactRows every_row{std::numeric_limits<Index>::max()};
const Demands nobody_looks{contracts::Policy::off, true, false, {}},
    contracts_on{contracts::Policy::on, true, false, {}}, exact{contracts::Policy::off, true, false, every_row};

}  // namespace

TEST_CASE("a wrong code of a device is not written, whoever sees it") {
  Model model(Lie::code);
  const auto by_contracts = model.run(contracts_on, &model.device);
  REQUIRE_FALSE(by_contracts);
  CHECK(by_contracts.error().exit == Exit::contract);
  CHECK(by_contracts.error().where.find("gf16_nearest") != std::string::npos);
  const auto by_exact = model.run(exact, &model.device);
  REQUIRE_FALSE(by_exact);
  CHECK(by_exact.error().number == error_number::oracle_refuses);
  CHECK(by_exact.error().where.find("row 5, column 15: the code is not the point nearest to u'") != std::string::npos);
  CHECK(model.folder.count() == 2);
  CHECK(model.run(contracts_on, nullptr));  // the processor's codes pass
}

TEST_CASE("a run that is reproduced bit for bit is not verified where a contract or exact arithmetic contradicts") {
  for (const Lie lie : {Lie::code, Lie::weight}) {
    Model model(lie);
    const PlannedMatrix& planned = model.plan->matrices.front();
    REQUIRE(model.run(nobody_looks, &model.device));
    const auto q = QuantizedFile::open(model.folder / "q");
    REQUIRE(q);
    auto certificate = CertificateReader::open(certificate_path(model.folder / "q"));
    REQUIRE(certificate);
    const std::optional<CertifiedTensor> written = *certificate->next();
    REQUIRE(written);
    const InputDigests digests(*model.weights, &*model.calibration);
    const auto found = [&](const CertifiedTensor& claim, const Demands& demands) {
      const auto again = reproduce(planned, &*model.calibration, *q, claim, demands, digests, false, &model.device);
      REQUIRE(again);
      return again->differs;
    };
    CHECK_FALSE(found(*written, nobody_looks));
    const auto by_exact = found(*written, exact);
    REQUIRE(by_exact);
    if (lie == Lie::weight) {
      CHECK(by_exact->number == error_number::oracle_contradicts);
      CHECK(by_exact->where.find("row 5, column 15: |u' - u| <= delta fails") != std::string::npos);
      continue;
    }
    CHECK(by_exact->where.find("row 5: the final loss: the exact value") != std::string::npos);
    // The claim of a run whose contracts were counted alike, and that came to nothing.
    auto quantized = quantize_planned(planned, &*model.calibration, contracts_on, &model.device);
    REQUIRE(quantized);
    CertifiedTensor claim = *written;
    claim.contracts = certified_tensor(planned, *quantized).contracts;
    const auto by_contracts = found(claim, contracts_on);
    REQUIRE(by_contracts);
    CHECK(by_contracts->exit == Exit::contract);
    CHECK(by_contracts->where.find("gf16_nearest") != std::string::npos);
  }
}
