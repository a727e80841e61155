#include "artifact/pack/packed_tensor.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_numbers.hpp"
#include "artifact/packed_codes.hpp"

namespace hallmark::pack {

namespace {

std::size_t bytes_of(DType dtype) { return std::max<std::size_t>(1, dtype_bits(dtype) / 8); }

// Symbols of a tensor of `size` bytes in a form; none where they do not agree.
struct Count {
  std::size_t symbols, planes;
};
std::optional<Count> count_of(const Form& form, DType dtype, std::uint64_t size) {
  if (form.bits == 8) {
    const std::size_t width = bytes_of(dtype);
    return form.columns == 0 && size % width == 0 ? std::optional(Count{size, width}) : std::nullopt;
  }
  if (form.bits < 1 || form.bits > 8 || form.columns < 1 || form.columns > 8 * size) return std::nullopt;
  const std::uint64_t row = packed_size(form.columns, form.bits);
  return size % row == 0 ? std::optional(Count{size / row * form.columns, 1}) : std::nullopt;
}

std::optional<Bytes> symbols_of(std::span<const std::byte> bytes, const Form& form, const Count& count) {
  Bytes symbols(count.symbols);
  if (form.bits == 8) {
    const std::size_t length = bytes.size() / count.planes;
    for (std::size_t p = 0; p < count.planes; ++p)
      for (std::size_t i = 0; i < length; ++i) symbols[p * length + i] = bytes[i * count.planes + p];
    return symbols;
  }
  const std::size_t row = packed_size(form.columns, form.bits);
  std::vector<Code> codes(form.columns);
  for (std::size_t at = 0, to = 0; at < bytes.size(); at += row, to += codes.size()) {
    const std::span packed = bytes.subspan(at, row);
    if (!padding_is_zero(packed, codes.size(), form.bits)) return std::nullopt;  // it would not come back
    unpack_codes(packed, form.bits, false, codes);
    for (std::size_t j = 0; j < codes.size(); ++j) symbols[to + j] = static_cast<std::byte>(codes[j]);
  }
  return symbols;
}

std::optional<Bytes> bytes_from(std::span<const std::byte> symbols, const Form& form, const Count& count,
                                std::size_t size) {
  Bytes bytes(size);
  if (form.bits == 8) {
    const std::size_t length = size / count.planes;
    for (std::size_t p = 0; p < count.planes; ++p)
      for (std::size_t i = 0; i < length; ++i) bytes[i * count.planes + p] = symbols[p * length + i];
    return bytes;
  }
  const std::size_t row = packed_size(form.columns, form.bits);
  std::vector<Code> codes(form.columns);
  for (std::size_t at = 0, from = 0; at < size; at += row, from += codes.size()) {
    unsigned all = 0;
    for (std::size_t j = 0; j < codes.size(); ++j) all |= codes[j] = std::to_integer<Code>(symbols[from + j]);
    if (all >> form.bits != 0) return std::nullopt;
    pack_codes(codes, form.bits, std::span(bytes).subspan(at, row));
  }
  return bytes;
}

bool is_plain(const Compressor& compressor) { return compressor.id == 0; }

}  // namespace

Expected<PackedTensor> pack_tensor(std::span<const std::byte> bytes, DType dtype, const Form& form) {
  Form used = form;
  std::optional<Count> count = count_of(used, dtype, bytes.size());
  std::optional<Bytes> symbols = count ? symbols_of(bytes, used, *count) : std::nullopt;
  if (!symbols) {  // codes that are none, or bytes behind them: any bytes have the form {}
    used = {};
    count = count_of(used, dtype, bytes.size());
    symbols = symbols_of(bytes, used, *count);
  }
  PackedTensor best;
  for (const Compressor* compressor : compressors()) {
    const bool plain = is_plain(*compressor);
    if (!plain && bytes.empty()) break;
    std::optional<Bytes> data = plain ? Bytes(bytes.begin(), bytes.end()) : compressor->encode(*symbols, count->planes);
    if (!data || (best.compressor != nullptr && data->size() >= best.data.size())) continue;
    best = {compressor, plain ? Form{} : used, *std::move(data)};
    const std::optional<Bytes> back = unpack_tensor(*compressor, best.form, dtype, bytes.size(), best.data);
    if (!back || !std::ranges::equal(*back, bytes))
      return Error{Exit::internal, error_number::compressor_failed, "a compressor does not read what it wrote",
                   fmt::format("{}, {} bytes of {}", compressor->name, best.data.size(), bytes.size()), "report this"};
  }
  return best;
}

std::optional<Bytes> unpack_tensor(const Compressor& compressor, const Form& form, DType dtype, std::uint64_t size,
                                   std::span<const std::byte> data) {
  const std::optional<Count> count = count_of(form, dtype, size);
  if (!count) return std::nullopt;
  if (is_plain(compressor))
    return form == Form{} && data.size() == size ? std::optional(Bytes(data.begin(), data.end())) : std::nullopt;
  if (count->symbols == 0) return std::nullopt;
  Bytes symbols(count->symbols);
  if (!compressor.decode(data, count->planes, symbols)) return std::nullopt;
  return bytes_from(symbols, form, *count, size);
}

}  // namespace hallmark::pack
