// The zip archives that torch.save writes: every entry stored as it is, sizes in the central directory, which the end
// of the file leads to, with the records of zip64 or without. Checksums are not looked at: torch.load does not look at
// them either, and torch.save can be told to leave them out.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error_numbers.hpp"
#include "io/gguf.hpp"
#include "io/pytorch.hpp"
#include "io/utf8.hpp"

namespace hallmark::pytorch {
namespace {

constexpr std::uint32_t local_mark = 0x04034b50, central_mark = 0x02014b50, end_mark = 0x06054b50,
                        end64_mark = 0x06064b50, locator_mark = 0x07064b50;
constexpr std::uint64_t local_bytes = 30, central_bytes = 46, end_bytes = 22, end64_bytes = 56, locator_bytes = 20;
constexpr std::uint16_t escape16 = 0xFFFF;
constexpr std::uint32_t escape32 = 0xFFFFFFFF;  // in a field of 32 bits: the number stands in a record of zip64
constexpr unsigned harmless_flags = 1U << 3 | 1U << 11;  // sizes behind the data too; names in UTF-8

Error broken(const std::string& path, std::string what, const std::string& where) {
  return {Exit::input, error_number::pytorch_archive, std::move(what), path + ": " + where,
          "get the file again, or write it again with torch.save"};
}

/// Precondition: the bytes are there.
template <class T>
T number(std::span<const std::byte> bytes, std::uint64_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

struct Directory {
  std::uint64_t offset, bytes, entries;
};

Expected<Directory> find_directory(std::span<const std::byte> file, const std::string& path) {
  const auto size = static_cast<std::uint64_t>(file.size());
  const std::uint64_t end = size < end_bytes ? 0 : size - end_bytes;
  if (size < end_bytes || number<std::uint32_t>(file, end) != end_mark || number<std::uint16_t>(file, end + 20) != 0)
    return broken(path, "the archive does not end as one of torch.save", fmt::format("{} bytes", size));
  if (number<std::uint32_t>(file, end + 4) != 0)
    return broken(path, "an archive of several files", "its end names a disk that is not the first");
  Directory found{number<std::uint32_t>(file, end + 16), number<std::uint32_t>(file, end + 12),
                  number<std::uint16_t>(file, end + 10)};
  std::uint64_t stop = end;
  if (end >= locator_bytes && number<std::uint32_t>(file, end - locator_bytes) == locator_mark) {
    const auto at = number<std::uint64_t>(file, end - locator_bytes + 8);
    if (end - locator_bytes < end64_bytes || at != end - locator_bytes - end64_bytes ||
        number<std::uint32_t>(file, at) != end64_mark)
      return broken(path, "the end of the archive is not where its locator says", fmt::format("byte {}", at));
    const Directory wide{number<std::uint64_t>(file, at + 48), number<std::uint64_t>(file, at + 40),
                         number<std::uint64_t>(file, at + 32)};
    const auto agree = [](std::uint64_t narrow, std::uint64_t value, std::uint64_t escape) {
      return narrow == value || narrow == escape;
    };
    if (!agree(found.offset, wide.offset, escape32) || !agree(found.bytes, wide.bytes, escape32) ||
        !agree(found.entries, wide.entries, escape16))
      return broken(path, "the two ends of the archive disagree", fmt::format("byte {}", at));
    found = wide;
    stop = at;
  }
  if (found.offset > stop || found.bytes != stop - found.offset)
    return broken(path, "the directory of the archive is not where its end says",
                  fmt::format("{} bytes at {}, the end at {}", found.bytes, found.offset, stop));
  return found;
}

struct Member {
  std::string_view name;
  std::uint64_t begin, data, end;  // of the local header, of the data, behind them
};

// The numbers that a record of zip64 has in place of fields of 32 bits that are all ones, in their order.
bool take_wide(std::span<const std::byte> extra, std::initializer_list<std::uint64_t*> fields) {
  std::span<const std::byte> wide;
  for (std::uint64_t at = 0; at + 4 <= extra.size();) {
    const auto id = number<std::uint16_t>(extra, at), bytes = number<std::uint16_t>(extra, at + 2);
    if (bytes > extra.size() - at - 4) return false;
    if (id == 1) wide = extra.subspan(at + 4, bytes);
    at += 4 + std::uint64_t{bytes};
  }
  for (std::uint64_t* const field : fields) {
    if (*field != escape32) continue;
    if (wide.size() < 8) return false;
    *field = number<std::uint64_t>(wide, 0);
    wide = wide.subspan(8);
  }
  return true;
}

// One record of the directory, whose first byte is `at`; moves `at` behind it.
Expected<Member> read_entry(std::span<const std::byte> file, const Directory& directory, std::uint64_t& at,
                            const std::string& path) {
  const auto fail = [&](std::string what) {
    return broken(path, std::move(what), fmt::format("the entry whose record is at byte {}", at));
  };
  const std::uint64_t stop = directory.offset + directory.bytes;
  if (stop - at < central_bytes || number<std::uint32_t>(file, at) != central_mark)
    return fail("the directory of the archive is broken");
  const auto name_bytes = number<std::uint16_t>(file, at + 28), extra_bytes = number<std::uint16_t>(file, at + 30),
             comment_bytes = number<std::uint16_t>(file, at + 32);
  const std::uint64_t bytes = central_bytes + name_bytes + extra_bytes + comment_bytes;
  if (bytes > stop - at) return fail("a record of the directory is longer than it");
  const auto flags = number<std::uint16_t>(file, at + 8), method = number<std::uint16_t>(file, at + 10);
  if (method != 0) return fail("an entry of the archive is compressed");
  if ((flags & ~harmless_flags) != 0) return fail("an entry of the archive is encrypted or of an unknown kind");
  std::uint64_t packed = number<std::uint32_t>(file, at + 20), size = number<std::uint32_t>(file, at + 24),
                begin = number<std::uint32_t>(file, at + 42);
  if (!take_wide(file.subspan(at + central_bytes + name_bytes, extra_bytes), {&size, &packed, &begin}))
    return fail("an entry lacks the sizes that its record promises");
  const std::string_view name(reinterpret_cast<const char*>(file.data()) + at + central_bytes, name_bytes);
  if (!gguf::usable_name(name, max_name_bytes)) return fail("an entry has an unusable name");
  if (packed != size) return fail("a stored entry has two sizes");
  if (begin > directory.offset || directory.offset - begin < local_bytes) return fail("an entry outside the archive");
  const std::uint64_t data =
      begin + local_bytes + number<std::uint16_t>(file, begin + 26) + number<std::uint16_t>(file, begin + 28);
  if (data > directory.offset || size > directory.offset - data) return fail("an entry outside the archive");
  if (number<std::uint32_t>(file, begin) != local_mark || number<std::uint16_t>(file, begin + 8) != 0 ||
      number<std::uint16_t>(file, begin + 26) != name_bytes ||
      std::memcmp(file.data() + begin + local_bytes, name.data(), name.size()) != 0)
    return fail("an entry and its record disagree");
  at += bytes;
  return Member{name, begin, data, data + size};
}

}  // namespace

bool is_archive(std::span<const std::byte> file) {
  // Byte 8 of a safetensors file is {, of these archives the method of the first entry.
  return file.size() >= 4 && number<std::uint32_t>(file, 0) == local_mark &&
         (file.size() < 9 || file[8] != std::byte{'{'});
}

Expected<std::map<std::string_view, std::span<const std::byte>>> parse_archive(std::span<const std::byte> file,
                                                                               const std::string& path) {
  const Expected<Directory> directory = find_directory(file, path);
  if (!directory) return directory.error();
  std::vector<Member> entries;
  std::uint64_t at = directory->offset;
  while (at < directory->offset + directory->bytes) {
    const Expected<Member> entry = read_entry(file, *directory, at, path);
    if (!entry) return entry.error();
    entries.push_back(*entry);
  }
  if (entries.size() != directory->entries)
    return broken(path, "the archive has another number of entries than its end says",
                  fmt::format("{} and {}", entries.size(), directory->entries));
  std::ranges::sort(entries, {}, &Member::begin);
  std::map<std::string_view, std::span<const std::byte>> stored;
  std::string_view folder;
  std::uint64_t end = 0;
  for (const Member& entry : entries) {
    const auto fail = [&](std::string what) {
      return broken(path, std::move(what), fmt::format("'{}' at byte {}", printable(entry.name), entry.begin));
    };
    if (entry.begin < end) return fail("two entries of the archive share bytes");
    end = entry.end;
    const std::size_t slash = entry.name.find('/');
    if (slash == 0 || slash == std::string_view::npos) return fail("an entry outside the archive's folder");
    if (folder.empty()) folder = entry.name.substr(0, slash);
    if (entry.name.substr(0, slash) != folder) return fail("an entry outside the archive's folder");
    if (!stored.emplace(entry.name.substr(slash + 1), file.subspan(entry.data, entry.end - entry.data)).second)
      return fail("a name occurs twice in the archive");
  }
  return stored;
}

}  // namespace hallmark::pytorch
