#include "artifact/quantized_file.hpp"
#include "artifact/quantized_metadata.hpp"

namespace hallmark {

Expected<std::vector<std::uint64_t>> container_cut(const QuantizedHeader& header, std::uint64_t max_shard_bytes) {
  if (max_shard_bytes > 0) {
    QuantizedHeader written = header;
    written.schema = detail::schema_to_write(header);  // codes have the bytes of the file that is to come
    return cut_by_size(detail::container_plan(written), max_shard_bytes);
  }
  std::vector<std::uint64_t> cut;
  auto tensor = header.tensors.begin();
  auto matrix = header.matrices.begin();
  for (const std::uint64_t count : header.source_shards) {
    QuantizedHeader part;  // what one shard of W had
    for (std::uint64_t i = 0; i < count; ++i, ++tensor) {
      part.tensors.push_back(*tensor);
      while (matrix != header.matrices.end() && matrix->tensor == tensor->name) part.matrices.push_back(*matrix++);
    }
    cut.push_back(detail::container_plan(part).size());
  }
  return cut;
}

}  // namespace hallmark
