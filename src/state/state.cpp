#include "state/state.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error_numbers.hpp"
#include "io/sha256.hpp"
#include "io/strict_json.hpp"
#include "io/utf8.hpp"
#include "ledger/json_fields.hpp"

namespace hallmark {
namespace {

constexpr std::string_view state_name = "state", record_ending = ".record", record_format = "hallmark-record/1 ";

// The content of the file `state`.
std::string title_of(const std::string& command) { return fmt::format("hallmark-state/1 {}\n", command); }

Error refused(Exit exit, int number, std::string what, std::string where, std::string hint) {
  return {exit, number, std::move(what), std::move(where), std::move(hint)};
}

Error system_error(Exit exit, int number, std::string what, const std::string& path) {
  return refused(exit, number, std::move(what), fmt::format("{}: {}", path, std::strerror(errno)),
                 "check the state's folder, its rights and the disk");
}

// What lies in the folder, by name.
struct Listed {
  bool titled = false, records = false, foreign = false;
  std::vector<std::string> temporaries;
};

Expected<Listed> list(const std::string& folder) {
  Listed listed;
  std::error_code fault;
  std::filesystem::directory_iterator entry(folder, fault), end;
  for (; !fault && entry != end; entry.increment(fault)) {
    const std::string name = entry->path().filename().string();
    if (name == state_name) listed.titled = true;
    else if (name.ends_with(record_ending)) listed.records = true;
    else if (name.starts_with(".hallmark-") && name.ends_with(".tmp")) listed.temporaries.push_back(entry->path());
    else listed.foreign = true;
  }
  if (!fault) return listed;
  return Error{Exit::io, error_number::cannot_read, "the state's folder cannot be read",
               fmt::format("{}: {}", folder, fault.message()), "check its rights"};
}

// Whether the locked file says that the state is of this command; one that a killed run began is finished.
Status check_title(int fd, const std::string& folder, const std::string& command) {
  const std::string title = title_of(command);
  std::string found(title.size() + 100, '\0');
  const ssize_t size = ::pread(fd, found.data(), found.size(), 0);
  const std::string path = folder + "/" + std::string(state_name);
  if (size < 0) return system_error(Exit::io, error_number::cannot_read, "the state cannot be read", path);
  found.resize(static_cast<std::size_t>(size));
  if (found == title) return ok();
  if (!title.starts_with(found))
    return refused(
        Exit::infeasible, error_number::state_foreign, "the state is not one that this command can go on with",
        fmt::format("{}: it begins with '{}', not '{}'", path,
                    found.substr(0, std::min(found.find('\n'), std::size_t{60})), title.substr(0, title.size() - 1)),
        "give every command a --state of its own");
  const bool written = ::pwrite(fd, title.data(), title.size(), 0) == static_cast<ssize_t>(title.size());
  if (!written || ::fsync(fd) != 0)
    return system_error(Exit::io, error_number::cannot_write, "the state cannot be written", path);
  return ok();
}

// "options: grid was int4/2, is int8/2": the first dependency that is another.
std::string first_change(const Dependencies& then, const Dependencies& now) {
  const auto shown = [](const std::string& value) { return value.size() <= 90 ? value : value.substr(0, 87) + "..."; };
  for (const auto& [name, value] : now) {
    const auto old = then.find(name);
    if (old == then.end()) return fmt::format("{} is {}, there was none", name, shown(value));
    if (old->second != value) return fmt::format("{} was {}, is {}", name, shown(old->second), shown(value));
  }
  for (const auto& [name, value] : then)
    if (!now.contains(name)) return fmt::format("{} was {}, there is none", name, shown(value));
  return "";
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A record without its first line, which has the digest of all that follows.
std::optional<std::string_view> sealed_part(std::span<const std::byte> file) {
  const std::string_view text = text_of(file);
  const std::size_t first = record_format.size() + 64 + 1;
  if (text.size() < first || !text.starts_with(record_format) || text[first - 1] != '\n') return std::nullopt;
  if (sha256_mapped(file.subspan(first)) != text.substr(record_format.size(), 64)) return std::nullopt;
  return text.substr(first);
}

constexpr const char* damaged = "its record is damaged: cut, or with other bytes than were written";

}  // namespace

std::string described(const TensorInfo& tensor, const std::string& sha256) {
  return fmt::format("{} {} {}", dtype_name(tensor.dtype), shape_text(tensor.shape), sha256);
}

Expected<State> State::open(const std::string& folder, const std::string& command, bool resume) {
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST)
    return system_error(Exit::io, error_number::cannot_create, "the state's folder cannot be made", folder);
  Expected<Listed> before = list(folder);
  if (!before) return before.error();
  if (!before->titled && (before->foreign || before->records))
    return refused(Exit::infeasible, error_number::state_foreign, "the folder holds other files and no state", folder,
                   "name a folder that is empty, or that does not exist yet");
  const std::string path = fmt::format("{}/{}", folder, state_name);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0) return system_error(Exit::io, error_number::cannot_create, "the state cannot be opened", path);
  State state(folder, command, fd);
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK)
      return refused(Exit::infeasible, error_number::state_in_use, "another run uses this state", path,
                     "wait for that run to end, or give each run a --state of its own");
    if (errno != EINTR)
      return system_error(Exit::io, error_number::lock_failed, "the state's lock cannot be taken", path);
  }
  if (const Status good = check_title(fd, folder, command); !good) return good.error();
  const Expected<Listed> now = list(folder);  // nobody else writes any more
  if (!now) return now.error();
  if (now->records && !resume)
    return refused(Exit::infeasible, error_number::state_not_empty, "the state holds records of an earlier run", folder,
                   "--resume goes on with them; --state with another folder begins anew");
  for (const std::string& temporary : now->temporaries) ::unlink(temporary.c_str());
  return state;
}

State::~State() {
  if (lock_ >= 0) ::close(lock_);
}

// Names of tensors may be long, and hold slashes.
std::string State::path_of(const std::string& name) const {
  return fmt::format("{}/{}{}", folder_, sha256_hex(std::string_view(name)), record_ending);
}

bool State::has(const std::string& name) const { return ::access(path_of(name).c_str(), F_OK) == 0; }

Found State::find(const std::string& name, const Dependencies& now) const {
  if (!has(name)) return {};
  Expected<MappedFile> file = MappedFile::open(path_of(name));
  if (!file) return {std::nullopt, "its record cannot be read: " + file.error().where};
  const std::optional<std::string_view> rest = sealed_part(file->bytes());
  const std::size_t end = rest ? rest->find('\n') : std::string_view::npos;
  if (end == std::string_view::npos) return {std::nullopt, damaged};
  const auto head = strict_json(rest->substr(0, end));
  if (!head || !head->is_object()) return {std::nullopt, damaged};
  detail::FieldReader fields(*head);
  std::string command, of;
  Dependencies then;
  fields.read("command", command);
  fields.read("of", of);
  fields.read("depends", then);
  if (!fields.failed().empty() || command != command_ || of != escaped(name)) return {std::nullopt, damaged};
  if (std::string change = first_change(then, now); !change.empty()) return {std::nullopt, std::move(change)};
  const std::span<const std::byte> bytes = std::as_bytes(std::span(rest->substr(end + 1)));
  return {Kept{*std::move(file), bytes}};
}

void State::drop(const std::string& name) const { ::unlink(path_of(name).c_str()); }

Status State::keep(const std::string& name, const Dependencies& on, std::span<const std::byte> bytes) const {
  nlohmann::ordered_json head{{"command", command_}, {"of", escaped(name)}, {"depends", on}};
  const std::string line = head.dump() + "\n";
  const std::string digest = Sha256().update(line).update(bytes).hex();
  const auto written = [&]() -> Status {
    Expected<AtomicFile> file = AtomicFile::create(path_of(name), true);
    if (!file) return file.error();
    if (const Status done = file->write(fmt::format("{}{}\n", record_format, digest)); !done) return done;
    if (const Status done = file->write(line); !done) return done;
    if (const Status done = file->write(bytes); !done) return done;
    return file->commit();
  }();
  if (written) return written;
  Error error = located(fmt::format("state {}", folder_), written.error());
  error.hint = "make room or mend the folder: what is kept there stays, and --resume goes on";
  return error;
}

}  // namespace hallmark
