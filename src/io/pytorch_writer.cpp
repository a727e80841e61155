// What torch.save writes, without its memo: torch.load and our own reader make the same of it.
#include <zlib.h>

#include <algorithm>
#include <initializer_list>
#include <limits>

#include "io/pytorch.hpp"
#include "io/pytorch_globals.hpp"

namespace hallmark::pytorch {
namespace {

std::string number(auto value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string whole;
  for (const std::string_view part : parts) whole += part;
  return whole;
}

const Global* storage_of(DType dtype) {
  const auto found = std::ranges::find_if(
      globals, [&](const Global& known) { return known.role == Role::storage && known.dtype == dtype; });
  return found == globals.end() ? nullptr : &*found;
}

std::string global(const Global& known) { return joined({"c", known.module, "\n", known.name, "\n"}); }
std::string text(std::string_view value) {
  return joined({"X", number(static_cast<std::uint32_t>(value.size())), value});
}
std::string integer(std::int64_t value) {
  if (value >= 0 && value < 256) return joined({"K", number(static_cast<std::uint8_t>(value))});
  if (value >= std::numeric_limits<std::int32_t>::min() && value <= std::numeric_limits<std::int32_t>::max())
    return joined({"J", number(static_cast<std::int32_t>(value))});
  return joined({"\x8A\x08", number(value)});
}

/// (i0, i1, ...)
std::string sizes(const Shape& shape) {
  std::string out = "(";
  for (const std::uint64_t size : shape) out += integer(static_cast<std::int64_t>(size));
  return out += "t";
}

// Writes values and numbers the storages in their order.
class Pickler {
 public:
  std::string dict(const Dict& entries) {
    std::string out = "}(";
    for (const Entry& entry : entries) out += joined({text(entry.key), value(entry.value)});
    return out += "u";
  }
  std::vector<const Stored*> storages;

 private:
  std::string value(const Value& held) {
    if (const auto* nested = std::get_if<Dict>(&held)) return dict(*nested);
    if (const auto* words = std::get_if<std::string>(&held)) return text(*words);
    if (const auto* count = std::get_if<std::int64_t>(&held)) return integer(*count);
    return tensor(std::get<Stored>(held));
  }
  std::string tensor(const Stored& stored) {
    Shape strides(stored.shape.size(), 1);
    for (std::size_t k = strides.size(); k-- > 1;)
      strides[k - 1] = strides[k] * std::max<std::uint64_t>(stored.shape[k], 1);
    const std::string key = std::to_string(storages.size());
    storages.push_back(&stored);
    const std::string count = integer(static_cast<std::int64_t>(element_count(stored.shape)));
    return joined({global(globals[1]), "((", text("storage"), global(*storage_of(stored.dtype)), text(key), text("cpu"),
                   count, "tQ", integer(0), sizes(stored.shape), sizes(strides), "\x89", global(globals[0]), ")RtR"});
  }
};

// Entries one behind the other, then their directory; sizes and checksums in front of the data.
class Archive {
 public:
  explicit Archive(std::string folder) : folder_(std::move(folder)) {}

  void add(std::string_view entry, std::span<const std::byte> data) {
    using u16 = std::uint16_t;
    using u32 = std::uint32_t;
    const std::string name = joined({folder_, "/", entry});
    const auto size = static_cast<u32>(data.size());
    const auto checksum = static_cast<u32>(
        crc32_z(crc32_z(0, nullptr, 0), reinterpret_cast<const unsigned char*>(data.data()), data.size()));
    const std::string name_bytes = number(static_cast<u16>(name.size())), none = number(u32{0});
    const std::string common =
        joined({number(u16{20}), number(u16{0x0800}), number(u16{0}), number(u16{0}), number(u16{0x21}),
                number(checksum), number(size), number(size), name_bytes, number(u16{0})});
    directory_ += joined({"PK\1\2", number(u16{20}), common, number(u16{0}), number(u16{0}), number(u16{0}), none,
                          number(static_cast<u32>(bytes_.size())), name});
    append(joined({"PK\3\4", common, name}));
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    ++count_;
  }
  void add(std::string_view entry, std::string_view data) { add(entry, std::as_bytes(std::span(data))); }

  std::vector<std::byte> finish() {
    const auto offset = static_cast<std::uint32_t>(bytes_.size());
    append(joined({directory_, "PK\5\6", number(std::uint32_t{0}), number(count_), number(count_),
                   number(static_cast<std::uint32_t>(directory_.size())), number(offset), number(std::uint16_t{0})}));
    return std::move(bytes_);
  }

 private:
  void append(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

  std::string folder_, directory_;
  std::vector<std::byte> bytes_;
  std::uint16_t count_ = 0;
};

}  // namespace

bool has_storage(DType dtype) { return storage_of(dtype) != nullptr; }

std::vector<std::byte> archive_of(const Dict& dict, const std::string& folder,
                                  const std::vector<std::pair<std::string, std::string>>& further) {
  Pickler pickler;
  const std::string pickle = joined({"\x80\x02", pickler.dict(dict), "."});
  Archive archive(folder);
  archive.add("data.pkl", pickle);
  archive.add("byteorder", "little");
  for (std::size_t i = 0; i < pickler.storages.size(); ++i)
    archive.add(joined({"data/", std::to_string(i)}), pickler.storages[i]->bytes);
  archive.add("version", "3\n");
  for (const auto& [name, content] : further) archive.add(name, content);
  return archive.finish();
}

}  // namespace hallmark::pytorch
