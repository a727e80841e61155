#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error_numbers.hpp"
#include "io/gguf.hpp"
#include "io/utf8.hpp"

namespace hallmark::gguf {
namespace {

constexpr std::array<TypeInfo, 11> types = {{{Type::F32, "F32", 1, 4},
                                             {Type::F16, "F16", 1, 2},
                                             {Type::Q4_0, "Q4_0", 32, 18},
                                             {Type::Q8_0, "Q8_0", 32, 34},
                                             {Type::Q6_K, "Q6_K", 256, 210},
                                             {Type::I8, "I8", 1, 1},
                                             {Type::I16, "I16", 1, 2},
                                             {Type::I32, "I32", 1, 4},
                                             {Type::I64, "I64", 1, 8},
                                             {Type::F64, "F64", 1, 8},
                                             {Type::BF16, "BF16", 1, 2}}};

Error cannot_hold(int number, std::string what, std::string where) {
  return {Exit::infeasible, number, std::move(what), std::move(where), "the GGUF format cannot hold this"};
}

void put_number(std::string& out, auto value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }
void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

// A value behind the number of its type.
template <class T>
constexpr std::uint32_t type_number = std::is_same_v<T, std::uint32_t>  ? 4
                                      : std::is_same_v<T, std::int32_t> ? 5
                                      : std::is_same_v<T, float>        ? 6
                                      : std::is_same_v<T, bool>         ? 7
                                                                        : 8;
template <class T>
void put_value(std::string& out, const T& value) {
  put_number(out, type_number<T>);
  if constexpr (std::is_same_v<T, std::string>) put_text(out, value);
  else put_number(out, value);
}
template <class T>
void put_value(std::string& out, const std::vector<T>& values) {
  put_number(out, std::uint32_t{9});
  put_number(out, type_number<T>);
  put_number(out, static_cast<std::uint64_t>(values.size()));
  for (const T& value : values)
    if constexpr (std::is_same_v<T, std::string>) put_text(out, value);
    else put_number(out, value);
}

// What the reader would refuse is not written.
Status check_name(std::string_view name, std::size_t longest, std::set<std::string_view>& names) {
  if (!usable_name(name, longest))
    return cannot_hold(error_number::plan_name, "a name that cannot be written",
                       fmt::format("'{}': {} bytes, the limit is {}", printable(name), name.size(), longest));
  if (!names.insert(name).second)
    return cannot_hold(error_number::plan_name, "two of one name", fmt::format("'{}'", printable(name)));
  return ok();
}

}  // namespace

bool usable_name(std::string_view name, std::size_t longest) {
  const auto control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; };
  return !name.empty() && name.size() <= longest && !find_invalid_utf8(name) && std::ranges::none_of(name, control);
}

const TypeInfo& info_of(Type type) {
  static constexpr TypeInfo none{Type::F32, "", 0, 0};
  const auto found = std::ranges::find(types, type, &TypeInfo::type);
  return found == types.end() ? none : *found;
}

std::optional<Type> type_of(DType dtype) {
  const auto found = std::ranges::find(types, dtype_name(dtype), &TypeInfo::name);
  return found == types.end() ? std::nullopt : std::optional(found->type);
}

Expected<std::uint64_t> tensor_bytes(const TensorPlan& tensor) {
  const TypeInfo& info = info_of(tensor.type);
  const std::string where =
      fmt::format("tensor '{}': {} {}", printable(tensor.name), info.name, shape_text(tensor.dims));
  if (tensor.dims.empty() || tensor.dims.size() > max_dims)
    return cannot_hold(error_number::plan_size, "a tensor has no dimension or too many", where);
  std::uint64_t bytes = info.bytes;
  for (std::size_t i = 0; i < tensor.dims.size(); ++i) {
    const std::uint64_t dim = tensor.dims[i];
    if (dim == 0) return cannot_hold(error_number::plan_size, "a tensor without elements", where);
    if (i == 0 && dim % info.numbers != 0)
      return cannot_hold(error_number::plan_size, "a row does not fill whole blocks", where);
    if (__builtin_mul_overflow(bytes, i == 0 ? dim / info.numbers : dim, &bytes) || bytes > max_size)
      return cannot_hold(error_number::plan_size, "a tensor is too large", where);
  }
  return bytes;
}

Expected<std::string> header(const Metadata& metadata, const std::vector<TensorPlan>& tensors) {
  std::string out = "GGUF";
  put_number(out, std::uint32_t{3});
  put_number(out, static_cast<std::uint64_t>(tensors.size()));
  put_number(out, static_cast<std::uint64_t>(metadata.size()));
  std::set<std::string_view> keys, names;
  for (const auto& [key, value] : metadata) {
    if (const Status good = check_name(key, max_key, keys); !good) return good.error();
    put_text(out, key);
    std::visit([&](const auto& content) { put_value(out, content); }, value);
  }
  std::uint64_t offset = 0;
  for (const TensorPlan& tensor : tensors) {
    if (const Status good = check_name(tensor.name, max_name, names); !good) return good.error();
    const Expected<std::uint64_t> bytes = tensor_bytes(tensor);
    if (!bytes) return bytes.error();
    put_text(out, tensor.name);
    put_number(out, static_cast<std::uint32_t>(tensor.dims.size()));
    for (const std::uint64_t dim : tensor.dims) put_number(out, dim);
    put_number(out, static_cast<std::uint32_t>(tensor.type));
    put_number(out, offset);
    offset += padded(*bytes);
  }
  out.resize(static_cast<std::size_t>(padded(out.size())), '\0');
  return out;
}

}  // namespace hallmark::gguf
