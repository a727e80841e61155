// --device, mpirun: a tool or a machine without CUDA or MPI says so in three lines, with its own number, before it
// reads or writes anything.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "shell.hpp"

namespace device_test {

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

#ifndef HALLMARK_WITH_MPI
TEST_CASE("several processes") {
  // As mpirun of Open MPI and of MPICH starts them.
  for (const char* several : {"OMPI_COMM_WORLD_SIZE=3 ", "PMI_SIZE=3 "}) {
    const Result version = hallmark::test::shell(several + std::string(HALLMARK_TOOL " version"));
    CAPTURE(version.out);
    CHECK(version.exit == 13);
    CHECK(version.out.find("error[E1307]: this hallmark was built without MPI\n  3 processes") == 0);
  }
  CHECK(hallmark::test::shell("OMPI_COMM_WORLD_SIZE=1 " HALLMARK_TOOL " version").exit == 0);
}

TEST_CASE("several processes that mpirun itself starts") {
  // Not what we think that it says to its processes, but what it says.
  if (hallmark::test::shell("command -v mpirun").exit != 0) {
    MESSAGE("NOT RUN: several processes by mpirun: it is not there");
    return;
  }
  const std::string mpirun =
      "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 mpirun -n ";
  const Result two = hallmark::test::shell(mpirun + "2 " HALLMARK_TOOL " version");
  CAPTURE(two.out);
  CHECK(two.exit == 13);
  CHECK(two.out.find("error[E1307]: this hallmark was built without MPI\n  2 processes") != std::string::npos);
  CHECK(hallmark::test::shell(mpirun + "1 " HALLMARK_TOOL " version").exit == 0);
}
#endif

}  // namespace device_test
