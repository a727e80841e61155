// export --to gptq, gptq-v2 and compressed-tensors from the command line: the certificate is true of the exported file,
// and every command reads it as it reads the container.
#include <fmt/format.h>

#include "../io/temporary_folder.hpp"
#include "check_error.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace gptq_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

struct Workspace {
  TemporaryFolder folder;
  Workspace() {
    write_tensors(folder / "w", {{"l.a.weight", DType::F32, {64, 96}},
                                 {"l.b.weight", DType::BF16, {32, 32}},
                                 {"l.a.bias", DType::F32, {64}},
                                 {"norm", DType::F16, {3, 5}}});
    write_tensors(folder / "c", {{"l.a.weight.activations", DType::F32, {200, 96}},
                                 {"l.b.weight.activations", DType::F32, {99, 32}}});
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
  std::string succeeds(const std::string& command) const {
    const Result result = run(command);
    REQUIRE_MESSAGE(result.exit == 0, command << "\n" << result.out);
    return result.out;
  }
  void quantize(const std::string& flags) const {
    succeeds("quantize --weights w --calibration c -o q.safetensors --overwrite " + flags);
  }
};

}  // namespace

TEST_CASE("quantize, export, verify, dequantize: the same numbers from either file") {
  const Workspace space;
  for (const std::string flags :
       {"--grid int4 --group-size 32 --desc-act", "--grid int3z --scale-storage f16", "--grid int2 --method descent",
        "--grid int8s --group-size 16 --scale-storage bf16"}) {
    space.quantize(flags + " --contracts exact");
    space.succeeds("dequantize q.safetensors --overwrite -o d");
    for (const std::string format : {"gptq", "gptq-v2", "compressed-tensors"}) {
      CAPTURE(flags);
      CAPTURE(format);
      space.succeeds(fmt::format("export q.safetensors --to {} --overwrite -o p", format));
      for (const std::string how : {"", "--exact", "--reproduce"})
        CHECK(space.succeeds(
                  fmt::format("verify p --certificate q.certificate.json --weights w --calibration c {}", how)) != "");
      space.succeeds("dequantize p --overwrite -o e");
      CHECK(read_file(space.folder / "d") == read_file(space.folder / "e"));
      CHECK(space.succeeds("inspect p").find("quantized: 2 matrices in 2 tensors, of 4") != std::string::npos);
      space.succeeds("export p --to hallmark --overwrite -o back");
      CHECK(read_file(space.folder / "back") == read_file(space.folder / "q.safetensors"));
    }
  }
}

TEST_CASE("a code that was changed in an exported file: verify names the tensor, dequantize refuses the file") {
  const Workspace space;
  space.quantize("--grid int4");
  space.succeeds("export q.safetensors --to gptq -o p");
  std::string bytes = read_file(space.folder / "p");
  bytes[bytes.size() - 64 * 2 - 32 * 2 - 100] ^= 1;
  write_file(space.folder / "p", bytes);
  check_error(space.run("verify p --certificate q.certificate.json --weights w --calibration c"), 7, "E0712",
              {"'l.b.weight'"});
  check_error(space.run("dequantize p -o e"), 7, "E0710");
}

TEST_CASE("what a format cannot hold is refused by name, and an output that is there is kept") {
  const Workspace space;
  space.quantize("--grid int6");
  const Result six = space.run("export q.safetensors --to gptq -o p");
  check_error(six, 4, "E0439");
  CHECK(six.out.find("tensor 'l.a.weight': the layout has no codes of grid int6/2") != std::string::npos);
  write_file(space.folder / "p.config.json", "{}");
  check_error(space.run("export q.safetensors --to compressed-tensors -o p"), 4, "E0410");
  CHECK_FALSE(std::filesystem::exists(space.folder / "p"));
  CHECK(read_file(space.folder / "p.config.json") == "{}");
  space.succeeds("export q.safetensors --to compressed-tensors --overwrite -o p");
  CHECK(read_file(space.folder / "p.config.json").find("\"num_bits\": 6") != std::string::npos);
}

}  // namespace gptq_test
