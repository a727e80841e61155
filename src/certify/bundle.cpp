#include "certify/bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace hallmark {
namespace {

static_assert(std::endian::native == std::endian::little, "words are written as they are in memory");

constexpr std::uint64_t most_rows = std::uint64_t{1} << 24, most_columns = std::uint64_t{1} << 16;

// Bits of Header::flags.
constexpr std::uint32_t has_gram = 1, has_guard = 2, has_zeros = 4;

struct Header {
  std::array<char, 8> magic = {'H', 'A', 'L', 'L', 'B', 'U', 'N', 'D'};
  std::uint32_t version = 2, flags = 0;
  std::uint64_t rows = 0, columns = 0;
  std::uint32_t kind = 0;
  std::int32_t first = 0, second = 0;  // golden: E, M; integer: first, last; table: the number of values, 0
  std::uint32_t group_size = 0;
};
static_assert(sizeof(Header) == 48);

// As the checker numbers them.
std::uint32_t number_of(GridSpec::Kind kind) {
  switch (kind) {
    case GridSpec::Kind::golden: return 0;
    case GridSpec::Kind::integer: return 1;
    case GridSpec::Kind::table: break;
  }
  return 2;
}

Header header_of(const BundleContent& content) {
  const GridSpec& grid = content.grid;
  Header header{.rows = static_cast<std::uint64_t>(content.W.rows()),
                .columns = static_cast<std::uint64_t>(content.W.cols()),
                .kind = number_of(grid.kind),
                .group_size = static_cast<std::uint32_t>(content.steps->group_size)};
  if (content.G != nullptr) header.flags |= has_gram | (content.guard ? has_guard : 0);
  if (content.steps->zeros.size() != 0) header.flags |= has_zeros;
  switch (grid.kind) {
    case GridSpec::Kind::golden:
      header.first = grid.exponent_bits;
      header.second = grid.fraction_bits;
      break;
    case GridSpec::Kind::integer:
      header.first = grid.first;
      header.second = grid.last;
      break;
    case GridSpec::Kind::table: header.first = static_cast<std::int32_t>(grid.points.size()); break;
  }
  return header;
}

template <class T>
std::span<const std::byte> bytes_of(const Matrix<T>& matrix) {
  return std::as_bytes(std::span(matrix.data(), static_cast<std::size_t>(matrix.size())));
}

}  // namespace

std::optional<std::string> bundle_obstacle(const CertifiedTensor& tensor) {
  if (tensor.rows > most_rows || tensor.cols > most_columns)
    return fmt::format("{} x {} is more than 2^24 rows or 2^16 columns", tensor.rows, tensor.cols);
  const auto finite = [](const CertifiedLoss& loss) {
    return std::isfinite(loss.enclosure.lo) && std::isfinite(loss.enclosure.hi);
  };
  for (std::size_t i = 0; i < tensor.values.size(); ++i)
    if (!finite(tensor.values[i].final) || !finite(tensor.values[i].rtn))
      return fmt::format("a loss of row {} is beyond binary64", i);
  return std::nullopt;
}

Status write_bundle(const BundleContent& content, const std::function<Status(std::span<const std::byte>)>& sink) {
  const Header header = header_of(content);
  std::vector<std::uint8_t> flags;
  std::vector<double> ends;
  for (Index i = 0; i < content.W.rows(); ++i) {
    const std::span<const Code> codes = content.codes.subspan(static_cast<std::size_t>(i * content.W.cols()),
                                                              static_cast<std::size_t>(content.W.cols()));
    flags.push_back(content.codes_rtn != nullptr &&
                    std::equal(codes.begin(), codes.end(), content.codes_rtn->row(i).data()));
    if (content.G == nullptr) continue;
    const CertifiedRow& row = content.values[static_cast<std::size_t>(i)];
    ends.insert(ends.end(), {row.final.enclosure.lo, row.final.enclosure.hi});
    if (content.guard) ends.insert(ends.end(), {row.rtn.enclosure.lo, row.rtn.enclosure.hi});
  }
  for (const std::span<const std::byte> part :
       {std::as_bytes(std::span(&header, 1)), std::as_bytes(std::span(content.grid.points)), bytes_of(content.W),
        content.G != nullptr ? bytes_of(*content.G) : std::span<const std::byte>{}, std::as_bytes(content.codes),
        bytes_of(content.steps->scales), bytes_of(content.steps->zeros), std::as_bytes(std::span(flags)),
        std::as_bytes(std::span(ends))})
    if (const Status written = sink(part); !written) return written;
  return ok();
}

}  // namespace hallmark
