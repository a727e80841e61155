// The container of docs/file-format.md: all that is known of the model, to be verified and read again.
#include "artifact/file_format.hpp"
#include "artifact/quantized_file.hpp"
#include "artifact/stored_bytes.hpp"

namespace hallmark {
namespace {

Expected<std::unique_ptr<QuantizedModel>> read(const std::string& path) {
  Expected<QuantizedFile> file = QuantizedFile::open_unjudged(path);
  if (!file) return file.error();
  return std::unique_ptr<QuantizedModel>(std::make_unique<QuantizedFile>(*std::move(file)));
}

Status write(const QuantizedModel& model, const Destination& to) {
  const QuantizedHeader& header = model.header();
  Expected<QuantizedFileWriter> writer = QuantizedFileWriter::create(to.path, to.overwrite, header, to.max_shard_bytes);
  if (!writer) return writer.error();
  const auto matrices = matrices_by_tensor(header);
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const std::string& name = header.tensors[i].name;
    if (to.progress) to.progress(static_cast<double>(i), static_cast<double>(matrices.size()), name);
    if (matrices[i].empty())
      if (const Status written = writer->write_unchanged(model, name); !written) return written;
    for (const QuantizedMatrix& matrix : matrices[i]) {
      const Expected<Matrix<Code>> codes = model.codes(matrix);
      if (!codes) return codes.error();
      const Expected<Steps> steps = model.steps(matrix);
      if (!steps) return steps.error();
      if (const Status written = writer->write_quantized(matrix.name, detail::all(*codes), *steps); !written)
        return written;
    }
  }
  if (const Status same = model.files_unchanged(); !same) return same;
  return writer->commit();
}

}  // namespace

namespace file_format {
extern const FileFormat hallmark;
const FileFormat hallmark{"hallmark", "the container: codes and steps with all that is known of them", read, nullptr,
                          write};
}  // namespace file_format

}  // namespace hallmark
