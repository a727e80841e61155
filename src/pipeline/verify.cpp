#include "pipeline/verify.hpp"

#include <fmt/format.h>

#include <bit>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "method/rtn.hpp"

namespace hallmark {
namespace {

Error differs(const std::string& name, const std::string& what) {
  return {Exit::mismatch, error_number::tensor_differs, "a tensor is not what its source and its certificate give",
          fmt::format("tensor '{}': {}", name, what),
          "get the files again; if they are right, quantize the weights again"};
}

Error not_those(const std::string& what) {
  return {Exit::mismatch, error_number::certificate_differs, "the files are not those of the certificate", what,
          "name the files that this output was made from"};
}

// The first place where stored and computed numbers differ.
template <class T>
std::optional<std::string> first_difference_of(const char* what, const Matrix<T>& stored, const Matrix<T>& computed) {
  if (stored.rows() != computed.rows() || stored.cols() != computed.cols())
    return fmt::format("{}s are {} x {}, computed {} x {}", what, stored.rows(), stored.cols(), computed.rows(),
                       computed.cols());
  for (Index i = 0; i < computed.rows(); ++i)
    for (Index j = 0; j < computed.cols(); ++j) {
      const T a = stored(i, j), b = computed(i, j);
      if constexpr (std::is_same_v<T, float>) {
        if (std::bit_cast<std::uint32_t>(a) != std::bit_cast<std::uint32_t>(b))
          return fmt::format("row {}: the {} of group {} is {:a}, computed {:a}", i, what, j, a, b);
      } else if (a != b) {
        return fmt::format("row {}, column {}: the {} is {:#06x}, computed {:#06x}", i, j, what, a, b);
      }
    }
  return std::nullopt;
}

std::optional<std::string> first_difference_of(const Steps& stored, const Steps& computed) {
  if (const auto scale = first_difference_of("scale", stored.scales, computed.scales)) return scale;
  return first_difference_of("zero point", stored.zeros, computed.zeros);
}

Matrix<Code> stored_codes(const QuantizedFile& file, const QuantizedMatrix& matrix) {
  const std::vector<Code> codes = file.codes(matrix);
  return Eigen::Map<const Matrix<Code>>(codes.data(), static_cast<Index>(matrix.rows), static_cast<Index>(matrix.cols));
}

std::string digest_of(const QuantizedFile& file, const std::string& part) {
  const TensorInfo* const tensor = file.file().find(part);
  return tensor ? sha256_hex(tensor->data) : "";
}

// The digests of the matrix's inputs and of what is stored.
void enter_digests(const PlannedMatrix& planned, const LoadedMatrix& loaded, const QuantizedFile& file,
                   const InputDigests& digests, CertifiedTensor& tensor) {
  tensor.weights_sha256 = digests.of_weights(planned);
  tensor.gram_sha256 = digests.of_gram(planned);
  if (tensor.gram_sha256.empty() && loaded.G) tensor.gram_sha256 = gram_sha256(*loaded.G);
  tensor.codes_sha256 = digest_of(file, planned.name() + ".codes");
  tensor.scales_sha256 = digest_of(file, planned.name() + ".scale");
  tensor.zeros_sha256 = digest_of(file, planned.name() + ".zero_point");
}

constexpr const char* other_codes = "its codes are not those of the certificate";

// What a claim says beside codes and rows, against the files.
std::optional<std::string> first_false_fact(const CertifiedTensor& claim, const CertifiedTensor& found) {
  const auto same = [](const char* what, const auto& a, const auto& b) -> std::optional<std::string> {
    return a == b ? std::nullopt
                  : std::optional(fmt::format("{} is {} by the certificate, {} by the files", what, a, b));
  };
  if (auto text = same("the number of rows", claim.rows, found.rows)) return text;
  if (auto text = same("the number of columns", claim.cols, found.cols)) return text;
  if (std::string option = first_difference(claim.options, found.options); !option.empty()) return "option " + option;
  if (auto text = same("calibration", claim.calibration, found.calibration)) return text;
  if (auto text = same("tokens", claim.tokens, found.tokens)) return text;
  if (claim.weights_sha256 != found.weights_sha256) return "its bytes in W are not those of the certificate";
  if (claim.gram_sha256 != found.gram_sha256) return "its Gram matrix is not that of the certificate";
  if (claim.scales_sha256 != found.scales_sha256) return "its scales are not those of the certificate";
  if (claim.zeros_sha256 != found.zeros_sha256) return "its zero points are not those of the certificate";
  const std::size_t rows = found.gram_sha256.empty() ? 0 : static_cast<std::size_t>(found.rows);
  return same("the number of rows with values", claim.values.size(), rows);
}

// The rule that the options name gives the stored steps; steps that were given have to be those of C.
std::optional<std::string> first_foreign_step(const PlannedMatrix& planned, const LoadedMatrix& loaded,
                                              const Steps& stored) {
  const Options& options = planned.matrix.options;
  if (options.scale_rule == given_scales)
    return loaded.given ? first_difference_of(stored, *loaded.given) : std::nullopt;
  const auto again = steps_for(options.grid, options.scale_rule, options.scale_storage, loaded.W.data(), planned.rows(),
                               planned.cols(), options.group_size);
  if (!again) return fmt::format("scale rule {} gives no steps: {}", options.scale_rule, again.error().what);
  return first_difference_of(stored, *again);
}

CertifiedTensor blank(const PlannedMatrix& planned) {
  CertifiedTensor out(planned.matrix.options);
  out.name = planned.name();
  out.rows = planned.matrix.rows;
  out.cols = planned.matrix.cols;
  out.calibration = planned.calibration_kind();
  out.tokens = planned.uses_gram() && planned.calibration ? planned.calibration->tokens : 0;
  return out;
}

// The losses of codes of which nothing is claimed.
Status compute_values(LossJudge& judge, const Matrix<Code>& codes, Verified& out) {
  const Expected<std::vector<Loss>> final = judge.losses(codes), rtn = judge.losses(out.codes_rtn);
  if (!final) return final.error();
  if (!rtn) return rtn.error();
  out.tensor.lambda = judge.lambda();
  for (std::size_t i = 0; i < final->size(); ++i) {
    const Loss &a = (*final)[i], &b = (*rtn)[i];
    out.tensor.values.push_back({false, {{a.lo, a.hi}, {}}, {{b.lo, b.hi}, {}}, {}});
    out.worse_rows += a.lo > b.hi;
  }
  return ok();
}

}  // namespace

Expected<Plan> plan_of(const QuantizedFile& file, const SafeTensors& weights, const CalibrationFile* calibration) {
  Plan plan;
  for (const QuantizedMatrix& matrix : file.header().matrices) {
    const TensorInfo* const tensor = weights.find(matrix.tensor);
    if (!tensor) return not_those(fmt::format("the weights have no tensor '{}'", matrix.tensor));
    PlannedMatrix planned{tensor, matrix, calibration ? calibration->find(matrix.name) : nullptr,
                          weights.paths().front()};
    if (planned.uses_gram() && !planned.calibration)
      return not_those(fmt::format("no calibration for tensor '{}'{}", matrix.name,
                                   calibration ? "" : ": --calibration is missing"));
    if (planned.calibration)
      if (const Status fits =
              calibration->check_weight(matrix.name, matrix.rows, matrix.cols, matrix.options.group_size);
          !fits)
        return not_those(fits.error().where);
    plan.matrices.push_back(std::move(planned));
  }
  return plan;
}

Expected<Verified> judge_stored(const PlannedMatrix& planned, const CalibrationFile* calibration,
                                const QuantizedFile& file, const CertifiedTensor* claim, ExactRows exact,
                                const InputDigests& digests) {
  if (const Status sane = file.check_values(planned.matrix); !sane) return sane.error();
  Expected<LoadedMatrix> loaded = load_matrix(planned, calibration, contracts::Policy::off);
  if (!loaded) return loaded.error();
  Verified out{*std::move(loaded), blank(planned), {}, {}, {}};
  enter_digests(planned, out.loaded, file, digests, out.tensor);
  if (claim) {
    if (const auto text = first_false_fact(*claim, out.tensor)) {
      out.differs = differs(planned.name(), *text);
      return out;
    }
    if (claim->codes_sha256 != out.tensor.codes_sha256) out.differs = differs(planned.name(), other_codes);
    out.tensor = *claim;
  }
  const Matrix<Code> codes = stored_codes(file, planned.matrix);
  const Steps steps = file.steps(planned.matrix);
  const Options& options = planned.matrix.options;
  out.codes_rtn = round_to_nearest(out.loaded.W, options.grid, steps).codes;
  if (claim) {
    auto text = first_foreign_step(planned, out.loaded, steps);
    if (!text && options.method == "rtn") text = first_difference_of("code", codes, out.codes_rtn);
    if (text) {
      out.differs = differs(planned.name(), *text);
      return out;
    }
  }
  if (!out.loaded.G) return out;
  Expected<LossJudge> judge = LossJudge::make(out.loaded.W, *out.loaded.G, options, steps, planned.name());
  if (!judge) return judge.error();
  if (!claim) {
    if (const Status computed = compute_values(*judge, codes, out); !computed) return computed.error();
    return out;
  }
  const auto found = judge->first_false(codes, out.codes_rtn, claim->values, options.guard, exact);
  if (!found) return found.error();
  if (*found && out.differs) out.differs = differs(planned.name(), fmt::format("{}; {}", other_codes, **found));
  else if (*found)
    out.differs = Error{Exit::mismatch, error_number::oracle_contradicts, "a promise of the certificate is broken",
                        fmt::format("tensor '{}': {}", planned.name(), **found),
                        "do not use this file; quantize the weights again"};
  out.judged = judge->judged();
  return out;
}

Expected<Verified> reproduce(const PlannedMatrix& planned, const CalibrationFile* calibration,
                             const QuantizedFile& file, const CertifiedTensor& claim, const Demands& demands,
                             const InputDigests& digests, bool sources_differ) {
  const std::string& name = planned.name();
  Expected<QuantizedTensor> again = quantize_planned(planned, calibration, demands);
  if (!again) {
    if (!sources_differ) return again.error();
    return differs(
        name, fmt::format("its source cannot be quantized any more: {}: {}", again.error().what, again.error().where));
  }
  CertifiedTensor computed = certified_tensor(planned, *again);
  enter_digests(planned, again->loaded, file, digests, computed);
  const CertificateObserver& seen = *again->judged.seen;
  Verified out{std::move(again->loaded), std::move(computed), seen.codes_rtn, {}, {}};
  out.exact_elements = seen.exact_elements;
  out.largest_ratio = seen.largest_ratio;
  const Quantized& result = again->judged.result;
  const auto refuse = [&](std::string what) {
    if (claim.weights_sha256 != out.tensor.weights_sha256) what += "; its bytes in W are not those of the certificate";
    if (claim.gram_sha256 != out.tensor.gram_sha256) what += "; its Gram matrix is not that of the certificate";
    out.differs = differs(name, what);
  };
  if (const auto step = first_difference_of(file.steps(planned.matrix), result.steps)) refuse(*step);
  else if (const auto code = first_difference_of("code", stored_codes(file, planned.matrix), result.codes))
    refuse(*code);
  else if (const auto text = first_difference(claim, out.tensor)) refuse(*text);
  else if (const Status held = again->judged.contracts.status(); !held) out.differs = held.error();
  else if (seen.offence)
    out.differs = Error{Exit::mismatch, error_number::oracle_contradicts, "exact arithmetic finds a promise broken",
                        fmt::format("tensor '{}': {}", name, *seen.offence),
                        "do not use this file, and report this with the files"};
  return out;
}

}  // namespace hallmark
