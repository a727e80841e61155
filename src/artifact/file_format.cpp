#include "artifact/file_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error_numbers.hpp"

// Every format: the name of its FileFormat in namespace file_format. A file is of the first that reads it, and the
// container takes what is left.
#define HALLMARK_FILE_FORMATS(FORMAT) \
  FORMAT(safetensors_f32)             \
  FORMAT(safetensors_f64)             \
  FORMAT(gguf)                        \
  FORMAT(golf_int8)                   \
  FORMAT(golf_int6)                   \
  FORMAT(golf_int6_xz)                \
  FORMAT(golf_int6_brotli)            \
  FORMAT(gptq)                        \
  FORMAT(gptq_v2)                     \
  FORMAT(compressed_tensors)          \
  FORMAT(hallmark)

namespace hallmark {

#define DECLARE(name) extern const FileFormat name;
namespace file_format {
HALLMARK_FILE_FORMATS(DECLARE)
}
#undef DECLARE

std::span<const FileFormat* const> file_formats() {
#define ENTRY(name) &file_format::name,
  static constexpr std::array registered = {HALLMARK_FILE_FORMATS(ENTRY)};
#undef ENTRY
  return registered;
}

Expected<const FileFormat*> find_file_format(std::string_view name) {
  const auto found = std::ranges::find(file_formats(), name, &FileFormat::name);
  if (found != file_formats().end()) return *found;
  std::string names;
  for (const FileFormat* format : file_formats()) names += (names.empty() ? "" : ", ") + std::string(format->name);
  return Error{Exit::usage, error_number::file_format_unknown, fmt::format("unknown file format '{}'", name),
               "file formats: " + names, "one of these"};
}

Expected<std::unique_ptr<QuantizedModel>> read_quantized(const std::string& path) {
  Expected<std::unique_ptr<QuantizedModel>> model(nullptr);
  for (const FileFormat* format : file_formats()) {
    if (format->read) model = format->read(path);
    if (!model || *model) break;
  }
  return model;
}

Status write_quantized(const QuantizedModel& model, const FileFormat& format, const Destination& to) {
  if (format.obstacle)
    if (const Status fits = format.obstacle(model); !fits) return fits;
  return format.write(model, to);
}

}  // namespace hallmark
