// Artifacts that the competition's own scripts wrote, without an entry hallmark.json: what their readers make of them.
// Rules and error numbers: docs/parameter-golf.md.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/formats/parameter_golf_layout.hpp"
#include "artifact/frame.hpp"
#include "io/file.hpp"
#include "io/safetensors.hpp"

namespace hallmark::golf {

/// A tensor of such an artifact. Codes and scales are views into the archive.
struct Published {
  TensorInfo stored;                ///< codes (I8), or what passes through
  std::optional<TensorInfo> scale;  ///< of codes: finite, one a row or one for all
  DType dtype = DType::F32;         ///< that the reader casts to
};

struct PublishedDict {
  std::string_view layout;  ///< as messages name it
  std::vector<Published> tensors;
};

/// The tensors in the order of the competition's reader: quantized, then passing through; in the layout int6, which
/// names no dtypes, as its `m` has them, codes as F32 and all else as it is stored. Errors: E0399 a dict of no layout
/// that is read, or one that contradicts itself; E0350 a scale that is not finite; E0336..E0339; E0414.
Expected<PublishedDict> parse_published(std::span<const std::byte> archive, const std::string& path);

/// The tensor's numbers, piece by piece: scale times code in binary32, then rounded once to its dtype; what passes
/// through is rounded where its dtype is another, and else byte for byte. Errors: E0437 a product, or a finite number
/// that is rounded, beyond binary32 or the dtype; those of the sink.
Status read_values(const Published& tensor, const std::string& path, const ByteSink& sink);

class PublishedFile {
 public:
  /// None where the file is no archive inside a frame, or has an entry hallmark.json.
  /// Errors: those of parse_published and of archive_in.
  static Expected<std::optional<PublishedFile>> open(const std::string& path);

  const std::vector<Published>& tensors() const { return dict_.tensors; }
  std::string_view layout() const { return dict_.layout; }
  std::string_view frame() const { return frame_; }
  bool shuffled() const { return unpacked_.shuffled; }
  const std::string& path() const { return file_.path(); }
  Status unchanged() const { return file_.unchanged(); }

 private:
  PublishedFile(MappedFile file, Unpacked unpacked, std::string_view frame)
      : file_(std::move(file)), unpacked_(std::move(unpacked)), frame_(frame) {}

  MappedFile file_;
  Unpacked unpacked_;  // of which the tensors are views
  std::string_view frame_;
  PublishedDict dict_;
};

}  // namespace hallmark::golf
