#include "artifact/word_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error_numbers.hpp"
#include "artifact/word_stream.hpp"
#include "artifact/quantized_metadata.hpp"
#include "artifact/sealed.hpp"
#include "artifact/stored_bytes.hpp"

namespace hallmark::detail {

namespace {

constexpr const char* format_key = "hallmark.file_format";

std::string named(const QuantizedMatrix& matrix, std::string_view part) {
  return fmt::format("{}.{}", layer_of(matrix.tensor), part);
}

bool has_zeros(const WordLayout& layout, const QuantizedMatrix& matrix) {
  return layout.always_zeros || matrix.options.grid.spec().zero_points;
}

/// What is added to a code of the grid: codes of a layout begin at 0.
int offset_of(const QuantizedMatrix& matrix) {
  const GridSpec& grid = matrix.options.grid.spec();
  return grid.zero_points ? 0 : 1 << (grid.bits - 1);
}

/// [rows, cols] as the layout has it.
template <class T>
Matrix<T> laid_out(const WordLayout& layout, const Matrix<T>& M) {
  return layout.inputs_first ? Matrix<T>(M.transpose()) : M;
}
Shape laid_out(const WordLayout& layout, std::uint64_t rows, std::uint64_t cols) {
  return layout.inputs_first ? Shape{cols, rows} : Shape{rows, cols};
}

std::uint64_t words_of(std::uint64_t count, int bits) { return (count * static_cast<std::uint64_t>(bits) + 31) / 32; }

std::vector<TensorPlan> word_plan(const WordLayout& layout, const QuantizedHeader& header, DType scales) {
  std::vector<TensorPlan> plan;
  const auto by_tensor = matrices_by_tensor(header);
  for (std::size_t i = 0; i < by_tensor.size(); ++i) {
    const OriginalTensor& tensor = header.tensors[i];
    if (by_tensor[i].empty()) plan.push_back({tensor.name, tensor.dtype, tensor.shape});
    for (const QuantizedMatrix& m : by_tensor[i]) {
      const int bits = m.options.grid.spec().bits;
      const auto groups = static_cast<std::uint64_t>(groups_of(static_cast<Index>(m.cols), m.options.group_size));
      const KnownTensor known = layout.known_tensor(m);
      plan.push_back({named(m, layout.codes), DType::I32, laid_out(layout, m.rows, words_of(m.cols, bits))});
      plan.push_back({named(m, layout.scales), scales, laid_out(layout, m.rows, groups)});
      if (has_zeros(layout, m))
        plan.push_back({named(m, layout.zeros), DType::I32, laid_out(layout, words_of(m.rows, bits), groups)});
      plan.push_back({named(m, layout.known), known.dtype, known.shape});
    }
  }
  return plan;
}

/// What keeps a matrix from the layout by its shape and options alone.
std::optional<std::string> misfit(const WordLayout& layout, const QuantizedMatrix& matrix) {
  const GridSpec& grid = matrix.options.grid.spec();
  if (matrix.index) return "it is one of a stack, and the layout has matrices of layers";
  if (layer_of(matrix.tensor).empty()) return "the layout names tensors after a layer, of which W has NAME.weight";
  if (grid.kind != GridSpec::Kind::integer || (layout.bits >> grid.bits & 1) == 0)
    return fmt::format("the layout has no codes of grid {}", grid.id);
  if (matrix.options.rotation != no_rotation) return "the layout knows no rotation";
  if (matrix.options.low_rank > 0) return "the layout knows no correction of low rank";
  if (matrix.transposed && !layout.inputs_first)
    return "W holds it as [inputs, outputs], the layout the other way round";
  if (matrix.options.group_size > 0 && matrix.cols % static_cast<std::uint64_t>(matrix.options.group_size) != 0)
    return fmt::format("groups of {} do not divide {} columns", matrix.options.group_size, matrix.cols);
  if (matrix.rows % layout.multiple != 0 || matrix.cols % layout.multiple != 0)
    return fmt::format("{} x {}: the layout has multiples of {}", matrix.rows, matrix.cols, layout.multiple);
  return std::nullopt;
}

/// What keeps steps from the layout; scales are F16 as long as nothing is against it, then BF16.
std::optional<std::string> step_misfit(const WordLayout& layout, const Steps& steps, ScaleStorage& storage) {
  for (Index k = 0; k < steps.scales.size(); ++k) {
    const float s = steps.scales.data()[k];
    if (!holds(storage, s) && storage == ScaleStorage::f16) storage = ScaleStorage::bf16;
    if (!holds(storage, s))
      return fmt::format("scale {} of {} is {:a}; neither F16 nor BF16 holds all scales of the model (--scale-storage)",
                         k, steps.scales.size(), s);
    if (steps.zeros.size() > 0 && steps.zeros.data()[k] < layout.zero_bias)
      return fmt::format("zero point {} of {} is {}, and the layout stores it minus {} (--to gptq-v2)", k,
                         steps.zeros.size(), steps.zeros.data()[k], layout.zero_bias);
  }
  return std::nullopt;
}

/// How the layout stores the scales of the model. Errors: E0439; those of the model.
Expected<ScaleStorage> scale_storage(const WordLayout& layout, const QuantizedModel& model) {
  const auto refuse = [&](const QuantizedMatrix& matrix, const std::string& reason) {
    return Error{Exit::infeasible, error_number::format_refuses, "the format cannot hold every number unchanged",
                 fmt::format("tensor '{}': {}", matrix.name, reason),
                 "another format, or quantize this tensor with other options"};
  };
  ScaleStorage storage = ScaleStorage::f16;
  // Again with BF16, which need not hold what F16 held before.
  for (int pass = 0; pass == 0 || (pass == 1 && storage == ScaleStorage::bf16); ++pass)
    for (const QuantizedMatrix& matrix : model.header().matrices) {
      if (const auto reason = misfit(layout, matrix)) return refuse(matrix, *reason);
      const Expected<Steps> steps = model.steps(matrix);
      if (!steps) return steps.error();
      if (const auto reason = step_misfit(layout, *steps, storage)) return refuse(matrix, *reason);
    }
  return storage;
}

Status write_matrix(const WordLayout& layout, const QuantizedModel& model, const QuantizedMatrix& matrix,
                    ScaleStorage storage, SealedWriter& writer) {
  Expected<Matrix<Code>> codes = model.codes(matrix);
  if (!codes) return codes.error();
  const Expected<Steps> steps = model.steps(matrix);
  if (!steps) return steps.error();
  const int bits = matrix.options.grid.spec().bits, offset = offset_of(matrix);
  for (Code& code : std::span(codes->data(), static_cast<std::size_t>(codes->size())))
    code = static_cast<Code>(code + offset);
  const auto put = [&](std::string_view part, const Matrix<std::uint32_t>& words) {
    const Matrix<std::uint32_t> placed = laid_out(layout, words);
    return writer.write(named(matrix, part), std::as_bytes(all(placed)));
  };
  Status written = put(layout.codes, pack_rows(*codes, bits));
  std::vector<std::byte> room;
  const Matrix<float> scales = laid_out(layout, steps->scales);
  if (written) written = writer.write(named(matrix, layout.scales), scale_bytes(all(scales), storage, room));
  if (written && has_zeros(layout, matrix)) {
    Matrix<Code> stored(steps->scales.cols(), steps->scales.rows());  // packed along the outputs
    for (Index g = 0; g < stored.rows(); ++g)
      for (Index i = 0; i < stored.cols(); ++i)
        stored(g, i) = static_cast<Code>((offset > 0 ? offset : steps->zeros(i, g)) - layout.zero_bias);
    written = put(layout.zeros, pack_rows(stored, bits).transpose());
  }
  return written ? writer.write(named(matrix, layout.known), layout.known_tensor(matrix).bytes) : written;
}

/// A model in one of the layouts. Names, dtypes and shapes are checked.
class WordFile final : public QuantizedModel {
 public:
  WordFile(const WordLayout& layout, SafeTensors file, QuantizedHeader header)
      : QuantizedModel(std::move(header)), layout_(layout), file_(std::move(file)) {}

  Expected<Matrix<Code>> codes(const QuantizedMatrix& matrix) const override {
    auto codes = unpack_rows(words(matrix, layout_.codes), static_cast<Index>(matrix.cols), bits(matrix));
    if (!codes) return strange(matrix, error_number::quantized_code, layout_.codes, "bits behind the last code");
    const int offset = offset_of(matrix);
    for (Code& code : std::span(codes->data(), static_cast<std::size_t>(codes->size())))
      code = static_cast<Code>(code - offset);
    return *std::move(codes);
  }

  Expected<Steps> steps(const QuantizedMatrix& matrix) const override {
    const auto rows = static_cast<Index>(matrix.rows);
    const Index groups = groups_of(static_cast<Index>(matrix.cols), matrix.options.group_size);
    const std::vector<float> stored = *widen_to_f32(*file_.find(named(matrix, layout_.scales)));
    const Eigen::Map<const Matrix<float>> scales(stored.data(), layout_.inputs_first ? groups : rows,
                                                 layout_.inputs_first ? rows : groups);
    Steps steps{laid_out(layout_, Matrix<float>(scales)), {}, matrix.options.group_size};
    if (!std::ranges::equal(file_.find(named(matrix, layout_.known))->data, layout_.known_tensor(matrix).bytes))
      return strange(matrix, error_number::quantized_shape, layout_.known,
                     "another grouping or shape than the metadata say");
    if (!has_zeros(layout_, matrix)) return steps;
    const auto zeros = unpack_rows(words(matrix, layout_.zeros).transpose(), rows, bits(matrix));
    if (!zeros) return strange(matrix, error_number::quantized_scale, layout_.zeros, "bits behind the last zero point");
    const Matrix<std::int16_t> meant =
        zeros->transpose().cast<std::int16_t>().array() + std::int16_t(layout_.zero_bias);
    if (matrix.options.grid.spec().zero_points) steps.zeros = meant;
    else if ((meant.array() != static_cast<std::int16_t>(offset_of(matrix))).any())
      return strange(matrix, error_number::quantized_scale, layout_.zeros, "zero points of a grid that has none");
    return steps;
  }

  Status pass_through(const std::string& tensor, const ByteSink& sink) const override {
    return in_pieces(file_.find(tensor)->data, sink);
  }
  Status check_whole() const override { return check_digests(file_); }
  Status files_unchanged() const override { return file_.unchanged(); }
  std::vector<std::string> paths() const override { return file_.paths(); }

 private:
  static int bits(const QuantizedMatrix& matrix) { return matrix.options.grid.spec().bits; }

  /// Words [rows, words] of codes, or [words, groups] of zero points.
  Matrix<std::uint32_t> words(const QuantizedMatrix& matrix, std::string_view part) const {
    const TensorInfo& tensor = *file_.find(named(matrix, part));
    Matrix<std::uint32_t> words(static_cast<Index>(tensor.shape[0]), static_cast<Index>(tensor.shape[1]));
    std::memcpy(words.data(), tensor.data.data(), tensor.data.size());
    forget_pages(tensor.data);
    return laid_out(layout_, words);
  }

  Error strange(const QuantizedMatrix& matrix, int number, std::string_view part, std::string_view what) const {
    return {Exit::input, number, "a tensor is not as layout and metadata give it",
            fmt::format("{}: '{}': {}", file_.paths().front(), named(matrix, part), what), "export the model again"};
  }

  const WordLayout& layout_;
  SafeTensors file_;
};

}  // namespace

WordScheme scheme_of(const QuantizedMatrix& matrix) {
  const GridSpec& grid = matrix.options.grid.spec();
  return {grid.bits, matrix.options.group_size, !grid.zero_points};
}

std::string_view layer_of(std::string_view tensor) {
  constexpr std::string_view ending = ".weight";
  return tensor.ends_with(ending) ? tensor.substr(0, tensor.size() - ending.size()) : std::string_view();
}

Expected<std::unique_ptr<QuantizedModel>> read_words(const WordLayout& layout, const std::string& path) {
  Expected<SafeTensors> file = SafeTensors::open(path);
  if (!file) return std::unique_ptr<QuantizedModel>();
  std::map<std::string, std::string> metadata = file->metadata();
  const auto format = metadata.find(format_key);
  if (format == metadata.end() || format->second != layout.format) return std::unique_ptr<QuantizedModel>();
  metadata.erase(format);
  Expected<QuantizedHeader> header = from_metadata(metadata, path);
  if (!header) return header.error();
  if (const Status sealed = check_sealed(*file, header->schema); !sealed) return sealed.error();
  for (const QuantizedMatrix& matrix : header->matrices)
    if (const auto reason = misfit(layout, matrix))
      return Error{Exit::input, error_number::quantized_metadata, "a matrix that the format does not have",
                   fmt::format("{}: tensor '{}': {}", path, matrix.name, *reason), "export the model again"};
  const bool bf16 = !header->matrices.empty() && [&] {
    const TensorInfo* const scales = file->find(named(header->matrices.front(), layout.scales));
    return scales != nullptr && scales->dtype == DType::BF16;
  }();
  const DType scales = bf16 ? DType::BF16 : DType::F16;
  if (const Status fits = check_tensors(*file, word_plan(layout, *header, scales)); !fits) return fits.error();
  return std::unique_ptr<QuantizedModel>(std::make_unique<WordFile>(layout, *std::move(file), *std::move(header)));
}

Status words_obstacle(const WordLayout& layout, const QuantizedModel& model) {
  const Expected<ScaleStorage> storage = scale_storage(layout, model);
  return storage ? ok() : Status(storage.error());
}

Status write_words(const WordLayout& layout, const QuantizedModel& model, const Destination& to) {
  const QuantizedHeader& header = model.header();
  const Expected<ScaleStorage> storage = scale_storage(layout, model);
  if (!storage) return storage.error();
  const std::string config_path = to.path + ".config.json";
  if (const Status free = check_output(config_path, to.overwrite, model.paths()); !free) return free;
  auto metadata = to_metadata(header);
  metadata[format_key] = layout.format;
  Expected<SealedWriter> writer = SealedWriter::create(
      to.path, to.overwrite, word_plan(layout, header, *storage == ScaleStorage::f16 ? DType::F16 : DType::BF16),
      std::move(metadata));
  if (!writer) return writer.error();
  const auto by_tensor = matrices_by_tensor(header);
  for (std::size_t i = 0; i < by_tensor.size(); ++i) {
    const std::string& name = header.tensors[i].name;
    if (to.progress) to.progress(static_cast<double>(i), static_cast<double>(by_tensor.size()), name);
    const auto passing = [&](const ByteSink& sink) { return model.pass_through(name, sink); };
    if (by_tensor[i].empty())
      if (const Status written = writer->write_in_pieces(name, passing); !written) return written;
    for (const QuantizedMatrix& matrix : by_tensor[i])
      if (const Status written = write_matrix(layout, model, matrix, *storage, *writer); !written) return written;
  }
  Expected<AtomicFile> config = AtomicFile::create(config_path, to.overwrite);
  if (!config) return config.error();
  if (const Status written = config->write(layout.config(header)); !written) return written;
  if (const Status same = model.files_unchanged(); !same) return same;
  const Expected<std::string> payload = writer->seal();
  if (!payload) return payload.error();
  return commit_pair(writer->file(), *config, fmt::format("{}.{}", config_path, *payload));
}

}  // namespace hallmark::detail
