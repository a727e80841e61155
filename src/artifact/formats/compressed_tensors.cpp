// The layout pack-quantized of compressed-tensors. A layer NAME of `in` inputs and `out` outputs has
//
//   NAME.weight_packed      I32 [out, ceil(in bits / 32)]      codes, packed along the inputs
//   NAME.weight_scale       F16 [out, groups]
//   NAME.weight_shape       I64 [2]                            out, in
//   NAME.weight_zero_point  I32 [ceil(out bits / 32), groups]  packed along the outputs; only with zero points
//
// Words are dense, as compressed-tensors writes them since June 2026; before, a word of 3, 5, 6 or 7 bits began with a
// whole code, under the same name, and readers of that age see other shapes. Both kinds are one at 2, 4 and 8 bits.
// Codes and zero points are signed there and stored plus 2^(bits-1): where the grid has zero points, the stored words
// are its own. Groups are runs of columns in W's order, so that there is no weight_g_idx.
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "artifact/word_file.hpp"

namespace hallmark {
namespace {

using Json = nlohmann::ordered_json;

detail::KnownTensor shape_of(const QuantizedMatrix& matrix) {
  detail::KnownTensor tensor{DType::I64, {2}, std::vector<std::byte>(16)};
  std::memcpy(tensor.bytes.data(), &matrix.rows, 8);
  std::memcpy(tensor.bytes.data() + 8, &matrix.cols, 8);
  return tensor;
}

/// quantization_config: a group of layers, by their names, for each set of options; no other layer is quantized.
std::string config(const QuantizedHeader& header) {
  std::vector<detail::WordScheme> schemes;
  Json groups = Json::object();
  for (const QuantizedMatrix& matrix : header.matrices) {
    const detail::WordScheme scheme = detail::scheme_of(matrix);
    const auto at = std::ranges::find(schemes, scheme);
    const std::string name = "group_" + std::to_string(at - schemes.begin());
    if (at == schemes.end()) {
      schemes.push_back(scheme);
      Json weights{{"num_bits", scheme.bits}, {"type", "int"}, {"symmetric", scheme.symmetric}};
      weights["strategy"] = scheme.group_size == 0 ? "channel" : "group";
      if (scheme.group_size > 0) weights["group_size"] = scheme.group_size;
      weights["dynamic"] = false;
      groups[name] = {{"targets", Json::array()},
                      {"weights", std::move(weights)},
                      {"input_activations", nullptr},
                      {"output_activations", nullptr}};
    }
    groups[name]["targets"].push_back(detail::layer_of(matrix.tensor));
  }
  const Json found{{"quant_method", "compressed-tensors"},
                   {"format", "pack-quantized"},
                   {"quantization_status", "compressed"},
                   {"config_groups", std::move(groups)},
                   {"ignore", Json::array()}};
  return Json{{"quantization_config", found}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

constexpr detail::WordLayout pack_quantized{.format = "compressed-tensors/1",
                                            .codes = "weight_packed",
                                            .scales = "weight_scale",
                                            .zeros = "weight_zero_point",
                                            .known = "weight_shape",
                                            .bits = 0b1'1111'1100,
                                            .inputs_first = false,
                                            .always_zeros = false,
                                            .zero_bias = 0,
                                            .multiple = 1,
                                            .known_tensor = shape_of,
                                            .config = config};

}  // namespace

namespace file_format {
extern const FileFormat compressed_tensors;
const FileFormat compressed_tensors = detail::word_format<pack_quantized>(
    "compressed-tensors", "its pack-quantized layout, of dense words, and FILE.config.json");
}  // namespace file_format

}  // namespace hallmark
