#include "safetensors_oracle.hpp"

#include <algorithm>
#include <string>

#include "header_checker.hpp"
#include "io/safetensors.hpp"

namespace hallmark::test {

namespace {

std::string_view text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

const char* safetensors_disagreement(std::string_view bytes) {
  const auto parsed = parse_safetensors(std::as_bytes(std::span(bytes)), "input");
  const auto checked = check_file(bytes);
  if (static_cast<bool>(parsed) != checked.has_value()) return "one accepts what the other refuses";
  if (!parsed) {
    const Error& e = parsed.error();
    return e.exit != Exit::input || e.what.empty() || e.where.empty() || e.hint.empty() ? "an error without its lines"
                                                                                        : nullptr;
  }

  if (parsed->metadata != checked->metadata) return "metadata differ";
  if (parsed->tensors.size() != checked->tensors.size()) return "numbers of tensors differ";
  std::size_t data_bytes = 0;
  for (const auto& [name, tensor] : checked->tensors) data_bytes += tensor.end - tensor.begin;
  const std::string_view data = bytes.substr(bytes.size() - data_bytes);
  for (const TensorInfo& t : parsed->tensors) {
    const auto other = checked->tensors.find(t.name);
    if (other == checked->tensors.end()) return "names differ";
    if (dtype_name(t.dtype) != other->second.dtype || t.shape != other->second.shape) return "dtypes or shapes differ";
    if (text(t.data) != data.substr(other->second.begin, other->second.end - other->second.begin) ||
        (!t.data.empty() && text(t.data).data() != data.data() + other->second.begin))
      return "data differ";
  }

  std::vector<TensorPlan> plan;
  for (const TensorInfo& t : parsed->tensors) plan.push_back({t.name, t.dtype, t.shape});
  auto again = safetensors_header(plan, parsed->metadata);
  if (!again) return "what was accepted cannot be written";
  for (const TensorInfo& t : parsed->tensors) *again += text(t.data);
  const auto reparsed = parse_safetensors(std::as_bytes(std::span(*again)), "written");
  if (!reparsed) return "what was written is refused";
  auto metadata = parsed->metadata;
  metadata["format"] = "pt";
  if (reparsed->metadata != metadata) return "metadata change by writing";
  if (!std::ranges::equal(reparsed->tensors, parsed->tensors, [](const TensorInfo& a, const TensorInfo& b) {
        return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape && text(a.data) == text(b.data);
      }))
    return "tensors change by writing";
  return nullptr;
}

}  // namespace hallmark::test
