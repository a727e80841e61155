// --device: a tool or a machine without CUDA says so in three lines, with its own number, before it reads or writes
// anything.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "shell.hpp"

using hallmark::test::Result;

namespace {

Result quantize_on(const std::string& device) {
  return hallmark::test::shell(
      HALLMARK_TOOL " quantize --weights no-such-file --method rtn --output device_test.out --device " + device);
}

}  // namespace

TEST_CASE("--device") {
  const Result cuda = quantize_on("cuda");
  CAPTURE(cuda.out);
  CHECK(cuda.exit == 13);
  CHECK(cuda.out.find("error[E1305]: this hallmark was built without CUDA\n  --device cuda\n  try: ") == 0);
  CHECK(cuda.out.find("-DHALLMARK_CUDA=ON") != std::string::npos);
  CHECK(!std::filesystem::exists("device_test.out"));
  CHECK(quantize_on("cpu").exit == 9);  // E0901: the weights are not there
  CHECK(quantize_on("tpu").exit == 2);
}
