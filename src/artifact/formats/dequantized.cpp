// Ordinary safetensors with the names, shapes, order and metadata of W: scale times grid point for every code.
#include <fmt/format.h>

#include "artifact/file_format.hpp"
#include "base/error_numbers.hpp"

namespace hallmark {
namespace {

// The file holds the certified numbers themselves: binary32 is refused where some s g is not exact in it.
Status inexact(const QuantizedModel& model) {
  for (const QuantizedMatrix& matrix : model.header().matrices) {
    const Expected<Steps> steps = model.steps(matrix);
    if (!steps) return steps.error();
    const Matrix<float>& scales = steps->scales;
    for (Index k = 0; k < scales.size(); ++k)
      if (const float s = scales.data()[k]; !matrix.options.grid.exact_in_binary32(s))
        return Error{Exit::infeasible, error_number::product_not_exact,
                     "a product of scale and code is not exact in binary32",
                     fmt::format("{}: scale {} of {} is {:a}", matrix.name, k, scales.size(), s),
                     "dequantize --dtype f64, or export --to safetensors-f64"};
  }
  return ok();
}

/// s value(code) as W holds it; a matrix that W holds transposed is turned again.
template <class T>
Expected<std::vector<T>> products(const QuantizedModel& model, const QuantizedMatrix& matrix) {
  const Expected<Matrix<Code>> codes = model.codes(matrix);
  if (!codes) return codes.error();
  const Expected<Steps> steps = model.steps(matrix);
  if (!steps) return steps.error();
  const Index rows = codes->rows(), cols = codes->cols();
  std::vector<T> values(static_cast<std::size_t>(codes->size()));
  for (Index i = 0; i < rows; ++i)
    for (Index j = 0; j < cols; ++j) {
      const Step step = steps->at(i, j);
      values[static_cast<std::size_t>(matrix.transposed ? j * rows + i : i * cols + j)] =
          static_cast<T>(step.scale * matrix.options.grid.value((*codes)(i, j), step.zero));
    }
  return values;
}

template <class T, DType dtype>
Status write(const QuantizedModel& model, const Destination& to) {
  const QuantizedHeader& header = model.header();
  std::vector<TensorPlan> plan;
  for (const OriginalTensor& tensor : header.tensors)
    plan.push_back({tensor.name, is_quantized(header, tensor.name) ? dtype : tensor.dtype, tensor.shape});
  auto metadata = header.source_metadata;
  metadata.erase(weights_digest_key);  // a checkpoint's digest of its own values, which are no longer these
  Expected<SafeTensorsWriter> writer =
      SafeTensorsWriter::create(to.path, to.overwrite, std::move(plan), metadata, TensorOrder::given);
  if (!writer) return writer.error();
  double done = 0;
  for (const TensorPlan& tensor : writer->plan()) {
    if (to.progress) to.progress(done++, static_cast<double>(header.tensors.size()), tensor.name);
    const auto sink = [&](std::span<const std::byte> piece) { return writer->write(tensor.name, piece); };
    if (!is_quantized(header, tensor.name))
      if (const Status written = model.pass_through(tensor.name, sink); !written) return written;
    for (const QuantizedMatrix& matrix : header.matrices) {
      if (matrix.tensor != tensor.name) continue;
      const Expected<std::vector<T>> values = products<T>(model, matrix);
      if (!values) return values.error();
      if (const Status written = writer->write(tensor.name, std::span<const T>(*values)); !written) return written;
    }
  }
  if (const Status same = model.files_unchanged(); !same) return same;
  return writer->commit();
}

}  // namespace

namespace file_format {
extern const FileFormat safetensors_f32, safetensors_f64;
const FileFormat safetensors_f32{"safetensors-f32", "W's tensors with the quantized numbers, as F32", nullptr, inexact,
                                 write<float, DType::F32>};
const FileFormat safetensors_f64{"safetensors-f64", "the same as F64, which holds every product of scale and code",
                                 nullptr, nullptr, write<double, DType::F64>};
}  // namespace file_format

}  // namespace hallmark
