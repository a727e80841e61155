// A device that gives another code than the recurrence: contracts and exact arithmetic see it, nothing is written, and
// what is reproduced on it is not verified.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <utility>

#include "../cli/files.hpp"
#include "../io/temporary_folder.hpp"
#include "artifact/quantized_file.hpp"
#include "base/error_numbers.hpp"
#include "certify/certificate.hpp"
#include "cuda/host_executor.hpp"
#include "cuda/program_engine.hpp"
#include "pipeline/run.hpp"
#include "pipeline/verify.hpp"

namespace lying_device_test {

using namespace hallmark;

namespace {

enum class Lie { code, weight, gram, sums };

/// The last code is its neighbour, the last compensated weight u' is a little larger, or an entry of the Gram matrix is
/// larger than sums of its tokens are, not than those of 2^24; or all sums are others, those of no Gram matrix.
class LyingExecutor : public cuda::HostExecutor {
 public:
  explicit LyingExecutor(Lie lie) : lie_(lie) {}
  template <class T>
  void download(const Buffer<T>& buffer, std::span<T> values) {
    HostExecutor::download(buffer, values);
    if constexpr (std::is_same_v<T, std::uint16_t>) values.back() ^= lie_ == Lie::code;
    if constexpr (std::is_same_v<T, float>) values.back() *= lie_ == Lie::weight ? 1.001F : 1;
    if constexpr (std::is_same_v<T, double>)  // the Gram matrix comes first
      if (lie_ >= Lie::gram && values.size() == 256 && !std::exchange(told_, true)) {
        if (lie_ == Lie::gram) values[1] *= 1 + 0x1p-36;
        for (std::size_t k = 0; lie_ == Lie::sums && k < values.size(); ++k) values[k] *= k % 17 == 0 ? 0.5 : 2;
      }
  }

 private:
  Lie lie_;
  bool told_ = false;
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
    std::vector<float> tokens;  // columns in proportion, so that every entry is as large as its diagonal allows
    if (lie == Lie::gram)
      for (const float x : test::noise(2048, 7))
        for (int j = 1; j <= 16; ++j) tokens.push_back(std::nearbyint(x * 0x1p20F) * static_cast<float>(j));
    const std::uint64_t count = lie == Lie::gram ? 2048 : 64;
    test::write_tensors(folder / "c", {{"a.activations", DType::F32, {count, 16}, tokens}});
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

TEST_CASE("an entry of the Gram matrix is judged by the roundings of as many tokens as there are") {
  Model model(Lie::gram);
  CHECK(model.run(contracts_on, nullptr));  // 2048 roundings: few are not enough
  std::filesystem::remove(model.folder / "q");
  std::filesystem::remove(certificate_path(model.folder / "q"));
  const auto run = model.run(contracts_on, &model.device);  // and 2^24 are too many
  REQUIRE_FALSE(run);
  CHECK(run.error().number == error_number::contract_violated);
  CHECK_MESSAGE(run.error().where.find("gram_bound") != std::string::npos, run.error().where);
}

TEST_CASE("sums that are wrong are told of as such, before anything is said of the calibration") {
  Model model(Lie::sums);
  const auto run = model.run(contracts_on, &model.device);
  REQUIRE_FALSE(run);
  CHECK(run.error().number == error_number::contract_violated);
  CHECK_MESSAGE(run.error().where.find("gram_accumulation") != std::string::npos, run.error().where);
  CHECK(model.run(nobody_looks, &model.device));  // the sums are right the second time
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

}  // namespace lying_device_test
