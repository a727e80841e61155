#include <fmt/format.h>

#include <Eigen/Core>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error_numbers.hpp"
#include "io/safetensors.hpp"

namespace hallmark {

namespace {

/// out[i] = element first + i, elements of type Stored; memcpy because tensors may be unaligned.
template <class Stored, class Real>
void convert(std::span<const std::byte> data, std::uint64_t first, std::span<Real> out) {
  const std::byte* source = data.data() + first * sizeof(Stored);
  for (Real& target : out) {
    Stored stored;
    std::memcpy(&stored, source, sizeof stored);
    target = static_cast<Real>(stored);
    source += sizeof stored;
  }
}

template <class Real>
Status widen_as(const TensorInfo& tensor, std::uint64_t first, std::span<Real> out) {
  switch (tensor.dtype) {
    case DType::F32: convert<float>(tensor.data, first, out); return ok();
    case DType::BF16: convert<Eigen::bfloat16>(tensor.data, first, out); return ok();
    case DType::F16: convert<Eigen::half>(tensor.data, first, out); return ok();
    case DType::F64:
      if constexpr (std::is_same_v<Real, double>) {
        convert<double>(tensor.data, first, out);
        return ok();
      }
      break;
    default: break;
  }
  return Error{Exit::input, error_number::dtype_unsupported, "the tensor's dtype cannot be read as numbers here",
               fmt::format("tensor '{}' is {}", tensor.name, dtype_name(tensor.dtype)),
               std::is_same_v<Real, float> ? "store it as F32, BF16 or F16" : "store it as F64, F32, BF16 or F16"};
}

template <class Real>
Expected<std::vector<Real>> widen_all(const TensorInfo& tensor) {
  if (Status supported = widen_as(tensor, 0, std::span<Real>()); !supported) return supported.error();
  std::vector<Real> values(element_count(tensor.shape));
  if (Status done = widen_as(tensor, 0, std::span<Real>(values)); !done) return done.error();
  return values;
}

/// [i, j, ...] of the flat index.
std::string place(const Shape& shape, std::uint64_t flat) {
  Shape index(shape.size());
  for (std::size_t k = shape.size(); k-- > 0;) {
    index[k] = flat % shape[k];
    flat /= shape[k];
  }
  return shape_text(index);
}

Error not_finite(std::string_view name, const Shape& shape, std::uint64_t flat, double value) {
  return {Exit::input, error_number::not_finite, "a value is not finite",
          fmt::format("tensor '{}' of shape {}: {} at {}", name, shape_text(shape), value, place(shape, flat)),
          "mend or leave out the tensor: nothing can be promised about such numbers"};
}

template <class Real>
Status check_values(std::string_view name, const Shape& shape, std::span<const Real> values, std::uint64_t first = 0) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i])) return not_finite(name, shape, first + i, static_cast<double>(values[i]));
  return ok();
}

template <class Real>
bool widen_finite_as(const TensorInfo& tensor, std::uint64_t first, std::span<Real> out) {
  constexpr std::size_t piece = std::size_t{1} << 16;
  bool finite = true;
#pragma omp parallel for schedule(static) reduction(&& : finite) if (out.size() > piece)
  for (std::size_t begin = 0; begin < out.size(); begin += piece) {
    const std::span<Real> part = out.subspan(begin, std::min(piece, out.size() - begin));
    const bool read = bool(widen_as(tensor, first + begin, part));
    unsigned beyond = 0;  // counted, not searched: so it takes whole vectors
    for (const Real x : part) beyond += !(std::fabs(x) <= std::numeric_limits<Real>::max());
    finite = finite && read && beyond == 0;
  }
  return finite;
}

}  // namespace

Status widen(const TensorInfo& tensor, std::uint64_t first, std::span<float> out) {
  return widen_as(tensor, first, out);
}
Status widen(const TensorInfo& tensor, std::uint64_t first, std::span<double> out) {
  return widen_as(tensor, first, out);
}
bool widen_finite(const TensorInfo& tensor, std::uint64_t first, std::span<float> out) {
  return widen_finite_as(tensor, first, out);
}
bool widen_finite(const TensorInfo& tensor, std::uint64_t first, std::span<double> out) {
  return widen_finite_as(tensor, first, out);
}
Expected<std::vector<float>> widen_to_f32(const TensorInfo& tensor) { return widen_all<float>(tensor); }
Expected<std::vector<double>> widen_to_f64(const TensorInfo& tensor) { return widen_all<double>(tensor); }

Status check_finite(const TensorInfo& tensor) {
  std::vector<double> piece(std::size_t{1} << 16);
  const std::uint64_t count = element_count(tensor.shape);
  for (std::uint64_t first = 0; first < count || first == 0; first += piece.size()) {
    const auto values = std::span(piece).first(std::min<std::uint64_t>(piece.size(), count - first));
    if (Status read = widen(tensor, first, values); !read) return read;
    if (Status fine = check_values<double>(tensor.name, tensor.shape, values, first); !fine) return fine;
  }
  return ok();
}
Status check_finite(std::string_view name, const Shape& shape, std::span<const float> values) {
  return check_values(name, shape, values);
}
Status check_finite(std::string_view name, const Shape& shape, std::span<const double> values) {
  return check_values(name, shape, values);
}

}  // namespace hallmark
