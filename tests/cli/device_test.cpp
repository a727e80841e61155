// --device: a tool or a machine without CUDA says so in three lines, with its own number, before it reads or writes anything.
#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

namespace {

struct Result {
  int exit;
  std::string out;
};

Result quantize_on(const std::string& device) {
  const std::string command = std::string(HALLMARK_TOOL) +
                              " quantize --weights no-such-file --method rtn --output device_test.out --device " + device + " 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  std::array<char, 4096> buffer;
  for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) out.append(buffer.data(), n);
  return {WEXITSTATUS(pclose(pipe)), out};
}

}  // namespace

TEST_CASE("--device") {
  const Result cuda = quantize_on("cuda");
  CAPTURE(cuda.out);
  CHECK(cuda.exit == 13);
  CHECK(cuda.out.find("error[E1305]: this hallmark was built without CUDA\n  --device cuda\n  try: ") == 0);
  CHECK(cuda.out.find("-DHALLMARK_CUDA=ON") != std::string::npos);
  CHECK(!std::filesystem::exists("device_test.out"));
  CHECK(quantize_on("cpu").exit == 9);     // E0901: the weights are not there
  CHECK(quantize_on("tpu").exit == 2);
}
