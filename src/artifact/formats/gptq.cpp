// The layout of AutoGPTQ and GPTQModel. A layer NAME of `in` inputs and `out` outputs has
//
//   NAME.qweight  I32 [in bits / 32, out]      codes, packed along the inputs
//   NAME.qzeros   I32 [groups, out bits / 32]  zero points, packed along the outputs; version 1 stores them minus 1
//   NAME.scales   F16 [groups, out]
//   NAME.g_idx    I32 [in]                     the group of each input
//
// and stands for W[o, i] = scales[g_idx[i], o] (q[i, o] - zero[g_idx[i], o]). Groups are runs of columns in W's order,
// whatever order the method took (static groups), so g_idx never falls.
#include <cstring>
#include <nlohmann/json.hpp>

#include "artifact/word_file.hpp"

namespace hallmark {
namespace {

using Json = nlohmann::ordered_json;

detail::KnownTensor group_index(const QuantizedMatrix& matrix) {
  const auto size = static_cast<std::uint64_t>(matrix.options.group_size);
  detail::KnownTensor tensor{DType::I32, {matrix.cols}, std::vector<std::byte>(4 * matrix.cols)};
  for (std::uint64_t j = 0; j < matrix.cols; ++j) {
    const auto group = static_cast<std::int32_t>(size == 0 ? 0 : j / size);
    std::memcpy(tensor.bytes.data() + 4 * j, &group, sizeof group);
  }
  return tensor;
}

Json scheme_json(const detail::WordScheme& scheme) {
  return {{"bits", scheme.bits},
          {"group_size", scheme.group_size == 0 ? -1 : scheme.group_size},
          {"sym", scheme.symmetric}};
}

/// The name as a regular expression that nothing else matches; '+' before it: other options, '-': not quantized.
std::string only(char sign, std::string_view name) {
  std::string pattern{sign, ':', '^'};
  for (const char c : name) {
    if (std::string_view(".^$|()[]{}*+?\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern + '$';
}

/// quantization_config: the options of the first matrix, and `dynamic` for every layer that has others or none.
template <int version>
std::string config(const QuantizedHeader& header) {
  const auto matrices = matrices_by_tensor(header);
  const auto first =
      header.matrices.empty() ? detail::WordScheme{4, 0, true} : detail::scheme_of(header.matrices.front());
  Json dynamic = Json::object();
  bool head = false;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const OriginalTensor& tensor = header.tensors[i];
    const std::string_view layer = detail::layer_of(tensor.name);
    if (layer.empty() || tensor.shape.size() != 2) continue;
    if (matrices[i].empty()) dynamic[only('-', layer)] = Json::object();
    else if (detail::scheme_of(matrices[i].front()) != first)
      dynamic[only('+', layer)] = scheme_json(detail::scheme_of(matrices[i].front()));
    head = head || (!matrices[i].empty() && layer.ends_with("lm_head"));
  }
  Json found = scheme_json(first);
  found["quant_method"] = "gptq";
  found["checkpoint_format"] = version == 1 ? "gptq" : "gptq_v2";
  found["desc_act"] = false;  // of the file: its groups need no permutation
  found["static_groups"] = true;
  found["lm_head"] = head;
  found["pack_dtype"] = "int32";
  if (!dynamic.empty()) found["dynamic"] = std::move(dynamic);
  std::string tool = header.tool;
  if (const std::size_t space = tool.find(' '); space != std::string::npos) tool[space] = ':';
  found["meta"] = {{"quantizer", {tool}}};
  return Json{{"quantization_config", std::move(found)}}.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

constexpr detail::WordLayout version_1{.format = "gptq/1",
                                       .codes = "qweight",
                                       .scales = "scales",
                                       .zeros = "qzeros",
                                       .known = "g_idx",
                                       .bits = 1U << 2 | 1U << 3 | 1U << 4 | 1U << 8,
                                       .inputs_first = true,
                                       .always_zeros = true,
                                       .zero_bias = 1,
                                       .multiple = 32,
                                       .known_tensor = group_index,
                                       .config = config<1>};
constexpr detail::WordLayout version_2 = [] {
  detail::WordLayout layout = version_1;
  layout.format = "gptq/2";
  layout.zero_bias = 0;
  layout.config = config<2>;
  return layout;
}();

}  // namespace

namespace file_format {
extern const FileFormat gptq, gptq_v2;
const FileFormat gptq =
    detail::word_format<version_1>("gptq", "AutoGPTQ's layout (version 1: zero points minus 1), and FILE.config.json");
const FileFormat gptq_v2 =
    detail::word_format<version_2>("gptq-v2", "GPTQModel's version 2 of it: zero points as they are");
}  // namespace file_format

}  // namespace hallmark
