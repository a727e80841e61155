#include <fmt/format.h>

#include <exception>
#include <optional>

#include "artifact/pack/artifact.hpp"
#include "artifact/quantized_metadata.hpp"
#include "artifact/stored_bytes.hpp"
#include "base/error_numbers.hpp"

namespace hallmark::pack {

namespace {

// The form of each tensor whose codes the container packs.
std::unordered_map<std::string, Form> forms_of(const QuantizedHeader& header) {
  std::unordered_map<std::string, Form> forms;
  if (header.schema < detail::packed_schema) return forms;
  for (const QuantizedMatrix& matrix : header.matrices) {
    const GridSpec& grid = matrix.options.grid.spec();
    if (!detail::packs(grid)) continue;
    const auto bits = static_cast<std::uint8_t>(grid.bits);
    const Index groups = groups_of(static_cast<Index>(matrix.cols), matrix.options.group_size);
    forms[matrix.name + ".codes"] = {bits, matrix.cols};
    if (grid.zero_points) forms[matrix.name + ".zero_point"] = {bits, static_cast<std::uint64_t>(groups)};
  }
  return forms;
}

}  // namespace

Expected<std::vector<PackedTensor>> pack_tensors(const QuantizedFile& container,
                                                 const std::function<bool(const std::string& tensor)>& wanted,
                                                 const Progress& progress) {
  const std::vector<TensorInfo>& tensors = container.file().tensors();
  std::vector<PackedTensor> all(tensors.size());
  const std::unordered_map<std::string, Form> forms = forms_of(container.header());
  std::optional<Error> failed;
  std::exception_ptr thrown;  // none may leave a thread
  std::size_t done = 0;
#pragma omp parallel for schedule(dynamic)
  for (std::size_t i = 0; i < tensors.size(); ++i) try {
      const TensorInfo& tensor = tensors[i];
      if (!wanted(tensor.name)) continue;
      const auto form = forms.find(tensor.name);
      Expected<PackedTensor> packed =
          pack_tensor(tensor.data, tensor.dtype, form == forms.end() ? Form{} : form->second);
#pragma omp critical
      {
        if (!packed) failed = packed.error();
        else all[i] = *std::move(packed);
        if (progress) progress(static_cast<double>(++done), static_cast<double>(tensors.size()), tensor.name);
      }
    } catch (...) {
#pragma omp critical
      thrown = std::current_exception();
    }
  if (thrown) std::rethrow_exception(thrown);
  if (failed) return *failed;
  return all;
}

Expected<Contents> pack_container(const std::string& path, const Progress& progress) {
  const Expected<QuantizedFile> container = QuantizedFile::open(path);
  if (!container) return container.error();
  const std::vector<TensorInfo>& tensors = container->file().tensors();
  if (container->paths().size() != 1)
    return Error{Exit::infeasible, error_number::pack_shards, "a container of several files is not packed",
                 fmt::format("{}: {} files", path, container->paths().size()),
                 "hallmark export --to hallmark --output ONE.safetensors"};
  const Expected<MappedFile> bytes = MappedFile::open(container->paths().front());
  if (!bytes) return bytes.error();
  std::uint64_t data = 0;
  for (const TensorInfo& tensor : tensors) data += tensor.data.size();
  if (bytes->bytes().size() < data)
    return Error{Exit::io, error_number::file_changed, "the file changed while it was read", path, "try again"};
  const std::span<const std::byte> head = bytes->bytes().first(bytes->bytes().size() - data);

  Expected<std::vector<PackedTensor>> packed = pack_tensors(
      *container, [](const std::string&) { return true; }, progress);
  if (!packed) return packed.error();
  for (const Status& same : {bytes->unchanged(), container->files_unchanged()})
    if (!same) return same.error();
  return Contents{Bytes(head.begin(), head.end()), *std::move(packed)};
}

}  // namespace hallmark::pack
