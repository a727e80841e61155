#include "artifact/container_head.hpp"

#include <algorithm>

#include "artifact/quantized_metadata.hpp"
#include "base/error_numbers.hpp"
#include "io/safetensors_layout.hpp"
#include "io/sha256.hpp"

namespace hallmark {

Expected<ContainerHead> container_head(QuantizedHeader header, const std::map<std::string, std::string>& digests) {
  header.schema = detail::schema_to_write(header);
  ContainerHead head;
  head.plan = detail::container_plan(header);
  std::vector<TensorPlan> by_name = head.plan;
  std::ranges::sort(by_name, {}, &TensorPlan::name);
  Sha256 payload;
  for (const TensorPlan& tensor : by_name) {
    const auto digest = digests.find(tensor.name);
    if (digest == digests.end())
      return Error{Exit::internal, error_number::writer_misuse, "a tensor of the container has no digest", tensor.name,
                   "report this"};
    payload.update(detail::payload_line(tensor.name, tensor.dtype, tensor.shape, digest->second));
  }
  head.payload_sha256 = payload.hex();
  std::map<std::string, std::string> metadata = detail::to_metadata(header);
  metadata[std::string(detail::payload_key)] = head.payload_sha256;
  metadata[std::string(detail::metadata_key)] = detail::metadata_digest(metadata);
  sort_by_reference(head.plan);
  Expected<std::string> bytes = safetensors_header(head.plan, std::move(metadata));
  if (!bytes) return bytes.error();
  head.bytes = *std::move(bytes);
  return head;
}

}  // namespace hallmark
