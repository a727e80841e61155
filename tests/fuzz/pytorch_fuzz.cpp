// libFuzzer target: any bytes as a checkpoint of PyTorch, or as the pickle of an archive of two storages. What is
// accepted is as it says: tensors have the bytes of their shapes, each element that of its place, which is another for
// each, inside their file; the state dict written again by a pickler of our own is read as the same tensors; no prefix
// is accepted too, and no byte may follow.
#include <algorithm>
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

/// Whether every element is the one at its place in the storage, and no two have one place.
void judge_places(const TensorInfo& tensor, const pytorch::Placed& placed, std::span<const std::byte> storage) {
  const std::uint64_t bytes = dtype_bits(tensor.dtype) / 8, count = tensor.data.size() / bytes;
  std::vector<std::uint64_t> places;
  for (std::uint64_t element = 0; element < count; ++element) {
    std::uint64_t place = placed.offset, left = element;
    for (std::size_t k = placed.shape.size(); k-- > 0; left /= placed.shape[k])
      place += left % placed.shape[k] * placed.strides[k];
    require(place < storage.size() / bytes, "an element outside its storage");
    require(std::ranges::equal(tensor.data.subspan(element * bytes, bytes), storage.subspan(place * bytes, bytes)),
            "an element of another place");
    places.push_back(place);
  }
  std::ranges::sort(places);
  require(std::ranges::adjacent_find(places) == places.end(), "two elements of one place");
}

void judge_file(std::string_view file) {
  const auto parsed = pytorch::parse(bytes_of(file), "fuzz");
  if (!parsed) return;
  const auto entries = pytorch::parse_archive(bytes_of(file), "fuzz");
  require(static_cast<bool>(entries), "an archive is none");
  const auto placed = pytorch::parse_state_dict(entries->at("data.pkl"), "fuzz");
  require(placed && placed->size() == parsed->tensors.size(), "a pickle of other tensors");
  for (std::size_t i = 0; i < placed->size(); ++i) {
    const TensorInfo& tensor = parsed->tensors[i];
    const auto bytes = tensor_bytes({tensor.name, tensor.dtype, tensor.shape});
    require(bytes && *bytes == tensor.data.size(), "a tensor has other bytes than its shape");
    require((*placed)[i].name == tensor.name && (*placed)[i].shape == tensor.shape, "a tensor of another shape");
    judge_places(tensor, (*placed)[i], entries->at("data/" + std::string((*placed)[i].storage)));
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
