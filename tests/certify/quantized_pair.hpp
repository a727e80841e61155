// W, C, Q and its certificate, as `hallmark quantize` writes them, to be changed and verified.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "../cli/check_error.hpp"
#include "../io/noise_file.hpp"
#include "../io/quantized_files.hpp"
#include "../io/temporary_folder.hpp"
#include "artifact/quantized_file.hpp"
#include "io/safetensors.hpp"
#include "io/sha256.hpp"

namespace hallmark::test {

// W with two weights and a bias, C with a Gram matrix and activations, and Q with its certificate.
struct QuantizedPair {
  TemporaryFolder folder;
  std::string w = folder / "w.safetensors", c = folder / "c.safetensors", q = folder / "q.safetensors",
              certificate = folder / "q.certificate.json";

  explicit QuantizedPair(const std::string& flags = "") {
    write_two_weights(w, c);
    const Result made =
        shell(fmt::format("{} quantize --weights {} --calibration {} -o {} {}", HALLMARK_TOOL, w, c, q, flags));
    REQUIRE_MESSAGE(made.exit == 0, made.out);
  }

  Result verify(const std::string& flags = "", const std::string& environment = "") const {
    return shell(
        fmt::format("{} {} verify {} --weights {} --calibration {} {}", environment, HALLMARK_TOOL, q, w, c, flags));
  }

  // Flips one bit of byte `index` of a tensor in the file.
  static void flip(const std::string& path, const std::string& tensor, std::size_t index, int bit = 0) {
    change(path, tensor, index, [bit](char byte) { return static_cast<char>(byte ^ (1 << bit)); });
  }

  static void change(const std::string& path, const std::string& tensor, std::size_t index, auto byte_of) {
    std::string bytes = read_file(path);
    {
      const auto file = SafeTensors::open(path);
      REQUIRE(file);
      const TensorInfo* info = file->find(tensor);
      REQUIRE(info != nullptr);
      const auto at = bytes.find(std::string(reinterpret_cast<const char*>(info->data.data()), info->data.size()));
      REQUIRE(at != bytes.npos);
      bytes[at + index] = byte_of(bytes[at + index]);
    }
    write_file(path, bytes);
  }

  // Writes the container with other codes, as sound as before: the payload digest is theirs.
  void change_code(const std::string& matrix, std::size_t index, int bits) const {
    test::rewrite(q, [&](auto&, auto&, auto& data) {
      char& byte = data[matrix + ".codes"][2 * index];
      byte = static_cast<char>(byte ^ bits);
    });
  }

  std::string codes_digest(const std::string& matrix) const {
    const auto file = SafeTensors::open(q);
    REQUIRE(file);
    return sha256_hex(file->find(matrix + ".codes")->data);
  }

  // Another enclosure in the row of the certificate's first tensor.
  void move_enclosure(int row, const std::string& of, const std::string& to) const {
    std::string text = read_file(certificate);
    const std::string opening = "\"" + of + "\":{\"enclosure\":[";
    const auto at = text.find(opening, text.find(fmt::format("{{\"row\":{},", row))) + opening.size();
    write_file(certificate, text.replace(at, text.find(']', at) - at, to));
  }

  static void replace(const std::string& path, std::string_view from, std::string_view to) {
    std::string text = read_file(path);
    const auto at = text.find(from);
    REQUIRE(at != text.npos);
    write_file(path, text.replace(at, from.size(), to));
  }
};

}  // namespace hallmark::test
