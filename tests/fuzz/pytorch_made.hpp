// Checkpoints of PyTorch put together byte by byte: pickles of state dicts, and archives of stored entries.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/pytorch.hpp"

namespace hallmark::test::made {

inline std::string number(auto value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

inline std::string text(std::string_view value) {
  return "X" + number(static_cast<std::uint32_t>(value.size())) + std::string(value);
}
inline std::string integer(std::uint64_t value) { return "\x8A\x08" + number(value); }
inline std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string out = "(";
  for (const std::string& item : items) out += item;
  return out + "t";
}
inline std::string sizes(const Shape& shape) {
  std::vector<std::string> items;
  for (const std::uint64_t size : shape) items.push_back(integer(size));
  return tuple(items);
}
inline std::string empty_dict() { return global("collections", "OrderedDict") + ")R"; }
inline std::string call(const std::string& function, const std::vector<std::string>& arguments) {
  return function + tuple(arguments) + "R";
}

inline std::string storage_class(DType dtype) {
  switch (dtype) {
    case DType::F32: return "FloatStorage";
    case DType::BF16: return "BFloat16Storage";
    case DType::F16: return "HalfStorage";
    case DType::F64: return "DoubleStorage";
    case DType::I8: return "CharStorage";
    case DType::U8: return "ByteStorage";
    case DType::I16: return "ShortStorage";
    case DType::I32: return "IntStorage";
    case DType::I64: return "LongStorage";
    default: return "BoolStorage";
  }
}
inline std::string storage(const pytorch::Placed& tensor) {
  return tuple({text("storage"), global("torch", storage_class(tensor.dtype)), text(tensor.storage), text("cpu"),
                integer(tensor.storage_count)}) +
         "Q";
}
inline std::string tensor(const pytorch::Placed& tensor) {
  return call(
      global("torch._utils", "_rebuild_tensor_v2"),
      {storage(tensor), integer(tensor.offset), sizes(tensor.shape), sizes(tensor.strides), "\x89", empty_dict()});
}
/// A state dict of these keys and values.
inline std::string pickle(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = "\x80\x02" + empty_dict() + "(";
  for (const auto& [key, value] : items) out += key + value;
  return out + "u.";
}
inline std::string state_dict(const std::vector<pytorch::Placed>& tensors) {
  std::vector<std::pair<std::string, std::string>> items;
  for (const pytorch::Placed& one : tensors) items.emplace_back(text(one.name), tensor(one));
  return pickle(items);
}

struct Archive {
  std::string bytes;
  std::vector<std::size_t> headers, records;  ///< where each entry's local header and record begin
};
/// As torch.save writes it: the sizes of an entry behind its data; with zip64, both ends.
inline Archive archive(const std::vector<std::pair<std::string, std::string>>& entries, bool zip64 = true) {
  using u16 = std::uint16_t;
  using u32 = std::uint32_t;
  using u64 = std::uint64_t;
  Archive out;
  std::string directory;
  for (const auto& [name, data] : entries) {
    const std::string common = number(u16{0}) + number(u16{0x0808}) + number(u16{0}) + number(u32{0});
    const auto size = static_cast<u32>(data.size());
    out.headers.push_back(out.bytes.size());
    out.records.push_back(directory.size());
    directory += "PK\1\2" + number(u16{0}) + common + number(u32{0}) + number(size) + number(size) +
                 number(static_cast<u16>(name.size())) + number(u16{0}) + number(u16{0}) + number(u16{0}) +
                 number(u16{0}) + number(u32{0}) + number(static_cast<u32>(out.bytes.size())) + name;
    out.bytes += "PK\3\4" + common + number(u32{0}) + number(u32{0}) + number(u32{0}) +
                 number(static_cast<u16>(name.size())) + number(u16{5}) + name + "FB" + number(u16{1}) + "Z" + data;
    if (!data.empty()) out.bytes += "PK\7\x8" + number(u32{0}) + number(size) + number(size);
  }
  for (std::size_t& record : out.records) record += out.bytes.size();
  const u64 offset = out.bytes.size(), size = directory.size(), count = entries.size();
  out.bytes += directory;
  if (zip64)
    out.bytes += "PK\6\6" + number(u64{44}) + number(u16{0x2D}) + number(u16{0x2D}) + number(u32{0}) + number(u32{0}) +
                 number(count) + number(count) + number(size) + number(offset) + "PK\6\7" + number(u32{0}) +
                 number(offset + size) + number(u32{1});
  out.bytes += "PK\5\6" + number(u32{0}) + number(static_cast<u16>(count)) + number(static_cast<u16>(count)) +
               number(static_cast<u32>(size)) + number(static_cast<u32>(offset)) + number(u16{0});
  return out;
}

}  // namespace hallmark::test::made
