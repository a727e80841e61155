// libFuzzer target: any bytes as a checkpoint of PyTorch, or as the pickle of an archive of two storages. What is
// accepted is as it says: tensors have the bytes of their shapes, inside their file; the state dict written again by a
// pickler of our own is read as the same tensors; no prefix is accepted too, and no byte may follow.
#include <cstdio>
#include <cstdlib>

#include "pytorch_made.hpp"

namespace {

using namespace hallmark;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "wrong: %s\n", what);
  std::abort();
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

void judge_file(std::string_view file) {
  const auto parsed = pytorch::parse(bytes_of(file), "fuzz");
  if (!parsed) return;
  for (const TensorInfo& tensor : parsed->tensors) {
    const auto bytes = tensor_bytes({tensor.name, tensor.dtype, tensor.shape});
    require(bytes && *bytes == tensor.data.size(), "a tensor has other bytes than its shape");
    require(tensor.data.data() >= bytes_of(file).data() &&
                tensor.data.data() + tensor.data.size() <= bytes_of(file).data() + file.size(),
            "a tensor outside the file");
  }
  require(!pytorch::parse(bytes_of(file.substr(0, file.size() - 1)), "fuzz"), "a prefix is a file");
}

void judge_pickle(std::string_view pickle) {
  const auto tensors = pytorch::parse_state_dict(bytes_of(pickle), "fuzz");
  if (!tensors) return;
  require(!pytorch::parse_state_dict(bytes_of(pickle.substr(0, pickle.size() - 1)), "fuzz"), "a prefix is a pickle");
  require(!pytorch::parse_state_dict(bytes_of(std::string(pickle) + "."), "fuzz"), "bytes may follow");
  const std::string written = test::made::state_dict(*tensors);
  const auto again = pytorch::parse_state_dict(bytes_of(written), "fuzz");
  require(again && *again == *tensors, "what was read is written as something else");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    judge_file(rest);
    return 0;
  }
  judge_pickle(rest);
  judge_file(
      test::made::archive({{"m/data.pkl", std::string(rest)}, {"m/data/0", std::string(64, 'x')}, {"m/data/1", ""}})
          .bytes);
  return 0;
}
