#include "pipeline/verify_tensor.hpp"

#include <bit>

#include <fmt/format.h>

#include "io/error_numbers.hpp"
#include "io/sha256.hpp"

namespace hallmark {
namespace {

Error tensor_differs(const std::string& name, const std::string& what) {
  return {Exit::mismatch, error_number::tensor_differs, "a tensor is not what its source and its certificate give",
          fmt::format("tensor '{}': {}", name, what),
          "get the files again; if they are right, quantize the weights again"};
}

// The first place where stored and computed matrices differ.
template <class T>
std::optional<std::string> first_difference_of(const char* what, const std::vector<T>& stored,
                                               const Matrix<T>& computed) {
  const auto same = [](T a, T b) {
    if constexpr (std::is_same_v<T, float>) return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    else return a == b;
  };
  for (Index i = 0; i < computed.rows(); ++i)
    for (Index j = 0; j < computed.cols(); ++j)
      if (const T value = stored[static_cast<std::size_t>(i * computed.cols() + j)]; !same(value, computed(i, j))) {
        if constexpr (std::is_same_v<T, float>)
          return fmt::format("row {}: the {} of group {} is {:a}, computed {:a}", i, what, j, value, computed(i, j));
        else
          return fmt::format("row {}, column {}: the {} is {:#06x}, computed {:#06x}", i, j, what, value,
                             computed(i, j));
      }
  return std::nullopt;
}

}  // namespace

Expected<Options> options_of(const QuantizedHeader& header, const Grid& grid, const std::string& path) {
  const Expected<Method> method = parse_method(header.method);
  const Expected<ScaleRule> rule = parse_scale_rule(header.scale_rule);
  constexpr std::uint64_t most_columns = std::uint64_t{1} << 48;
  if (!method || !rule || header.group_size > most_columns || header.block_size < 1 || header.block_size > most_columns)
    return Error{Exit::input, error_number::quantized_metadata, "the container names options that no quantization has",
                 fmt::format("{}: method '{}', scale rule '{}', group size {}, block size {}", path, header.method,
                             header.scale_rule, header.group_size, header.block_size),
                 "quantize the weights again"};
  return Options{grid,
                 *method,
                 *rule,
                 static_cast<Index>(header.group_size),
                 header.damp_percent,
                 header.desc_act,
                 static_cast<Index>(header.block_size),
                 header.guard};
}

Expected<VerifiedTensor> verify_tensor(const PlannedTensor& tensor, const CalibrationFile* calibration,
                                       const QuantizedFile& file, const Options& options,
                                       const CertifiedTensor& certified, ExactRows exact, contracts::Policy policy,
                                       const InputDigests& digests, bool sources_differ) {
  const std::string& name = tensor.weight->name;
  Expected<QuantizedTensor> again = quantize_tensor(tensor, calibration, options, exact, policy);
  if (!again) {
    if (!sources_differ) return again.error();
    return tensor_differs(
        name, fmt::format("its source cannot be quantized any more: {}: {}", again.error().what, again.error().where));
  }
  VerifiedTensor out{*std::move(again), {}, std::nullopt};
  const auto digest = [&](const char* part) { return sha256_hex(file.file().find(name + part)->data); };
  digests.enter(out.quantized, name);
  out.computed = certified_tensor(tensor, out.quantized);
  out.computed.codes_sha256 = digest(".codes");
  out.computed.scales_sha256 = digest(".scale");
  const auto differs = [&](std::string what) {
    if (certified.weights_sha256 != out.computed.weights_sha256)
      what += "; its bytes in W are not those of the certificate";
    if (certified.gram_sha256 != out.computed.gram_sha256) what += "; its Gram matrix is not that of the certificate";
    out.differs = tensor_differs(name, what);
  };
  if (const auto found = first_difference_of("scale", file.scales(name), out.quantized.result.scales)) differs(*found);
  else if (const auto code = first_difference_of("code", file.codes(name), out.quantized.result.codes)) differs(*code);
  else if (const auto text = first_difference(certified, out.computed)) differs(*text);
  else if (const Status held = out.quantized.contracts.status(); !held) out.differs = held.error();
  else if (out.quantized.seen->offence)
    out.differs = Error{Exit::mismatch, error_number::oracle_contradicts, "exact arithmetic finds a promise broken",
                        fmt::format("tensor '{}': {}", name, *out.quantized.seen->offence),
                        "do not use this file, and report this with the files"};
  return out;
}

}  // namespace hallmark
