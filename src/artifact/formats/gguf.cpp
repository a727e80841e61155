// GGUF: Q4_0, Q6_K and Q8_0 blocks that hold codes and scales bit for bit, and the header of the container in keys of
// their own, so that the file is read, verified and exported again. Layout and limits: docs/formats.md.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "artifact/file_format.hpp"
#include "artifact/gguf_blocks.hpp"
#include "artifact/llama_folder.hpp"
#include "artifact/llama_layout.hpp"
#include "artifact/quantized_metadata.hpp"
#include "base/error_numbers.hpp"
#include "io/gguf.hpp"
#include "io/sha256.hpp"
#include "io/utf8.hpp"
#include "scale/storage.hpp"

#include "format/golden_float.hpp"  // after the dtypes, whose names its formats would shadow

namespace hallmark {
namespace {

using gguf::block_codes, gguf::info_of;
constexpr auto block_width = static_cast<Index>(block_codes);
constexpr const char* heads_key = "hallmark.llama";  // of a file for llama.cpp: how many heads turn which rows

Error refused(std::string what, const std::string& tensor, const std::string& where, std::string hint) {
  return {Exit::infeasible, error_number::format_refuses, std::move(what),
          fmt::format("tensor '{}': {}", tensor, where), std::move(hint)};
}

std::optional<gguf::Type> blocks_of(const QuantizedMatrix& matrix) {
  return gguf::type_of(matrix.options.grid.spec(), matrix.cols, static_cast<std::uint64_t>(matrix.options.group_size));
}

// Why the matrix is not one of blocks, whatever its scales are.
std::optional<Error> block_obstacle(const QuantizedMatrix& matrix) {
  const Options& options = matrix.options;
  const char* const preset = "quantize --preset q4_0, q6_k or q8_0";
  if (options.rotation != no_rotation)
    return refused("GGUF has no rotated rows", matrix.name, "rotation " + options.rotation, preset);
  if (options.low_rank > 0)
    return refused("GGUF has no corrections of low rank", matrix.name, fmt::format("rank {}", options.low_rank),
                   preset);
  if (!blocks_of(matrix))
    return refused("GGUF has no blocks with the points of this grid", matrix.name, "grid " + options.grid.name(),
                   preset);
  if (matrix.cols % block_codes != 0)
    return refused("a row does not fill whole blocks of 32", matrix.name, fmt::format("{} columns", matrix.cols),
                   "leave the tensor out with a rule, skip");
  if (options.group_size % block_width != 0)
    return refused("a block of 32 would have more than one scale", matrix.name,
                   fmt::format("groups of {} columns", options.group_size), preset);
  return std::nullopt;
}

// A tensor of the file, and how that of W stands in it.
struct Planned : gguf::TensorPlan {
  llama::Arrangement how = {};
};

// Every tensor of W is one tensor here, in W's order; a stack has its matrices one behind the other. `heads`: in the
// layout of llama.cpp. Errors: E0413, E0414, E0439.
Expected<std::vector<Planned>> plan_of(const QuantizedHeader& header, const std::optional<llama::Heads>& heads) {
  const auto matrices = matrices_by_tensor(header);
  std::vector<Planned> plan;
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const OriginalTensor& tensor = header.tensors[i];
    if (!gguf::usable_name(tensor.name, gguf::max_name))
      return Error{
          Exit::infeasible, error_number::plan_name, "a name that GGUF cannot hold",
          fmt::format("tensor '{}': {} bytes, the limit is {}", tensor.name, tensor.name.size(), gguf::max_name),
          "rename the tensor, or another format"};
    Shape dims(tensor.shape.rbegin(), tensor.shape.rend());
    if (dims.empty()) dims = {1};
    std::optional<gguf::Type> type = gguf::type_of(tensor.dtype);
    for (const QuantizedMatrix& matrix : matrices[i]) {
      if (auto obstacle = block_obstacle(matrix)) return *std::move(obstacle);
      const auto blocks = blocks_of(matrix);
      if (matrix.index.value_or(0) > 0 && blocks != type)
        return refused("GGUF has one type for a stack of matrices", matrix.name, "grid " + matrix.options.grid.name(),
                       "one grid for all matrices of the stack");
      type = blocks;
      dims[0] = matrix.cols;
      dims[1] = matrix.rows;
    }
    if (!type)
      return refused("GGUF has no type for the dtype of a tensor that passes through", tensor.name,
                     std::string(dtype_name(tensor.dtype)), "leave the tensor out of the weights");
    Planned planned{{tensor.name, *type, std::move(dims)}};
    if (heads) {
      const auto how = llama::arrange(tensor, !matrices[i].empty(), *heads, planned);
      if (!how) return how.error();
      planned.how = *how;
    }
    if (const auto bytes = gguf::tensor_bytes(planned); !bytes) return bytes.error();
    plan.push_back(std::move(planned));
  }
  return plan;
}

// The blocks of a matrix inside its tensor.
struct Blocks {
  gguf::Type type;
  std::span<const std::byte> bytes;
  std::size_t in_row;
  std::uint64_t height;                       // of the heads that turn rows
  std::size_t codes = info_of(type).numbers;  // of a block

  const std::byte* at(Index row, std::size_t block) const {
    const std::uint64_t line = llama::file_row(static_cast<std::uint64_t>(row), height);
    return bytes.data() + (line * in_row + block) * info_of(type).bytes;
  }
};

Error malformed(int number, std::string what, std::string where) {
  return {Exit::input, number, std::move(what), std::move(where), "export the model again"};
}

// What the file says of all that is read from it: types, dimensions and bytes.
template <class Plan>
std::string payload_sha256_of(const Plan& plan, const std::vector<std::string>& digests) {
  std::map<std::string_view, std::string> lines;
  for (std::size_t i = 0; i < plan.size(); ++i)
    lines[plan[i].name] =
        fmt::format("{}\n{} {} {}\n", plan[i].name, info_of(plan[i].type).name, shape_text(plan[i].dims), digests[i]);
  Sha256 payload;
  for (const auto& [name, line] : lines) payload.update(line);
  return payload.hex();
}

class GgufModel final : public QuantizedModel {
 public:
  // `plan` is of the same tensors as the header and the file.
  GgufModel(MappedFile file, QuantizedHeader header, gguf::Parsed parsed, const std::vector<Planned>& plan)
      : QuantizedModel(std::move(header)), file_(std::move(file)), parsed_(std::move(parsed)) {
    for (std::size_t i = 0; i < plan.size(); ++i)
      by_name_[this->header().tensors[i].name] = {&this->header().tensors[i], &parsed_.tensors[i], plan[i].how};
  }

  Expected<Matrix<Code>> codes(const QuantizedMatrix& matrix) const override {
    const Blocks blocks = blocks_of(matrix);
    Matrix<Code> codes(static_cast<Index>(matrix.rows), static_cast<Index>(matrix.cols));
#pragma omp parallel for
    for (Index i = 0; i < codes.rows(); ++i)
      for (std::size_t b = 0; b < blocks.in_row; ++b)
        gguf::unpack_block(blocks.type, blocks.at(i, b),
                           {&codes(i, static_cast<Index>(b * blocks.codes)), blocks.codes});
    forget_pages(blocks.bytes);
    return codes;
  }

  // A group of several blocks has its scale in each of them.
  Expected<Steps> steps(const QuantizedMatrix& matrix) const override {
    const Blocks blocks = blocks_of(matrix);
    const Options& options = matrix.options;
    const auto rows = static_cast<Index>(matrix.rows), cols = static_cast<Index>(matrix.cols);
    Steps steps{Matrix<float>(rows, groups_of(cols, options.group_size)), {}, options.group_size};
    for (Index i = 0; i < rows; ++i)
      for (std::size_t b = 0; b < blocks.in_row; ++b) {
        const auto column = static_cast<Index>(b * blocks.codes);
        std::array<Code, gguf::most_block_codes> codes;
        const float d =
            FP16::decode(gguf::unpack_block(blocks.type, blocks.at(i, b), std::span(codes).first(blocks.codes)));
        const auto where = [&] {
          return fmt::format("{}: tensor '{}': scale {} of row {}, block {}", file_.path(), matrix.name, d, i, b);
        };
        if (!gguf::plain_factors(blocks.type, blocks.at(i, b)))
          return malformed(error_number::gguf_scales, "a block has a factor of its scale that is not 1", where());
        if (!holds(ScaleStorage::f16, d) || !holds(options.scale_storage, d))
          return malformed(error_number::quantized_scale, "a scale is none that its storage holds", where());
        float& scale = steps.scales(i, steps.group(column));
        if (options.group_size == 0 ? b == 0 : column % options.group_size == 0) scale = d;
        else if (scale != d)
          return malformed(error_number::gguf_scales, "the blocks of one group have different scales", where());
      }
    return steps;
  }

  Status pass_through(const std::string& tensor, const ByteSink& sink) const override {
    const auto& [original, stored, how] = by_name_.at(tensor);
    if (how.height == 0 && !how.widened) return in_pieces(stored->data, sink);
    const auto bytes = llama::from_file(*original, how, {stored->data.begin(), stored->data.end()});
    return bytes ? sink(*bytes) : Status(bytes.error());
  }

  Status check_whole() const override {
    const auto compare = [&](const char* what, std::string_view key, const std::string& computed) {
      const std::string& stored = parsed_.strings.at(std::string(key));
      if (computed == stored) return ok();
      return Status(Error{Exit::mismatch, error_number::payload_digest,
                          fmt::format("the {} are not those that were written", what),
                          fmt::format("{}: {} is {}, computed {}", file_.path(), key, printable(stored), computed),
                          "get the file again, or export the model again"});
    };
    std::vector<std::string> digests(parsed_.tensors.size());
#pragma omp parallel for schedule(dynamic)
    for (std::size_t i = 0; i < digests.size(); ++i) digests[i] = sha256_mapped(parsed_.tensors[i].data);
    const Status same = compare("tensors", detail::payload_key, payload_sha256_of(parsed_.tensors, digests));
    return same ? compare("metadata", detail::metadata_key, detail::metadata_digest(parsed_.strings)) : same;
  }
  Status files_unchanged() const override { return file_.unchanged(); }
  std::vector<std::string> paths() const override { return {file_.path()}; }

 private:
  struct Stored {
    const OriginalTensor* original;
    const gguf::Tensor* tensor;
    llama::Arrangement how;
  };

  Blocks blocks_of(const QuantizedMatrix& matrix) const {
    const Stored& stored = by_name_.at(matrix.tensor);
    const gguf::Tensor& tensor = *stored.tensor;
    const std::size_t in_row = matrix.cols / info_of(tensor.type).numbers,
                      size = matrix.rows * in_row * info_of(tensor.type).bytes;
    return {tensor.type, tensor.data.subspan(matrix.index.value_or(0) * size, size), in_row, stored.how.height};
  }

  MappedFile file_;
  gguf::Parsed parsed_;
  std::unordered_map<std::string, Stored> by_name_;  // of W
};

// The tensors that the header promises, if they are those of the file, in its order.
Expected<std::vector<Planned>> check_tensors(const QuantizedHeader& header, const std::optional<llama::Heads>& heads,
                                             const gguf::Parsed& parsed, const std::string& path) {
  auto plan = plan_of(header, heads);
  if (!plan)
    return malformed(error_number::quantized_shape, "the metadata promise what GGUF cannot hold: " + plan.error().what,
                     path + ": " + plan.error().where);
  for (std::size_t i = 0; i < std::max(plan->size(), parsed.tensors.size()); ++i) {
    const auto name = [i](const auto& list) { return i < list.size() ? printable(list[i].name) : "none"; };
    if (i >= plan->size() || i >= parsed.tensors.size() || parsed.tensors[i].name != (*plan)[i].name)
      return malformed(
          error_number::quantized_tensors, "other tensors than the tensor map has",
          fmt::format("{}: tensor {} is '{}', by the map '{}'", path, i, name(parsed.tensors), name(*plan)));
    const gguf::Tensor& found = parsed.tensors[i];
    // Before there were blocks of Q6_K, Q8_0 took their place.
    const bool older = found.type == gguf::Type::Q8_0 && (*plan)[i].type == gguf::Type::Q6_K;
    if ((found.type != (*plan)[i].type && !older) || found.dims != (*plan)[i].dims)
      return malformed(
          error_number::quantized_shape, "a tensor has another type or shape than the metadata says",
          fmt::format("{}: tensor '{}': {} {}, by the metadata {} {}", path, found.name, info_of(found.type).name,
                      shape_text(found.dims), info_of((*plan)[i].type).name, shape_text((*plan)[i].dims)));
  }
  return plan;
}

Expected<std::unique_ptr<QuantizedModel>> read(const std::string& path) {
  std::error_code fault;
  if (std::filesystem::is_directory(path, fault)) return std::unique_ptr<QuantizedModel>();  // of another format
  Expected<MappedFile> file = MappedFile::open(path);
  if (!file) return file.error();
  if (!gguf::is_gguf(file->bytes())) return std::unique_ptr<QuantizedModel>();
  Expected<gguf::Parsed> parsed = gguf::parse(file->bytes(), path);
  if (!parsed) return parsed.error();
  std::map<std::string, std::string> container = parsed->strings;  // which has no heads
  std::optional<llama::Heads> heads;
  if (const auto found = container.find(heads_key); found != container.end()) {
    heads = llama::heads_of(found->second);
    if (!heads)
      return malformed(error_number::quantized_metadata, "an entry is not two numbers of heads",
                       fmt::format("{}: '{}' is '{}'", path, heads_key, printable(found->second)));
    container.erase(found);
  }
  Expected<QuantizedHeader> header = detail::from_metadata(container, path);
  if (!header) return header.error();
  const auto plan = check_tensors(*header, heads, *parsed, path);
  if (!plan) return plan.error();
  for (const std::string_view key : {detail::payload_key, detail::metadata_key})
    if (!parsed->strings.contains(std::string(key)))
      return malformed(error_number::quantized_metadata, "not a quantized file of Hallmark's, or an incomplete one",
                       fmt::format("{}: no metadata entry '{}'", path, key));
  return std::unique_ptr<QuantizedModel>(
      std::make_unique<GgufModel>(*std::move(file), *std::move(header), *std::move(parsed), *plan));
}

Status obstacle(const QuantizedModel& model) {
  if (const auto plan = plan_of(model.header(), std::nullopt); !plan) return plan.error();
  for (const QuantizedMatrix& matrix : model.header().matrices) {
    const Expected<Steps> steps = model.steps(matrix);
    if (!steps) return steps.error();
    const Matrix<float>& scales = steps->scales;
    for (Index k = 0; k < scales.size(); ++k)
      if (const float s = scales.data()[k]; !holds(ScaleStorage::f16, s))
        return refused("a scale is not one of binary16", matrix.name,
                       fmt::format("scale {} of {} is {:a}", k, scales.size(), s), "quantize with --scale-storage f16");
  }
  return ok();
}

// The key-values, and in them the digests of what stands in the file.
gguf::Metadata metadata_of(const QuantizedHeader& header, const llama::Folder* llama, const std::string& payload) {
  std::map<std::string, std::string> ours = detail::to_metadata(header);
  std::erase_if(ours, [](const auto& entry) { return !detail::is_ours(entry.first); });
  if (llama) ours[heads_key] = llama::text_of(llama->config.heads);
  ours[std::string(detail::payload_key)] = payload;
  ours[std::string(detail::metadata_key)] = detail::metadata_digest(ours);
  gguf::Metadata metadata = llama ? llama->metadata : gguf::Metadata{{"general.architecture", "hallmark"}};
  metadata.emplace_back("general.quantization_version", std::uint32_t{2});
  for (const auto& [key, value] : ours) metadata.emplace_back(key, value);
  return metadata;
}

Status write_matrix(const QuantizedModel& model, const QuantizedMatrix& matrix, const Planned& planned,
                    const ByteSink& sink) {
  const Expected<Matrix<Code>> codes = model.codes(matrix);
  if (!codes) return codes.error();
  const Expected<Steps> steps = model.steps(matrix);
  if (!steps) return steps.error();
  const gguf::Type type = planned.type;
  const std::size_t width = info_of(type).numbers, in_row = matrix.cols / width, size = info_of(type).bytes;
  std::vector<std::byte> bytes(matrix.rows * in_row * size);
#pragma omp parallel for
  for (Index i = 0; i < codes->rows(); ++i)
    for (std::size_t b = 0; b < in_row; ++b) {
      const auto column = static_cast<Index>(b * width);
      const std::uint64_t line = llama::file_row(static_cast<std::uint64_t>(i), planned.how.height);
      gguf::pack_block(type, FP16::encode(steps->scale(i, column)), {codes->data() + i * codes->cols() + column, width},
                       bytes.data() + (line * in_row + b) * size);
    }
  return sink(bytes);
}

Status write_unquantized(const QuantizedModel& model, const OriginalTensor& tensor, const llama::Arrangement& how,
                         const ByteSink& sink) {
  if (how.height == 0 && !how.widened) return model.pass_through(tensor.name, sink);
  std::vector<std::byte> whole;
  const Status read = model.pass_through(tensor.name, [&](std::span<const std::byte> piece) {
    whole.insert(whole.end(), piece.begin(), piece.end());
    return ok();
  });
  if (!read) return read;
  const auto bytes = llama::to_file(tensor, how, std::move(whole));
  return bytes ? sink(*bytes) : Status(bytes.error());
}

Status write(const QuantizedModel& model, const Destination& to) {
  if (to.path.ends_with(".json"))
    return Error{Exit::infeasible, error_number::output_is_index, "an output ending in .json would be read as an index",
                 to.path, "a name that ends in .gguf"};
  const QuantizedHeader& header = model.header();
  if (to.llama)
    if (const Status fits = llama::check_tensors(*to.llama, header); !fits) return fits;
  const auto plan = plan_of(header, to.llama ? std::optional(to.llama->config.heads) : std::nullopt);
  if (!plan) return plan.error();
  const std::vector<gguf::TensorPlan> tensors(plan->begin(), plan->end());
  const Expected<std::string> begin = gguf::header(metadata_of(header, to.llama, std::string(64, '0')), tensors);
  if (!begin) return begin.error();
  Expected<AtomicFile> file = AtomicFile::create(to.path, to.overwrite);
  if (!file) return file.error();
  std::uint64_t whole = begin->size();
  for (const gguf::TensorPlan& tensor : *plan) whole += gguf::padded(*gguf::tensor_bytes(tensor));
  Status written = file->reserve(whole);
  if (written) written = file->write(*begin);  // again below, with the digests
  const auto matrices = matrices_by_tensor(header);
  std::vector<std::string> digests;
  for (std::size_t i = 0; i < plan->size() && written; ++i) {
    const OriginalTensor& tensor = header.tensors[i];
    if (to.progress) to.progress(static_cast<double>(i), static_cast<double>(plan->size()), tensor.name);
    Sha256 digest;
    std::uint64_t size = 0;
    const auto sink = [&](std::span<const std::byte> piece) {
      digest.update(piece);
      size += piece.size();
      return file->write(piece);
    };
    if (matrices[i].empty()) written = write_unquantized(model, tensor, (*plan)[i].how, sink);
    for (const QuantizedMatrix& matrix : matrices[i])
      if (written) written = write_matrix(model, matrix, (*plan)[i], sink);
    if (written) written = file->write(std::string(gguf::padded(size) - size, '\0'));
    digests.push_back(digest.hex());
  }
  if (!written) return written;
  const Expected<std::string> end =
      gguf::header(metadata_of(header, to.llama, payload_sha256_of(*plan, digests)), tensors);
  if (!end) return end.error();
  written = file->write_at(0, std::as_bytes(std::span(*end)));
  if (written) written = model.files_unchanged();
  return written ? file->commit() : written;
}

}  // namespace

namespace file_format {
extern const FileFormat gguf;
const FileFormat gguf{"gguf", "Q4_0, Q6_K and Q8_0 blocks with the same codes and scales, and what verify needs", read,
                      obstacle, write};
}  // namespace file_format

}  // namespace hallmark
