#include "ledger/ledger.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/error_numbers.hpp"
#include "io/file.hpp"
#include "io/sha256.hpp"
#include "io/strict_json.hpp"

namespace hallmark {
namespace {

constexpr std::string_view prev_key = "{\"prev\":\"";
constexpr std::size_t digest_digits = 64;
static_assert(ledger_genesis.size() == digest_digits);

Error broken(int number, std::string what, std::string_view place, std::size_t line) {
  return {Exit::input, number, std::move(what), fmt::format("{}, line {}", place, line),
          "a ledger is never repaired: take the file from version control"};
}

// Whether `prev` can be put in front of the first key.
bool is_body(std::string_view text) {
  if (!text.starts_with('{') || !text.ends_with('}') || text.find('\n') != text.npos) return false;
  const auto json = strict_json(text);
  return json && json->is_object() && !json->empty() && !json->contains("prev");
}

// The 64 digits after {"prev":" when the entry is a JSON object that begins so, has more keys, and none twice.
std::optional<std::string_view> prev_of(std::string_view entry) {
  if (!entry.starts_with(prev_key)) return std::nullopt;
  const auto digest = entry.substr(prev_key.size(), digest_digits);
  if (digest.size() != digest_digits || digest.find_first_not_of("0123456789abcdef") != digest.npos)
    return std::nullopt;
  if (!entry.substr(prev_key.size() + digest_digits).starts_with("\",")) return std::nullopt;
  const auto json = strict_json(entry);
  if (!json || !json->is_object()) return std::nullopt;
  return digest;
}

// flock on a file of its own: the lock of a file that is renamed over is lost.
class Lock {
 public:
  static Expected<Lock> take(const std::string& path) {
    const int fd = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (fd < 0) return failed(path);
    Lock lock(fd);
    while (::flock(fd, LOCK_EX) != 0)
      if (errno != EINTR) return failed(path);
    return lock;
  }
  Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Lock& operator=(Lock&&) = delete;
  ~Lock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit Lock(int fd) : fd_(fd) {}
  static Error failed(const std::string& path) {
    return {Exit::io, error_number::lock_failed, "the ledger's lock cannot be taken",
            fmt::format("{}: {}", path, std::strerror(errno)), "check the rights of the folder"};
  }
  int fd_;
};

}  // namespace

Expected<std::vector<LedgerEntry>> parse_ledger(std::string_view content, LedgerForm form, std::string_view place,
                                                bool whole) {
  std::vector<LedgerEntry> entries;
  if (content.empty() && form == LedgerForm::json_lines) return entries;
  std::string expected(ledger_genesis);
  std::size_t line = 0;
  bool closed = form == LedgerForm::json_lines,
       more = true;  // array: `more` says that the line before ended in a comma
  while (!content.empty()) {
    ++line;
    const auto end = content.find('\n');
    if (end == content.npos)
      return broken(error_number::ledger_torn, "the last line of the ledger has no end", place, line);
    std::string_view text = content.substr(0, end);
    content.remove_prefix(end + 1);
    if (form == LedgerForm::json_array) {
      if (closed) return broken(error_number::ledger_entry, "the ledger goes on after its array", place, line);
      if (line == 1) {
        if (text != "[") return broken(error_number::ledger_entry, "the ledger does not begin with [", place, line);
        continue;
      }
      if (text == "]") {
        if (more) return broken(error_number::ledger_entry, "an entry is missing before ]", place, line);
        closed = true;
        continue;
      }
      if (!more) return broken(error_number::ledger_entry, "no comma before this entry", place, line);
      more = text.ends_with(',');
      if (more) text.remove_suffix(1);
    }
    const auto prev = prev_of(text);
    if (!prev) return broken(error_number::ledger_entry, "this line is no entry of a ledger", place, line);
    if ((whole || !entries.empty()) && *prev != expected)
      return broken(error_number::ledger_chain,
                    "the chain of the ledger is broken: prev is not the digest of the entry before", place, line);
    expected = sha256_hex(text);
    entries.push_back({std::string(text), line});
  }
  if (!closed) return broken(error_number::ledger_torn, "the array of the ledger is not closed", place, line);
  return entries;
}

Expected<std::vector<LedgerEntry>> read_ledger(const std::string& path, LedgerForm form) {
  std::error_code none;
  if (!std::filesystem::exists(std::filesystem::symlink_status(path, none))) return std::vector<LedgerEntry>{};
  auto file = MappedFile::open(path);
  if (!file) return file.error();
  const auto bytes = file->bytes();
  return parse_ledger({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, form, path);
}

Status append_to_ledger(const std::string& path, LedgerForm form, std::span<const std::string> bodies) {
  if (bodies.empty()) return ok();
  return append_to_ledger(path, form, [&](std::span<const LedgerEntry>) -> Expected<std::vector<std::string>> {
    return std::vector<std::string>(bodies.begin(), bodies.end());
  });
}

Status append_to_ledger(const std::string& name, LedgerForm form, const LedgerBodies& bodies_for) {
  const std::string path = through_links(name);  // one ledger has one lock, whatever it is called
  auto lock = Lock::take(path + ".lock");
  if (!lock) return lock.error();
  auto entries = read_ledger(path, form);
  if (!entries) return entries.error();
  const auto bodies = bodies_for(*entries);
  if (!bodies) return bodies.error();
  if (bodies->empty()) return ok();
  for (const auto& body : *bodies)
    if (!is_body(body))
      return Error{Exit::internal, error_number::ledger_misuse, "a ledger takes JSON objects on one line", body,
                   "report this"};
  const bool exists = std::filesystem::exists(path);

  std::string prev = entries->empty() ? std::string(ledger_genesis) : sha256_hex(entries->back().text);
  for (const auto& body : *bodies) {
    std::string entry = fmt::format("{}{}\",{}", prev_key, prev, std::string_view(body).substr(1));
    prev = sha256_hex(entry);
    entries->push_back({std::move(entry), 0});
  }
  const bool array = form == LedgerForm::json_array;
  std::string content = array ? "[\n" : "";
  for (std::size_t i = 0; i < entries->size(); ++i) {
    content += (*entries)[i].text;
    content += array && i + 1 < entries->size() ? ",\n" : "\n";
  }
  if (array) content += "]\n";

  auto file = AtomicFile::create(path, exists);
  if (!file) return file.error();
  if (auto written = file->write(std::string_view(content)); !written) return written;
  return file->commit();
}

}  // namespace hallmark
