// Artifacts of small containers: they give the container back, and nothing that is not one is taken for one.
#include "artifact/pack/artifact.hpp"

#include <algorithm>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "quantized_files.hpp"

namespace artifact_test {

using namespace hallmark;
using pack::Bytes;

namespace {

struct Made {
  test::TemporaryFolder folder;
  std::string container;  // its bytes
  Bytes artifact;

  explicit Made(std::string_view grid = "gf16") {
    const std::string path = folder / "q";
    if (grid == "gf16") REQUIRE(test::write(path, test::header_of(grid)));
    else
      REQUIRE(
          test::write(path, test::header_of(grid), std::vector<Code>{1, 0, 1, 1, 1, 0}, test::steps_of(test::scale)));
    container = test::read_file(path);
    const auto contents = pack::pack_container(path, {});
    REQUIRE(contents);
    const auto bytes = pack::artifact_bytes(*contents);
    REQUIRE(bytes);
    artifact = *bytes;
  }
};

constexpr std::size_t after_digest = 40, after_sizes = after_digest + 8 + 8 + 1 + 8;

/// The digest that the bytes have.
void seal(Bytes& artifact) {
  const std::string hex = sha256_hex(std::span(artifact).subspan(after_digest));
  for (std::size_t i = 0; i < 32; ++i)
    artifact[8 + i] = static_cast<std::byte>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
}

/// The error of reading all of it, 0 where it is read; then its container.
int error_of(const Bytes& artifact, std::string* container = nullptr) {
  const auto parsed = pack::parse_artifact(artifact, "made");
  if (!parsed) return parsed.error().number;
  std::string bytes(reinterpret_cast<const char*>(parsed->head.data()), parsed->head.size());
  for (std::size_t i = 0; i < parsed->tensors.size(); ++i) {
    const auto tensor = pack::tensor_of(*parsed, i, "made");
    if (!tensor) return tensor.error().number;
    bytes.append(reinterpret_cast<const char*>(tensor->data()), tensor->size());
  }
  if (container != nullptr) *container = bytes;
  return 0;
}

/// The artifact with its directory unpacked, so that tests can change it.
Bytes with_plain_directory(const Bytes& artifact) {
  const auto parsed = pack::parse_artifact(artifact, "made");
  REQUIRE(parsed);
  Bytes directory = parsed->head, data;
  const auto number = [&](std::uint64_t value) {
    for (int k = 0; k < 8; ++k) directory.push_back(static_cast<std::byte>(value >> 8 * k));
  };
  for (const auto& tensor : parsed->tensors) {
    directory.push_back(static_cast<std::byte>(tensor.compressor->id));
    directory.push_back(static_cast<std::byte>(tensor.form.bits));
    number(tensor.form.columns), number(tensor.data.size());
    data.insert(data.end(), tensor.data.begin(), tensor.data.end());
  }
  Bytes plain(artifact.begin(), artifact.begin() + after_sizes);
  plain[after_digest + 16] = std::byte{0};
  for (std::size_t k = 0; k < 8; ++k) plain[after_digest + 17 + k] = static_cast<std::byte>(directory.size() >> 8 * k);
  plain.insert(plain.end(), directory.begin(), directory.end());
  plain.insert(plain.end(), data.begin(), data.end());
  seal(plain);
  return plain;
}

}  // namespace

TEST_CASE("the container comes back, byte for byte") {
  for (const char* grid : {"gf16", "int8", "int4", "int3", "nf4"}) {
    CAPTURE(grid);
    const Made made(grid);
    std::string back;
    CHECK(error_of(made.artifact, &back) == 0);
    CHECK(back == made.container);
    CHECK(error_of(with_plain_directory(made.artifact), &back) == 0);
    CHECK(back == made.container);
  }
}

TEST_CASE("one container has one artifact") { CHECK(Made("int4").artifact == Made("int4").artifact); }

TEST_CASE("an artifact that is cut, longer or changed in any bit is refused") {
  const Made made("int4");
  for (std::size_t size = 0; size < made.artifact.size(); ++size) {
    const int number =
        error_of(Bytes(made.artifact.begin(), made.artifact.begin() + static_cast<std::ptrdiff_t>(size)));
    REQUIRE(number == (size < after_sizes ? error_number::artifact_malformed : error_number::payload_digest));
  }
  Bytes longer = made.artifact;
  longer.push_back(std::byte{0});
  CHECK(error_of(longer) == error_number::payload_digest);
  for (std::size_t bit = 0; bit < 8 * made.artifact.size(); ++bit) {
    Bytes changed = made.artifact;
    changed[bit / 8] ^= std::byte{1} << bit % 8;
    REQUIRE(error_of(changed) == (bit < 8 * 8 ? error_number::artifact_malformed : error_number::payload_digest));
  }
}

TEST_CASE("whoever makes the digest again gets no further: cut behind any byte, sizes that are too large") {
  const Bytes plain = with_plain_directory(Made("int4").artifact);
  for (std::size_t size = after_sizes; size < plain.size(); ++size) {
    Bytes cut(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(size));
    seal(cut);
    REQUIRE(error_of(cut) == error_number::artifact_malformed);
  }
  Bytes longer = plain;
  longer.push_back(std::byte{0});
  seal(longer);
  CHECK(error_of(longer) == error_number::artifact_malformed);
  const auto with = [&](std::size_t at, std::uint64_t value, std::size_t bytes = 8) {
    Bytes changed = plain;
    for (std::size_t k = 0; k < bytes; ++k) changed[at + k] = static_cast<std::byte>(value >> 8 * k);
    seal(changed);
    return changed;
  };
  const std::uint64_t most = ~std::uint64_t{0};
  std::uint64_t head = 0;
  for (std::size_t k = 0; k < 8; ++k) head |= std::to_integer<std::uint64_t>(plain[after_digest + k]) << 8 * k;
  for (const std::uint64_t value : {most, std::uint64_t{0}, std::uint64_t{7}, std::uint64_t{1} << 62, head + 18})
    CHECK(error_of(with(after_digest, value)) == error_number::artifact_malformed);
  for (const std::uint64_t value : {most, most / 18 + 1, std::uint64_t{0}, std::uint64_t{1'000'000}})
    CHECK(error_of(with(after_digest + 8, value)) == error_number::artifact_malformed);
  CHECK(error_of(with(after_digest + 16, 99, 1)) == error_number::artifact_malformed);
  CHECK(error_of(with(after_digest + 17, most)) == error_number::artifact_malformed);
  CHECK(error_of(with(after_digest + 17, head)) == error_number::artifact_malformed);

  const std::size_t entry = after_sizes + head;  // of the first tensor
  CHECK(error_of(with(entry, 99, 1)) == error_number::artifact_malformed);
  CHECK(error_of(with(entry, 2, 1)) == error_number::artifact_data);  // raw bytes as those of the range coder
  CHECK(error_of(with(entry + 1, 9, 1)) == error_number::artifact_data);
  CHECK(error_of(with(entry + 1, 4, 1)) == error_number::artifact_data);
  CHECK(error_of(with(entry + 2, 3)) == error_number::artifact_data);
  CHECK(error_of(with(entry + 10, most)) == error_number::artifact_malformed);
  // Another length in the container's head, and a shape of 2^40 numbers.
  CHECK(error_of(with(after_sizes, head)) == error_number::header_truncated);
}

TEST_CASE("a container of more bytes than its artifact may stand for is refused, by writer and reader") {
  pack::Contents contents;
  const std::uint64_t size = pack::free_bytes;
  const auto head = safetensors_header({{"w", DType::U8, {size}}}, {});
  REQUIRE(head);
  const auto bytes = std::as_bytes(std::span(*head));
  contents.head.assign(bytes.begin(), bytes.end());
  contents.tensors = {{pack::find_compressor(2), {}, Bytes(40)}};
  CHECK(pack::artifact_bytes(contents));  // 2^24 bytes and the head are within
  const auto huge = safetensors_header({{"w", DType::U8, {std::uint64_t{1} << 40}}}, {});
  const auto huge_bytes = std::as_bytes(std::span(*huge));
  contents.head.assign(huge_bytes.begin(), huge_bytes.end());
  const auto refused = pack::artifact_bytes(contents);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().number == error_number::plan_size);

  // The same from a reader's side, with a directory that is not packed.
  const auto artifact_of = [](const std::string& text) {
    Bytes made;
    const auto add = [&](std::string_view piece) {
      for (const char c : piece) made.push_back(static_cast<std::byte>(c));
    };
    const auto number = [&](std::uint64_t value) { add({reinterpret_cast<const char*>(&value), sizeof value}); };
    add("hallpak1" + std::string(32, '\0'));
    number(text.size()), number(1), add(std::string(1, '\0')), number(text.size() + 18);
    add(text + std::string("\2\x8", 2));
    number(0), number(40);
    add(std::string(40, '\1'));
    seal(made);
    return made;
  };
  CHECK(error_of(artifact_of(*head)) == error_number::artifact_data);
  CHECK(error_of(artifact_of(*huge)) == error_number::artifact_malformed);
}

}  // namespace artifact_test
