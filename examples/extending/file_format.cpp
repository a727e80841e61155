// A file format of its own: json-lines, a model that any JSON parser reads, a line for each matrix and each tensor that
// passes through. It holds what the container holds, so that it can be read and verified too.
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "artifact/file_format.hpp"
#include "artifact/quantized_metadata.hpp"
#include "artifact/rotation_signs.hpp"
#include "base/error_numbers.hpp"

namespace hallmark {
namespace {

using Json = nlohmann::json;

constexpr std::string_view opening = "{\"json-lines\":1,";  // of a file of this format

// The line of each matrix and of each other tensor: 1 and up, in the order of W.
std::vector<std::string> names(const QuantizedHeader& header) {
  std::vector<std::string> found;
  const auto matrices = matrices_by_tensor(header);
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    if (matrices[i].empty()) found.push_back(header.tensors[i].name);
    for (const QuantizedMatrix& matrix : matrices[i]) found.push_back(matrix.name);
  }
  return found;
}

Error malformed(const std::string& path, const std::string& name) {
  return {Exit::input, error_number::quantized_metadata, "not a file of this format, or an incomplete one",
          fmt::format("{}: line of '{}'", path, name), "export the model again"};
}

class JsonLines final : public QuantizedModel {
 public:
  JsonLines(MappedFile file, QuantizedHeader header, std::map<std::string, std::string_view> lines)
      : QuantizedModel(std::move(header)), file_(std::move(file)), lines_(std::move(lines)) {}

  Expected<Matrix<Code>> codes(const QuantizedMatrix& matrix) const override {
    return numbers<Code, std::int32_t>(matrix.name, "codes", matrix.rows, matrix.cols);
  }
  Expected<Steps> steps(const QuantizedMatrix& matrix) const override {
    const auto groups = groups_of(static_cast<Index>(matrix.cols), matrix.options.group_size);
    Steps steps{{}, {}, matrix.options.group_size};
    auto scales = numbers<float, double>(matrix.name, "scales", matrix.rows, static_cast<std::uint64_t>(groups));
    if (!scales) return scales.error();
    steps.scales = *std::move(scales);
    if (matrix.options.rotation != no_rotation) {
      const auto marks = numbers<std::uint8_t, std::uint8_t>(matrix.name, "rotated", 1, matrix.rows);
      if (!marks) return marks.error();
      steps.rotation = {rotation_signs(matrix.options, matrix.name, static_cast<Index>(matrix.cols)),
                        {marks->data(), marks->data() + marks->size()}};
    }
    if (!matrix.options.grid.spec().zero_points) return steps;
    auto zeros = numbers<std::int16_t, std::int32_t>(matrix.name, "zero_points", matrix.rows,
                                                     static_cast<std::uint64_t>(groups));
    if (!zeros) return zeros.error();
    steps.zeros = *std::move(zeros);
    return steps;
  }
  Status pass_through(const std::string& tensor, const ByteSink& sink) const override {
    const auto found = std::ranges::find(header().tensors, tensor, &OriginalTensor::name);
    const auto values = numbers<float, double>(tensor, "values", 1, element_count(found->shape));
    if (!values) return values.error();
    return sink(std::as_bytes(std::span(values->data(), static_cast<std::size_t>(values->size()))));
  }
  Status check_whole() const override { return ok(); }  // it has no digest of the whole
  Status files_unchanged() const override { return file_.unchanged(); }
  std::vector<std::string> paths() const override { return {file_.path()}; }

 private:
  template <class T, class Written>
  Expected<Matrix<T>> numbers(const std::string& name, const char* key, std::uint64_t rows, std::uint64_t cols) const {
    const Json line = Json::parse(lines_.at(name), nullptr, false);
    const auto bad = [](const Json& x) { return !x.is_number(); };
    if (!line.is_object() || line.value("name", "") != name || !line.contains(key) || !line[key].is_array() ||
        line[key].size() != rows * cols || std::ranges::any_of(line[key], bad))
      return malformed(file_.path(), name);
    Matrix<T> M(static_cast<Index>(rows), static_cast<Index>(cols));
    for (Index k = 0; k < M.size(); ++k)
      M.data()[k] = static_cast<T>(line[key][static_cast<std::size_t>(k)].get<Written>());
    return M;
  }

  MappedFile file_;
  std::map<std::string, std::string_view> lines_;  // by the name of matrix or tensor
};

Expected<std::unique_ptr<QuantizedModel>> read(const std::string& path) {
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  std::string_view text(reinterpret_cast<const char*>(file->bytes().data()), file->bytes().size());
  if (!text.starts_with(opening)) return std::unique_ptr<QuantizedModel>();
  const auto next_line = [&text] {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    return line;
  };
  const Json first = Json::parse(next_line(), nullptr, false);
  if (!first.is_object() || !first.contains("header") || !first["header"].is_object()) return malformed(path, "header");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : first["header"].items()) metadata[key] = value.is_string() ? value : "";
  Expected<QuantizedHeader> header = detail::from_metadata(metadata, path);
  if (!header) return header.error();
  std::map<std::string, std::string_view> lines;
  for (const std::string& name : names(*header)) lines[name] = next_line();
  if (!text.empty()) return malformed(path, "none");
  return std::unique_ptr<QuantizedModel>(
      std::make_unique<JsonLines>(*std::move(file), *std::move(header), std::move(lines)));
}

// JSON has no NaN, no infinity, and nothing else than numbers: of other tensors only finite F32 is taken.
Status inexpressible(const QuantizedModel& model) {
  const auto matrices = matrices_by_tensor(model.header());
  for (const QuantizedMatrix& matrix : model.header().matrices)
    if (matrix.options.low_rank > 0)
      return Error{Exit::infeasible, error_number::format_refuses, "json-lines has no corrections of low rank",
                   fmt::format("tensor '{}': rank {}", matrix.name, matrix.options.low_rank), "--to hallmark"};
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    if (!matrices[i].empty()) continue;
    const OriginalTensor& tensor = model.header().tensors[i];
    if (tensor.dtype != DType::F32)
      return Error{Exit::infeasible, error_number::dtype_unsupported, "a tensor that passes through is not F32",
                   fmt::format("tensor '{}': {}", tensor.name, dtype_name(tensor.dtype)), "--to hallmark"};
    bool finite = true;
    const Status read = model.pass_through(tensor.name, [&](std::span<const std::byte> piece) {
      for (std::size_t at = 0; at < piece.size(); at += sizeof(float)) {
        float x;
        std::memcpy(&x, piece.data() + at, sizeof x);
        finite = finite && std::isfinite(x);
      }
      return ok();
    });
    if (!read) return read;
    if (!finite)
      return Error{Exit::infeasible, error_number::not_finite, "a tensor that passes through is not finite",
                   fmt::format("tensor '{}'", tensor.name), "--to hallmark"};
  }
  return ok();
}

// "1,-0.0,3.5": integers, and binary32 as binary64, whose shortest decimals are read back as they were.
std::string list_of(const auto& values) {
  std::string text;
  for (const auto x : values) {
    if (!text.empty()) text += ',';
    if constexpr (std::is_same_v<std::remove_const_t<decltype(x)>, float>) text += Json(static_cast<double>(x)).dump();
    else text += std::to_string(x);
  }
  return text;
}

Status write_matrix(const QuantizedModel& model, const QuantizedMatrix& matrix, AtomicFile& file) {
  const Expected<Matrix<Code>> codes = model.codes(matrix);
  if (!codes) return codes.error();
  const Expected<Steps> steps = model.steps(matrix);
  if (!steps) return steps.error();
  const bool signed_codes = matrix.options.grid.spec().code_dtype() == "I8";
  const std::string words = signed_codes ? list_of(codes->reshaped<Eigen::RowMajor>().cast<std::int16_t>())
                                         : list_of(codes->reshaped<Eigen::RowMajor>());
  return file.write(
      fmt::format("{{\"name\":{},\"codes\":[{}],\"scales\":[{}],\"zero_points\":[{}],\"rotated\":[{}]}}\n",
                  Json(matrix.name).dump(), words, list_of(steps->scales.reshaped<Eigen::RowMajor>()),
                  list_of(steps->zeros.reshaped<Eigen::RowMajor>()), list_of(steps->rotation.rows)));
}

Status write_tensor(const QuantizedModel& model, const OriginalTensor& tensor, AtomicFile& file) {
  Status written = file.write(fmt::format("{{\"name\":{},\"values\":[", Json(tensor.name).dump()));
  bool first = true;
  if (written)
    written = model.pass_through(tensor.name, [&](std::span<const std::byte> piece) {
      std::vector<float> values(piece.size() / sizeof(float));
      std::memcpy(values.data(), piece.data(), piece.size());
      const Status put = file.write(fmt::format("{}{}", first ? "" : ",", list_of(values)));
      first = false;
      return put;
    });
  return written ? file.write("]}\n") : written;
}

Status write(const QuantizedModel& model, const Destination& to) {
  const QuantizedHeader& header = model.header();
  Expected<AtomicFile> file = AtomicFile::create(to.path, to.overwrite);
  if (!file) return file.error();
  Status written = file->write(fmt::format("{}\"header\":{}}}\n", opening, Json(detail::to_metadata(header)).dump()));
  const auto matrices = matrices_by_tensor(header);
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const OriginalTensor& tensor = header.tensors[i];
    if (to.progress) to.progress(static_cast<double>(i), static_cast<double>(matrices.size()), tensor.name);
    if (written && matrices[i].empty()) written = write_tensor(model, tensor, *file);
    for (const QuantizedMatrix& matrix : matrices[i])
      if (written) written = write_matrix(model, matrix, *file);
  }
  if (written) written = model.files_unchanged();
  return written ? file->commit() : written;
}

}  // namespace

namespace file_format {
extern const FileFormat json_lines;
const FileFormat json_lines{"json-lines", "a line of JSON for each matrix and tensor", read, inexpressible, write};
}  // namespace file_format

}  // namespace hallmark
