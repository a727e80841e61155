#include "pipeline/quantize_planned.hpp"

#include <fmt/format.h>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "linalg/buffer.hpp"
#include "linalg/finite.hpp"
#include "pipeline/accumulate.hpp"
#include "pipeline/beside.hpp"

namespace hallmark {
namespace {

Expected<HeldMatrix<float>> load_weights(const PlannedMatrix& planned) {
  const bool turned = planned.matrix.transposed;
  const Index rows = turned ? planned.cols() : planned.rows(), cols = turned ? planned.rows() : planned.cols();
  const std::uint64_t first = planned.matrix.index.value_or(0) * static_cast<std::uint64_t>(rows * cols);
  if (const float* there = turned ? nullptr : in_place<float>(*planned.tensor, first)) {
    HeldMatrix<float> held(there, rows, cols);
    if (!first_non_finite<float>(held.view())) return held;
  }
  Matrix<float> stored = fresh_matrix<float>(rows, cols);
  const std::span<float> values(stored.data(), static_cast<std::size_t>(stored.size()));
  if (!widen_finite(*planned.tensor, first, values)) {
    if (const Status read = widen(*planned.tensor, first, values); !read) return located(planned.file, read.error());
    const Shape shape{static_cast<std::uint64_t>(rows), static_cast<std::uint64_t>(cols)};
    if (const Status finite = check_finite(planned.name(), shape, values); !finite)
      return located(planned.file, finite.error());
  }
  return HeldMatrix<float>(turned ? Matrix<float>(stored.transpose()) : std::move(stored));
}

Expected<std::optional<Steps>> load_given(const PlannedMatrix& planned, const CalibrationFile* calibration) {
  const Options& options = planned.matrix.options;
  if (options.scale_rule != given_scales || !planned.calibration || planned.calibration->scale.empty())
    return std::optional<Steps>();
  Expected<Steps> steps = calibration->steps(planned.name(), options.group_size);
  if (!steps) return steps.error();
  return std::optional(*std::move(steps));
}

// What is wrong with given steps is wrong with C, not with W.
Status check_given_steps(const PlannedMatrix& planned, const Steps& given, const CalibrationFile& calibration) {
  const auto in_file = [&](const char* suffix, const Error& error) {
    return located(fmt::format("{}: tensor '{}{}'", calibration.path(), planned.name(), suffix), error);
  };
  const Options& options = planned.matrix.options;
  if (const Status scales = check_given_scales(options, given.scales); !scales)
    return in_file(".scale", scales.error());
  if (const Status zeros = check_given_zeros(options, given.zeros); !zeros)
    return in_file(".zero_point", zeros.error());
  return ok();
}

// The values of C that the matrix uses.
Status check_calibration(const PlannedMatrix& planned, const CalibrationFile& calibration) {
  if (planned.calibration->is_gram) {
    if (const auto G = calibration.gram(planned.name()); !G) return G.error();
    if (planned.matrix.options.target == plain_target) return ok();
    const auto cross = calibration.cross_grams(planned.name());
    return cross ? ok() : Status(cross.error());
  }
  constexpr std::uint64_t most = 1024;
  const std::uint64_t tokens = planned.calibration->tokens + planned.calibration->held_out;
  for (std::uint64_t first = 0; first < tokens; first += most) {
    const std::uint64_t count = std::min(most, tokens - first);
    if (const auto x = calibration.activations(planned.name(), first, count); !x) return x.error();
  }
  return ok();
}

}  // namespace

Status check_values(const Plan& plan, const CalibrationFile* calibration) {
  for (const PlannedMatrix& planned : plan.matrices) {
    const Expected<HeldMatrix<float>> W = load_weights(planned);
    if (!W) return W.error();
    const Expected<std::optional<Steps>> given = load_given(planned, calibration);
    if (!given) return given.error();
    if (*given)
      if (const Status steps = check_given_steps(planned, **given, *calibration); !steps) return steps;
    const bool by_weights = *given || statistic_of(planned.matrix.options.scale_rule) == Statistic::none;
    if (const auto steps = by_weights ? checked_steps(W->view(), planned.matrix.options, *given) : Steps(); !steps)
      return located(fmt::format("{}: tensor '{}'", planned.file, planned.name()), steps.error());
    if (planned.uses_gram() && planned.calibration)
      if (const Status fine = check_calibration(planned, *calibration); !fine) return fine;
    forget(planned, calibration);
  }
  return ok();
}

void forget(const PlannedMatrix& planned, const CalibrationFile* calibration) {
  forget_pages(planned.bytes());
  if (planned.calibration) calibration->forget(planned.name());
}

std::string gram_sha256(MatrixRef<double> G) {
  return sha256_hex(std::as_bytes(std::span(G.data(), static_cast<std::size_t>(G.size()))));
}

std::optional<FloatInputs> float_inputs(const LoadedMatrix& loaded) {
  if (!loaded.cross) return std::nullopt;
  return FloatInputs{loaded.cross->C.view(), loaded.cross->K.view()};
}

Expected<LoadedMatrix> load_matrix(const PlannedMatrix& planned, const CalibrationFile* calibration,
                                   contracts::Policy policy, cuda::EngineBackend* device) {
  Expected<HeldMatrix<float>> W = load_weights(planned);
  if (!W) return W.error();
  LoadedMatrix out{*std::move(W), std::nullopt, std::nullopt, std::nullopt, {}};
  const std::string& name = planned.name();
  Expected<std::optional<Steps>> given = load_given(planned, calibration);
  if (!given) return given.error();
  out.given = *std::move(given);
  if (!planned.uses_gram() || !planned.calibration) return out;
  std::optional<GramSample> sample;
  if (policy != contracts::Policy::off && !planned.calibration->is_gram) sample.emplace(out.W.view(), policy);
  if (planned.calibration->is_gram) {
    Expected<HeldMatrix<double>> G = calibration->gram(name);
    if (!G) return G.error();
    out.G = *std::move(G);
    if (planned.matrix.options.target == plain_target) return out;
    Expected<CrossGrams> cross = calibration->cross_grams(name);
    if (!cross) return cross.error();
    out.cross = *std::move(cross);
    return out;
  }
  Expected<Matrix<double>> G = accumulate_gram(std::span(calibration, 1), name, sample ? &*sample : nullptr,
                                               device ? &device->engine() : nullptr);
  if (!G) return G.error();
  if (sample) sample->judge(name, *G, out.contracts);
  out.G = *std::move(G);
  return out;
}

Expected<QuantizedTensor> quantize_planned(const PlannedMatrix& planned, const CalibrationFile* calibration,
                                           const Demands& demands, cuda::EngineBackend* device) {
  Expected<LoadedMatrix> loaded = load_matrix(planned, calibration, demands.contracts, device);
  if (!loaded) return loaded.error();
  const bool digest_gram = loaded->G && !calibration->stored_as_used(planned.name());
  return quantize_loaded(planned, *std::move(loaded), digest_gram, demands, device);
}

Status check_judged(const PlannedMatrix& planned, const JudgedMatrix& judged) {
  if (const Status held = judged.contracts.status(); !held) return held;
  if (const auto& offence = judged.seen->offence)
    return Error{Exit::contract, error_number::oracle_refuses, "exact arithmetic finds a promise broken",
                 fmt::format("tensor '{}': {}", planned.name(), *offence),
                 "report this with the files; nothing was written"};
  return ok();
}

Expected<QuantizedTensor> quantize_loaded(const PlannedMatrix& planned, LoadedMatrix loaded, bool digest_gram,
                                          const Demands& demands, cuda::EngineBackend* device) {
  // What is wrong with the sums is not to be told of as a fault of the calibration.
  if (const Status summed = loaded.contracts.status(); !summed) return summed.error();
  QuantizedTensor out{std::move(loaded), {}, std::nullopt, "", ""};
  std::future<std::string> digest;
  if (digest_gram) digest = beside([G = out.loaded.G->view()] { return gram_sha256(G); });
  const MatrixRef<float> W = out.loaded.W.view();
  std::optional<MatrixRef<double>> G;
  if (out.loaded.G) G.emplace(out.loaded.G->view());
  const std::optional<FloatInputs> inputs = float_inputs(out.loaded);
  Layer layer{planned.name(), W, G ? &*G : nullptr};
  layer.inputs = inputs ? &*inputs : nullptr;
  if (planned.calibration && planned.calibration->tokens > 0) {
    layer.tokens = static_cast<Index>(planned.calibration->tokens);
    if (!planned.calibration->is_gram) layer.roundings = gram_roundings(*layer.tokens);
  }
  Expected<JudgedMatrix> judged = quantize_matrix(layer, planned.matrix.options, out.loaded.given, demands, device);
  if (!judged) return located(fmt::format("{}: tensor '{}'", planned.file, planned.name()), judged.error());
  out.judged = *std::move(judged);
  out.judged.contracts.merge(out.loaded.contracts);
  if (digest.valid()) out.gram_sha256 = digest.get();
  enter_cross_digests(out.loaded, out);
  return out;
}

CertifiedTensor certified_tensor(const PlannedMatrix& planned, QuantizedTensor& quantized) {
  const Quantized& result = quantized.judged.result;
  CertifiedTensor out(planned.matrix.options);
  out.name = planned.name();
  out.rows = planned.matrix.rows;
  out.cols = planned.matrix.cols;
  out.weights_sha256 = quantized.weights_sha256;
  out.gram_sha256 = quantized.gram_sha256;
  out.cross_sha256 = quantized.cross_sha256;
  out.float_sha256 = quantized.float_sha256;
  out.calibration = planned.calibration_kind();
  out.tokens = planned.uses_gram() && planned.calibration ? planned.calibration->tokens : 0;
  out.lambda = result.lambda;
  out.dead_columns = static_cast<std::uint64_t>(result.dead_columns);
  out.clipped = static_cast<std::uint64_t>(result.clipped);
  out.guard_rows = static_cast<std::uint64_t>(result.guard_rows);
  for (const auto& [contract, count] : quantized.judged.contracts.counts())
    out.contracts.push_back({contract, std::string(count.theorem),
                             static_cast<std::uint64_t>(count.by_binary64 + count.by_twice_binary64),
                             static_cast<std::uint64_t>(count.by_exact)});
  out.values = std::move(quantized.judged.seen->values);
  return out;
}

}  // namespace hallmark
