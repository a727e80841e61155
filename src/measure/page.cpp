#include "measure/page.hpp"

#include "io/file.hpp"

namespace hallmark {

Status write_page(const std::string& path, std::string_view text) {
  auto file = AtomicFile::create(path, true);
  if (!file) return file.error();
  if (auto written = file->write(text); !written) return written;
  return file->commit();
}

}  // namespace hallmark
