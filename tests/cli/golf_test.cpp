// parameter-golf's artifacts: a state dict of PyTorch quantized, exported, read back, verified; and files that are
// none.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "../io/temporary_folder.hpp"
#include "artifact/byte_shuffle.hpp"
#include "artifact/file_format.hpp"
#include "artifact/frame.hpp"
#include "check_error.hpp"
#include "files.hpp"
#include "io/pytorch.hpp"
#include "shell.hpp"

namespace golf_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

const std::vector<std::string> formats = {"golf-int8", "golf-int6", "golf-int6-xz", "golf-int6-brotli"};

struct Workspace {
  TemporaryFolder folder;

  Workspace() {
    write_tensors(folder / "w", {{"a.weight", DType::F32, {4, 16}},
                                 {"b.weight", DType::F32, {3, 8}},
                                 {"tok_emb.weight", DType::BF16, {5, 4}},
                                 {"gain", DType::F32, {3}}});
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  void quantize(const std::string& flags = "--grid int6 --include '^[ab].weight'") const {
    const Result made = run("quantize --weights w --method rtn --scale-storage f16 --overwrite -o q " + flags);
    REQUIRE_MESSAGE(made.exit == 0, made.out);
  }
  Result exported(const std::string& format) const { return run("export q --overwrite -o q.ptz --to " + format); }
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

}  // namespace

TEST_CASE("what is exported is verified by the same certificate and stands for the same numbers") {
  const Workspace work;
  work.quantize();
  REQUIRE(work.run("dequantize q -o numbers").exit == 0);
  for (const std::string& format : formats) {
    CAPTURE(format);
    const Result made = work.exported(format);
    REQUIRE_MESSAGE(made.exit == 0, made.out);
    const Result verified = work.run("verify q.ptz --certificate q.certificate.json --weights w");
    CHECK_MESSAGE(verified.exit == 0, verified.out);
    CHECK(work.run("inspect q.ptz").out.find("quantized: 2 matrices in 2 tensors, of 4") != std::string::npos);
    REQUIRE(work.run("dequantize q.ptz --overwrite -o again").exit == 0);
    CHECK(read_file(work.folder / "again") == read_file(work.folder / "numbers"));
    REQUIRE(work.run("export q.ptz --to hallmark --overwrite -o back").exit == 0);
    CHECK(read_file(work.folder / "back") == read_file(work.folder / "q"));
    CHECK(work.exported(format).exit == 0);
    const std::string first = read_file(work.folder / "q.ptz");
    CHECK(work.exported(format).exit == 0);
    CHECK(read_file(work.folder / "q.ptz") == first);  // equal for equal content
  }
}

TEST_CASE("the dicts are those that the competition's readers take apart") {
  const Workspace work;
  work.quantize("--grid int6 --include '^a.weight'");
  const auto leaves_of = [&](const Frame& frame, bool shuffled = false) {
    const std::string file = read_file(work.folder / "q.ptz");
    bool whole = false;
    std::vector<std::byte> archive = frame.decompress(bytes_of(file), 1 << 20, whole);
    CHECK(is_byte_shuffled(archive) == shuffled);
    if (shuffled) archive = byte_unshuffled(archive);
    const auto entries = pytorch::parse_archive(archive, "q.ptz");
    REQUIRE(entries);
    const auto leaves = pytorch::parse_dicts(entries->at("data.pkl"), 3, "q.ptz");
    REQUIRE(leaves);
    std::vector<std::string> lines;
    for (const pytorch::Leaf& leaf : *leaves) {
      std::string line = fmt::format("{} ", fmt::join(leaf.path, "/"));
      if (const auto* tensor = std::get_if<pytorch::Placed>(&leaf.value))
        line += fmt::format("{} {}", dtype_name(tensor->dtype), shape_text(tensor->shape));
      else if (const auto* text = std::get_if<std::string_view>(&leaf.value)) line += *text;
      else line += std::to_string(std::get<std::int64_t>(leaf.value));
      lines.push_back(line);
    }
    return lines;
  };
  REQUIRE(work.exported("golf-int8").exit == 0);
  CHECK(leaves_of(zlib_frame) ==
        std::vector<std::string>{
            "__quant_format__ int8_clean_per_row_v1", "quantized/a.weight I8 [4, 16]", "scales/a.weight F16 [4]",
            "dtypes/a.weight float32", "passthrough/b.weight F32 [3, 8]", "passthrough/gain F32 [3]",
            "passthrough/tok_emb.weight BF16 [5, 4]", "qmeta/a.weight/scheme per_row", "qmeta/a.weight/axis 0"});
  const std::vector<std::string> pair{
      "w/a.weight.q I8 [4, 16]", "w/a.weight.scale F16 [4]",     "w/b.weight F32 [3, 8]",
      "w/gain F32 [3]",          "w/tok_emb.weight BF16 [5, 4]", "m/a.weight/type int6",
      "m/b.weight passthrough",  "m/gain passthrough",           "m/tok_emb.weight passthrough"};
  REQUIRE(work.exported("golf-int6").exit == 0);
  CHECK(leaves_of(zstd_frame) == pair);
  REQUIRE(work.exported("golf-int6-brotli").exit == 0);
  CHECK(leaves_of(brotli_frame, true) == pair);
}

TEST_CASE("what would change one number is refused, with the tensor and the reason") {
  const Workspace work;
  const auto refused = [&](const std::string& flags, const std::string& format, const std::vector<std::string>& words) {
    CAPTURE(flags);
    work.quantize(flags);
    check_error(work.exported(format), 4, "E0439", words);
  };
  refused("--grid int4 --group-size 8 --include '^a.weight'", "golf-int8", {"a.weight", "groups of 8"});
  refused("--grid int4z --include '^a.weight'", "golf-int6", {"a.weight", "int4z"});
  refused("--grid gf16 --include '^a.weight'", "golf-int6", {"a.weight", "gf16"});
  refused("--grid int8 --include '^tok_emb'", "golf-int6", {"tok_emb.weight", "BF16", "golf-int8"});
  CHECK(work.exported("golf-int8").exit == 0);
  write_tensors(work.folder / "tiny", {{"t.weight", DType::F32, {1, 2}, {0x1p-20F, -0x1p-21F}}});
  REQUIRE(work.run("quantize --weights tiny --method rtn --grid int6 --overwrite -o q").exit == 0);
  check_error(work.exported("golf-int8"), 4, "E0439", {"t.weight", "none of float16"});
}

TEST_CASE("every cut, and bytes behind the end, are refused") {
  const Workspace work;
  work.quantize();
  for (const std::string& format : formats) {
    CAPTURE(format);
    REQUIRE(work.exported(format).exit == 0);
    const std::string whole = read_file(work.folder / "q.ptz"), cut = work.folder / "cut";
    for (std::size_t size = 0; size < whole.size(); size += size < whole.size() - 40 ? 7 : 1) {
      write_file(cut, whole.substr(0, size));
      CHECK_MESSAGE(!read_quantized(cut), size);
    }
    write_file(cut, whole + "x");
    CHECK(!read_quantized(cut));
  }
}

TEST_CASE("a changed number is seen by the digest, and other values than the metadata promise are refused") {
  const Workspace work;
  work.quantize();
  REQUIRE(work.exported("golf-int8").exit == 0);
  const std::string file = read_file(work.folder / "q.ptz");
  bool whole = false;
  const std::vector<std::byte> archive = zlib_frame.decompress(bytes_of(file), 1 << 20, whole);
  REQUIRE(whole);
  const std::string plain(reinterpret_cast<const char*>(archive.data()), archive.size());
  const auto changed = [&](const std::string& from, const std::string& to, std::size_t behind = 0) {
    std::string text = plain;
    REQUIRE(text.find(from) != std::string::npos);
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + 1)) {
      text.replace(at + behind, to.size(), to);
      if (behind > 0) break;
    }
    const auto frame = zlib_frame.compress(bytes_of(text));
    write_file(work.folder / "q.ptz", {reinterpret_cast<const char*>(frame.data()), frame.size()});
    return work.run("inspect q.ptz");
  };
  CHECK(changed("per_row", "per_row").exit == 0);
  check_error(changed("final_model.int8/data/0", "\x01", 23), 7, "E0710", {"tensors"});  // the first code
  check_error(changed("scheme", "per_rox", 11), 3, "E0364", {"qmeta/a.weight/scheme"});
  check_error(changed("int8_clean_per_row_v1", "int8_clean_per_row_v2"), 3, "E0364");
  CHECK(changed("hallmark.json", "hallmark.jsom").out.find("without certificate or container") != std::string::npos);
  check_error(work.run("dequantize q.ptz -o d"), 3, "E0360", {"hallmark.json"});
  check_error(changed("CharStorage", "ByteStorage"), 3, "E0364", {"quantized/a.weight"});
  check_error(changed("CharStorage", "CharStoragf"), 3, "E0337", {"torch.CharStoragf"});
}

TEST_CASE("inspect counts the tokens of a shard and the bytes that they stand for") {
  const Workspace work;
  const std::vector<std::int32_t> head{20240520, 1, 3};
  std::string shard(reinterpret_cast<const char*>(head.data()), 12);
  shard += std::string(1012, '\0') + std::string("\0\0\1\0\1\0", 6);  // tokens 0, 1, 1
  write_file(work.folder / "s.bin", shard);
  // <s>, a control piece, U+2581 and "a" behind it
  write_file(work.folder / "m.model",
             "\x0A\x07\x0A\x03<s>\x18\x03\x0A\x06\x0A\x04\xE2\x96\x81"
             "a\x0A\x05\x0A\x03\xE2\x96\x81");
  CHECK(work.run("inspect s.bin").out == "s.bin\n  a shard of 3 tokens\n");
  const Result counted = work.run("inspect s.bin --pieces m.model");
  CHECK_MESSAGE(
      counted.out.find("2 of them are predicted, which are 3 bytes of text: x nats a token are 0.961797 x bits "
                       "a byte\n") != std::string::npos,
      counted.out);
  CHECK(work.run("inspect --json s.bin --pieces m.model").out ==
        "{\"files\":[\"s.bin\"],\"tokens\":3,\"predicted_bytes\":3}\n");
  check_error(work.run("inspect w --pieces m.model"), 2, "E0201", {"--pieces"});
  write_file(work.folder / "s.bin", shard + "x");
  check_error(work.run("inspect s.bin"), 3, "E0327");
}

TEST_CASE("of every changed bit of a brotli frame the reader or a digest tells") {
  const Workspace work;
  work.quantize();
  REQUIRE(work.exported("golf-int6-brotli").exit == 0);
  const std::string whole = read_file(work.folder / "q.ptz"), path = work.folder / "changed";
  const auto numbers = [&] {  // of a file that is taken
    const auto model = read_quantized(path);
    if (!model || !(*model)->check_whole()) return std::string();
    std::string all;
    for (const QuantizedMatrix& matrix : (*model)->header().matrices) {
      const Expected<Matrix<Code>> codes = (*model)->codes(matrix);
      REQUIRE(codes);
      for (const Code code : codes->reshaped()) all += std::to_string(code) + " ";
    }
    return all;
  };
  write_file(path, whole);
  const std::string expected = numbers();
  REQUIRE(!expected.empty());
  std::size_t taken = 0, tried = 0;
  for (std::size_t at = 0; at < whole.size(); at += 3, ++tried) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ (1 << at % 8));
    write_file(path, changed);
    const std::string found = numbers();
    CHECK_MESSAGE((found.empty() || found == expected), at);  // a name that nobody looks at may have changed
    taken += !found.empty();
  }
  CHECK_MESSAGE(10 * taken < tried, taken, " of ", tried);
}

TEST_CASE("the byte shuffle is that of the competition, and has an inverse for every stride") {
  const auto text_of = [](const std::vector<std::byte>& bytes) {
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  CHECK(text_of(byte_shuffled(bytes_of("\1\2\3\4\5"))) == "BSHF\2\1\3\5\2\4");
  for (const std::string text : {"", "a", "ab", "abc", "abcdefgh"})
    CHECK(text_of(byte_unshuffled(byte_shuffled(bytes_of(text)))) == text);
  CHECK(text_of(byte_unshuffled(bytes_of("BSHF\3adgbehcf"))) == "abcdefgh");
  CHECK(text_of(byte_unshuffled(bytes_of("BSHF\xFF"
                                         "abc"))) == "abc");
  CHECK(is_byte_shuffled(bytes_of("BSHF\1")));
  CHECK(!is_byte_shuffled(bytes_of(std::string_view("BSHF\0abc", 8))));
  CHECK(!is_byte_shuffled(bytes_of("BSHF")));
  CHECK(!is_byte_shuffled(bytes_of("BSHG\2abc")));
}

TEST_CASE("frames are read whole, to a limit, and not beyond their end") {
  const std::string text(100'000, 'a');
  for (const Frame* frame : {&zlib_frame, &zstd_frame, &xz_frame, &brotli_frame}) {
    CAPTURE(frame->name);
    for (const std::string_view data : {std::string_view(text), std::string_view("b"), std::string_view()}) {
      std::vector<std::byte> packed = frame->compress(bytes_of(data));
      bool whole = false;
      CHECK(std::ranges::equal(frame->decompress(packed, 1 << 20, whole), bytes_of(data)));
      CHECK(whole);
      packed.push_back(std::byte{0});
      frame->decompress(packed, 1 << 20, whole);
      CHECK(!whole);
    }
    bool whole = true;
    CHECK(frame->decompress(frame->compress(bytes_of(text)), 9, whole).size() == 9);
    CHECK(!whole);
  }
}

}  // namespace golf_test
