// The bytes of a tensor, in the fewest bytes that a compressor finds.
#pragma once

#include "artifact/pack/compressor.hpp"
#include "io/safetensors.hpp"

namespace hallmark::pack {

/// How the bytes of a tensor are symbols of one byte each.
struct Form {
  std::uint8_t bits = 8;      ///< below 8: the codes of rows of `columns` codes, packed row by row (packed_codes.hpp)
  std::uint64_t columns = 0;  ///< 0 where bits is 8: first byte of every element, second byte, .. (byte shuffle)
  friend bool operator==(const Form&, const Form&) = default;
};

/// What an artifact holds of a tensor. With the compressor `plain` data are the tensor's own bytes, form is {}.
struct PackedTensor {
  const Compressor* compressor = nullptr;
  Form form;
  Bytes data;
};

/// The shortest that any compressor makes of the bytes in this form; the first of several. Each was read back.
/// Precondition: whole elements of the dtype. Errors: E0102 a compressor does not read what it wrote. Throws
/// std::bad_alloc.
Expected<PackedTensor> pack_tensor(std::span<const std::byte> bytes, DType dtype, const Form& form);

/// The `size` bytes of a tensor again; none where pack_tensor did not write this. Nothing is allocated before form and
/// size were found to agree; at most 9 bytes for each of the tensor's. Throws std::bad_alloc.
std::optional<Bytes> unpack_tensor(const Compressor& compressor, const Form& form, DType dtype, std::uint64_t size,
                                   std::span<const std::byte> data);

}  // namespace hallmark::pack
