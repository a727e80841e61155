// What a newcomer tries: a folder, a glob, a checkpoint of PyTorch, a buffer of integers, a certificate alone.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "../io/temporary_folder.hpp"
#include "check_error.hpp"
#include "files.hpp"
#include "shell.hpp"

namespace newcomer_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

// Two matrices and a buffer of integers, and calibration of the first.
struct Workspace {
  TemporaryFolder folder;

  Workspace() {
    write_tensors(folder / "w.safetensors", {{"a.weight", DType::F32, {4, 16}},
                                             {"b.weight", DType::F32, {3, 4}},
                                             {"ids", DType::U8, {2, 3}, {1, 2, 3, 4, 5, 6}}});
    write_tensors(folder / "c.safetensors", {{"a.weight.activations", DType::F32, {40, 16}}});
  }
  Result run(const std::string& command) const {
    return shell(fmt::format("cd {}; {} {}", folder.path(), HALLMARK_TOOL, command));
  }
};

const std::string nearest = "quantize --weights w.safetensors --method rtn --grid int4 -o q.safetensors ";
const std::string calibrated = "quantize --weights w.safetensors --calibration c.safetensors -o q.safetensors ";

bool says(const Result& result, std::string_view text) { return result.out.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("a buffer of integers passes through with its reason, unless somebody names it") {
  const Workspace work;
  const Result made = work.run(nearest);
  CHECK_MESSAGE(made.exit == 0, made.out);
  CHECK_MESSAGE(says(made, "1 matrix left as it is: numbers of dtype U8: ids"), made.out);
  check_error(work.run(nearest + "--overwrite --include ids"), 3, "E0351", {"ids U8"});
}

TEST_CASE("a glob is answered by the regular expression that means it") {
  check_error(Workspace().run(nearest + "--include '*.weight'"), 2, "E0210",
              {"--include '*.weight'", R"('.*\.weight')"});
  check_error(Workspace().run(nearest + "--include '(a'"), 2, "E0210", {"the syntax of RE2"});
}

TEST_CASE("a folder stands for the model in it") {
  const Workspace work;
  check_error(work.run("inspect ."), 9, "E0901", {"a folder without model.safetensors"});
  std::filesystem::create_directory(work.folder / "m");
  std::filesystem::copy(work.folder / "w.safetensors", work.folder / "m/model.safetensors");
  const Result listed = work.run("inspect m");
  CHECK(listed.exit == 0);
  CHECK_MESSAGE(listed.out.starts_with("m/model.safetensors\n"), listed.out);
  CHECK(work.run("quantize --weights m --method rtn --grid int4 -o q.safetensors").exit == 0);
}

TEST_CASE("a checkpoint of PyTorch is called one") {
  const Workspace work;
  std::ofstream(work.folder / "m.pt") << "PK\x03\x04" << std::string(60, 'x');
  check_error(work.run("inspect m.pt"), 3, "E0336", {"torch.save"});
  std::ofstream(work.folder / "n.pt") << "\x80\x02" << std::string(60, 'x');
  check_error(work.run("inspect n.pt"), 3, "E0302", {"torch.load"});
}

TEST_CASE("a state dict of PyTorch is weights like any other") {
  const Workspace work;
  std::filesystem::copy("tests/io/pytorch/state_dict.pt", work.folder / "m.pt");
  CHECK(says(work.run("inspect m.pt"), "tok_emb.weight  BF16"));
  CHECK(work.run("import m.pt -o m.safetensors").exit == 0);
  check_error(work.run("import m.pt -o m.pt --overwrite"), 4, "E0411");
  const std::string quantize = " --method rtn --grid int4 --include weight";
  for (const char* kind : {"pt", "safetensors"}) {
    const Result made = work.run(fmt::format("quantize --weights m.{0}{1} -o {0}.q", kind, quantize));
    CHECK_MESSAGE(made.exit == 0, made.out);
    CHECK(work.run(fmt::format("verify {0}.q --certificate {0}.q.certificate.json --weights m.{0}", kind)).exit == 0);
    CHECK(work.run(fmt::format("dequantize {0}.q -o {0}.w", kind)).exit == 0);
  }
  const auto same = [&](const char* a, const char* b) {
    const auto first = SafeTensors::open(work.folder / a), second = SafeTensors::open(work.folder / b);
    REQUIRE(first);
    REQUIRE(second);
    CHECK(first->tensors().size() == second->tensors().size());
    for (const TensorInfo& tensor : first->tensors())
      CHECK(std::ranges::equal(second->find(tensor.name)->data, tensor.data));
  };
  same("m.pt", "m.safetensors");
  same("pt.w", "safetensors.w");
}

TEST_CASE("calibration that is not named is a matter of the command, not of the files") {
  const Workspace work;
  REQUIRE(work.run(calibrated).exit == 0);
  const std::string verify = "verify q.safetensors --weights w.safetensors";
  check_error(work.run(verify), 2, "E0201", {"'a.weight'", "--calibration FILE"});
  CHECK(work.run(verify + " --calibration c.safetensors").exit == 0);
}

TEST_CASE("inspect tells what a certificate says") {
  const Workspace work;
  REQUIRE(work.run(calibrated + "--grid int4").exit == 0);
  const Result text = work.run("inspect q.certificate.json");
  CHECK(text.exit == 0);
  CHECK_MESSAGE(says(text, "a.weight        4 x 16      int4/2 gptq loss "), text.out);
  CHECK_MESSAGE(says(text, "1 matrices; hallmark verify judges"), text.out);
  const Result described = work.run("inspect --json q.certificate.json");
  const nlohmann::json json = nlohmann::json::parse(described.out);
  CHECK(json["certificate"] == 2);
  CHECK(json["matrices"][0]["rows"] == 4);
  CHECK(json["matrices"][0]["tokens"] == 40);
  CHECK(json["matrices"][0]["loss"].get<double>() > 0);
  CHECK(json["matrices"][0]["loss"].get<double>() <= json["matrices"][0]["loss_rtn"].get<double>());
}

TEST_CASE("--quiet leaves out what goes well, and nothing else") {
  const Workspace work;
  const Result quiet = work.run(calibrated + "--quiet");
  CHECK(quiet.exit == 0);
  CHECK_MESSAGE(quiet.out == "2 matrices left as they are: no calibration: b.weight, ...\n", quiet.out);
  CHECK(says(work.run("inspect --quiet w.safetensors"), "a.weight"));
  check_error(work.run(calibrated + "--quiet"), 4, "E0410");
}

TEST_CASE("a line of progress is taken off the terminal before anything else is written") {
  const TemporaryFolder folder;
  write_tensors(folder / "w", {{"a", DType::F32, {256, 512}}, {"b", DType::F32, {256, 512}}});
  write_tensors(folder / "c", {{"a.activations", DType::F32, {600, 512}}, {"b.activations", DType::F32, {600, 512}}});
  const auto on_terminal = [&](const std::string& command) {  // `script` gives the tool one
    const Result shown =
        shell(fmt::format("cd {}; script -qec '{} {}' /dev/null < /dev/null", folder.path(), HALLMARK_TOOL, command));
    CHECK_MESSAGE(shown.exit == 0, shown.out);
    return shown.out;
  };
  const auto lines_of = [](const std::string& label, const std::string& out) {
    std::size_t lines = 0;
    for (std::size_t at = 0; (at = out.find(label, at)) != std::string::npos; ++at, ++lines)
      CHECK_MESSAGE(out.find("\r\x1b[K", at) < out.find('\n', at), out);
    return lines;
  };
  const std::string made =
      on_terminal("quantize --weights w --calibration c --grid int4 --method best --effort 5 -o q");
  CHECK(lines_of("quantize: ", made) > 0);
  const std::string verify = "verify q --weights w --calibration c --exact --threads 1";
  const std::string shown = on_terminal(verify);
  CHECK(lines_of("verify: ", shown) > 1);
  CHECK_MESSAGE(shown.find(" of 256 exact judgements") != std::string::npos, shown);  // within a matrix
  const std::string again = on_terminal(verify + " --reproduce");
  CHECK_MESSAGE(again.find(" of 256 exact judgements") != std::string::npos, again);
  const std::string quantize = "quantize --weights w --calibration c --grid int4 --exact --threads 1 -o q2";
  const std::string audited = on_terminal(quantize);  // of rows and of their losses
  CHECK_MESSAGE(audited.find(" of 512 exact judgements") != std::string::npos, audited);
  CHECK(lines_of("verify: ", on_terminal(verify + " --quiet")) == 0);
}

}  // namespace newcomer_test
