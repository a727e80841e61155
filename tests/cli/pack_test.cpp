// hallmark pack and unpack as a user runs them, and what an artifact of a shipped checkpoint takes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "../io/temporary_folder.hpp"
#include "artifact/matrix_bits.hpp"
#include "artifact/pack/artifact.hpp"
#include "artifact/quantized_file.hpp"
#include "artifact/stored_bytes.hpp"
#include "check_error.hpp"
#include "files.hpp"

namespace pack_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  TemporaryFolder folder;
  Workspace() {
    write_tensors(folder / "w", {{"a", DType::F32, {6, 64}}, {"b", DType::BF16, {5, 96}}, {"bias", DType::F16, {6}}},
                  {{"config", "{\"layers\": 2}"}});
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  void ok(const std::string& command) const {
    const Result done = run(command);
    REQUIRE_MESSAGE(done.exit == 0, command << ": " << done.out);
  }
};

}  // namespace

TEST_CASE("pack and unpack give back the container of every kind of grid") {
  const Workspace work;
  for (const std::string flags : {"--grid gf16", "--grid int8", "--grid int6", "--grid int4 --group-size 32",
                                  "--grid int3z --group-size 16", "--grid nf4", "--grid int2 --scale-storage f16"}) {
    CAPTURE(flags);
    work.ok("quantize --weights w --method rtn --overwrite -o q " + flags);
    work.ok("pack q --overwrite -o p");
    work.ok("unpack p --overwrite -o u");
    CHECK(read_file(work.folder / "u") == read_file(work.folder / "q"));
    CHECK(read_file(work.folder / "p").size() < read_file(work.folder / "q").size());
  }
}

TEST_CASE("what is no container is not packed, what is no artifact not unpacked, and no output is lost") {
  const Workspace work;
  work.ok("quantize --weights w --method rtn --grid int4 -o q");
  work.ok("pack q -o p");
  check_error(work.run("pack w -o x"), 3, "E0360");
  check_error(work.run("pack q -o p"), 4, "E0410");
  check_error(work.run("pack q --overwrite -o q"), 4, "E0411");
  check_error(work.run("pack none -o x"), 9, "E0901");
  check_error(work.run("unpack q -o x"), 3, "E0346", {"hallpak1"});
  check_error(work.run("unpack p -o q"), 4, "E0410");
  check_error(work.run("unpack p --overwrite -o p"), 4, "E0411");
  std::string bytes = read_file(work.folder / "p");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file(work.folder / "changed", bytes);
  check_error(work.run("unpack changed -o x"), 7, "E0710", {"changed"});
  work.ok("quantize --weights w --method rtn --grid int4 -o s.safetensors.index.json");
  check_error(work.run("pack s.safetensors.index.json -o x"), 4, "E0440", {"2 files"});
  CHECK_FALSE(std::filesystem::exists(work.folder / "x"));
}

// The six-bit codes of a checkpoint by rounding to nearest: at most their order-0 entropy and 0.5 %, beside tables, and
// no more than what byte compressors make of one byte a code.
TEST_CASE("codes of a shipped checkpoint take their entropy") {
  const Workspace work;
  const std::string weights = std::filesystem::absolute("models/seed-47.safetensors").string();
  work.ok("quantize --weights " + weights + " --method rtn --grid int6 -o q");
  const auto file = QuantizedFile::open(work.folder / "q");
  REQUIRE(file);
  const auto contents = pack::pack_container(work.folder / "q", {});
  REQUIRE(contents);
  double entropy = 0, tables = 0, coded = 0, bytewise = 0;
  for (const QuantizedMatrix& matrix : file->header().matrices) {
    const auto codes = file->codes(matrix);
    REQUIRE(codes);
    entropy += entropy_of(*codes) * static_cast<double>(codes->size()) / 8;
    tables += 1 + 2 * 64 + 8 + 4 * 8;
    pack::Bytes bytes(static_cast<std::size_t>(codes->size()));
    std::ranges::transform(detail::all(*codes), bytes.begin(), [](Code c) { return static_cast<std::byte>(c & 255); });
    std::size_t least = bytes.size();
    for (const pack::Compressor* compressor : pack::compressors())
      if (compressor->id >= 3) least = std::min(least, compressor->encode(bytes, 1)->size());
    bytewise += static_cast<double>(least);
    const auto& tensors = file->file().tensors();
    const auto at = std::ranges::find(tensors, matrix.name + ".codes", &TensorInfo::name);
    REQUIRE(at != tensors.end());
    coded += static_cast<double>(contents->tensors[static_cast<std::size_t>(at - tensors.begin())].data.size());
  }
  MESSAGE("entropy " << entropy << ", tables " << tables << ", coded " << coded << ", byte compressors " << bytewise);
  CHECK(coded <= 1.005 * entropy + tables);
  CHECK(coded <= bytewise);
  CHECK(coded > 0.5 * entropy);
}

}  // namespace pack_test
