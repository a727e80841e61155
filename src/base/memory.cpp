#include "base/memory.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace hallmark {
namespace {

// The limit that a file of a control group holds, if it holds one ("max" is none).
void lower(std::uint64_t& least, const std::string& path) {
  std::uint64_t limit = 0;
  if (std::ifstream file(path); file >> limit) least = std::min(least, limit);
}

}  // namespace

std::uint64_t memory_of_process(const std::string& process, const std::string& root) {
  auto least = static_cast<std::uint64_t>(std::max(::sysconf(_SC_PHYS_PAGES), 1L)) *
               static_cast<std::uint64_t>(std::max(::sysconf(_SC_PAGESIZE), 1L));
  std::ifstream groups(process);
  // "0::/a/b", or of the older kind "4:memory:/a/b"; the limits of the groups above hold too.
  for (std::string line; std::getline(groups, line);) {
    const bool older = line.find(":memory:/") != std::string::npos;
    if (!older && !line.starts_with("0::/")) continue;
    for (std::string path = line.substr(line.find(":/") + 1);; path.resize(path.rfind('/'))) {
      lower(least, older ? root + "/memory" + path + "/memory.limit_in_bytes" : root + path + "/memory.max");
      if (path.find('/') == std::string::npos) break;
    }
  }
  return least;
}

}  // namespace hallmark
