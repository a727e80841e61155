// The dicts of openai/parameter-golf's artifacts: a file of torch.save inside a frame of a compressor. With q int8 and
// scale float16 [rows], W[i, j] = scale[i] q[i, j] in binary32, the two layouts are
//
//   int8   {"__quant_format__": "int8_clean_per_row_v1", "quantized": {NAME: q}, "scales": {NAME: scale},
//           "dtypes": {NAME: "float32"}, "passthrough": {NAME: tensor}, "qmeta": {NAME: {"scheme": "per_row", "axis":
//           0}}}
//   int6   {"w": {NAME.q: q, NAME.scale: scale, NAME: tensor}, "m": {NAME: {"type": "int6" or "int8"} or
//   "passthrough"}}
//
// Some files have their bytes shuffled before they are compressed (byte_shuffle.hpp). A file is compressed as a whole,
// so it is in memory as a whole, on this side and on the other.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "artifact/frame.hpp"
#include "artifact/quantized_metadata.hpp"
#include "artifact/quantized_model.hpp"
#include "io/file.hpp"
#include "io/safetensors.hpp"

namespace hallmark::golf {

inline constexpr std::string_view int8_layout = "int8_clean_per_row_v1";  ///< the value of __quant_format__
inline constexpr std::size_t most_bytes = std::size_t{1} << 30;  ///< of an archive: 60 times what the competition takes
inline constexpr std::size_t most_entries = 60000;

struct Layout {
  std::string_view id;
  bool sections;  ///< the layout int8: codes, scales and the rest each in a dict of their own
  const Frame* frame;
  std::string_view folder;
  bool shuffled = false;  ///< when it is written; what is read may be either
};

/// A value of the dict by its path, and what of the model stands there.
struct Slot {
  std::vector<std::string> path;
  std::variant<std::string, std::int64_t, TensorPlan> value;
  const QuantizedMatrix* matrix = nullptr;  ///< whose codes or scales a tensor is
  bool scales = false;
};

/// Everything in the dict, in its order.
std::vector<Slot> slots_of(const Layout& layout, const QuantizedHeader& header);

/// What keeps a tensor from every artifact of the layout. E0439.
Error refused(const std::string& tensor, const std::string& reason);

/// Whether a header fits, whatever the numbers are. Errors: E0439.
Status fits(const Layout& layout, const QuantizedHeader& header);

/// What stands inside a frame.
struct Unpacked {
  std::vector<std::byte> archive;
  bool shuffled = false;  ///< its bytes were, and are in order again
};

/// The archive inside the frame, of which one that was shuffled need not be any; none where the bytes are another
/// frame's, or no archive is in them. Errors: E0336 bytes that are cut, that go on behind the end, or that hold too
/// much.
Expected<std::optional<Unpacked>> archive_in(const Frame& frame, std::span<const std::byte> bytes,
                                             const std::string& path);

}  // namespace hallmark::golf
