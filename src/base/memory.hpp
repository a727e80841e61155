// How much memory there is.
#pragma once

#include <cstdint>
#include <string>

namespace hallmark {

/// Bytes that this process may use as far as the system says: those of the machine or, where they are fewer, of a
/// control group that it is in, a container's or a Slurm job's. `process` and `root` are for tests.
std::uint64_t memory_of_process(const std::string& process = "/proc/self/cgroup",
                                const std::string& root = "/sys/fs/cgroup");

}  // namespace hallmark
