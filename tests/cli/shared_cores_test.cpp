// Runs that share the processors: together they use what they use one after the other.
#include <sys/resource.h>

#include <algorithm>

#include <fmt/format.h>

#include "files.hpp"
#include "shell.hpp"
#include "../io/temporary_folder.hpp"

using namespace hallmark;
using namespace hallmark::test;

namespace {

// Seconds of processors that the command used, and what it started and waited for.
double used_by(const std::string& command) {
  const auto used = [] {
    rusage now{};
    REQUIRE(::getrusage(RUSAGE_CHILDREN, &now) == 0);
    return static_cast<double>(now.ru_utime.tv_sec + now.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(now.ru_utime.tv_usec + now.ru_stime.tv_usec);
  };
  const double before = used();
  const Result result = shell(command);
  REQUIRE_MESSAGE(result.exit == 0, result.out);
  return used() - before;
}

}  // namespace

// A thread that spins at a barrier takes the processor from the thread that it waits for. Processor time, and not time:
// what else runs on the machine does not count. Nor does an environment in which no thread spins, as `make test` sets
// it.
TEST_CASE("four verify at once use at most 1.5 times the processors of four one after the other") {
  const TemporaryFolder folder;
  std::vector<MadeTensor> weights, inputs;
  for (const std::string name : {"a", "b", "c"}) {
    weights.push_back({name, DType::F32, {1024, 1024}});
    inputs.push_back({name + ".activations", DType::F32, {2048, 1024}});
  }
  write_tensors(folder / "w", weights);
  write_tensors(folder / "c", inputs);
  const std::string tool = fmt::format("unset OMP_WAIT_POLICY; cd {}; '{}' ", folder.path(), HALLMARK_TOOL);
  const std::string verify = tool + "verify q --weights w --calibration c > /dev/null 2>&1";
  used_by(tool + "quantize --weights w --calibration c --grid int4 -o q > /dev/null 2>&1");
  double least = 1e9;  // of three: a clock that ticks at the wrong time is no fault
  for (int attempt = 0; attempt < 3 && least > 1.5; ++attempt) {
    const double alone = used_by(fmt::format("{0}; {0}; {0}; {0}", verify));
    const double together = used_by(fmt::format("({0}) & ({0}) & ({0}) & ({0}) & wait", verify));
    least = std::min(least, together / alone);
  }
  CHECK(least <= 1.5);
}
