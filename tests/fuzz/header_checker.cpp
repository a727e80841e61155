#include "header_checker.hpp"

#include <algorithm>

namespace hallmark::test {

namespace {

__extension__ typedef unsigned __int128 Wide;

struct Refused {};

const std::map<std::string, unsigned, std::less<>> bits_of{
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64}};

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  CheckedFile header() {
    CheckedFile file;
    bool metadata = false;
    object([&](const std::string& name) {
      if (name == "__metadata__") {
        require(!metadata);
        metadata = true;
        object([&](const std::string& key) { require(file.metadata.emplace(key, string()).second); });
        return;
      }
      require(!name.empty() && name.size() <= 4096);
      for (const char c : name) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
      require(file.tensors.emplace(name, tensor(name)).second);
    });
    while (at_ < text_.size()) require(text_[at_++] == ' ');
    return file;
  }

 private:
  static void require(bool holds) {
    if (!holds) throw Refused{};
  }

  CheckedTensor tensor(const std::string& name) {
    CheckedTensor result;
    result.name = name;
    std::vector<std::string> seen;
    object([&](const std::string& field) {
      require(std::ranges::find(seen, field) == seen.end());
      seen.push_back(field);
      if (field == "dtype") {
        result.dtype = string();
        require(bits_of.contains(result.dtype));
      } else if (field == "shape") {
        result.shape = numbers();
        require(result.shape.size() <= 64);
      } else {
        require(field == "data_offsets");
        const auto offsets = numbers();
        require(offsets.size() == 2);
        result.begin = offsets[0];
        result.end = offsets[1];
      }
    });
    require(seen.size() == 3);
    return result;
  }

  char next() {
    require(at_ < text_.size());
    return text_[at_++];
  }
  void space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  template <class Member>
  void object(Member member) {
    space();
    require(next() == '{');
    space();
    if (text_.substr(at_, 1) == "}") {
      ++at_;
      return;
    }
    for (char c = ','; c == ',';) {
      space();
      const std::string name = string();
      space();
      require(next() == ':');
      space();
      member(name);
      space();
      c = next();
      require(c == ',' || c == '}');
    }
  }

  std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> list;
    require(next() == '[');
    space();
    if (text_.substr(at_, 1) == "]") {
      ++at_;
      return list;
    }
    for (char c = ','; c == ',';) {
      space();
      const std::size_t start = at_;
      Wide value = 0;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
        value = 10 * value + static_cast<unsigned>(text_[at_++] - '0');
        require(value < Wide{1} << 64);
      }
      require(at_ > start && (text_[start] != '0' || at_ == start + 1));
      list.push_back(static_cast<std::uint64_t>(value));
      space();
      c = next();
      require(c == ',' || c == ']');
    }
    return list;
  }

  unsigned hex4() {
    unsigned value = 0;
    for (int i = 0; i < 4; ++i) {
      const auto digit = std::string_view("0123456789abcdefABCDEF").find(next());
      require(digit != std::string_view::npos);
      value = 16 * value + static_cast<unsigned>(digit < 16 ? digit : digit - 6);
    }
    return value;
  }

  static void put(std::string& out, unsigned c) {
    const auto byte = [&](unsigned b) { out += static_cast<char>(b); };
    if (c < 0x80) return byte(c);
    if (c < 0x800) return byte(0xC0 | c >> 6), byte(0x80 | (c & 63));
    if (c < 0x10000) return byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63));
    byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 63)), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63));
  }

  std::string string() {
    std::string out;
    require(next() == '"');
    for (char c = next(); c != '"'; c = next()) {
      require(static_cast<unsigned char>(c) >= 0x20);
      if (c != '\\') {
        out += c;
        continue;
      }
      const char escape = next();
      const auto plain = std::string_view("\"\\/bfnrt").find(escape);
      if (plain != std::string_view::npos) {
        out += "\"\\/\b\f\n\r\t"[plain];
        continue;
      }
      require(escape == 'u');
      unsigned code = hex4();
      require(code < 0xDC00 || code > 0xDFFF);
      if (code >= 0xD800 && code <= 0xDBFF) {
        require(next() == '\\' && next() == 'u');
        const unsigned low = hex4();
        require(low >= 0xDC00 && low <= 0xDFFF);
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
      }
      put(out, code);
    }
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Decodes and encodes again: only the shortest form of a Unicode scalar value survives.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned>(static_cast<unsigned char>(text[k])); };
    const unsigned lead = byte(i);
    const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
    if (length == 0 || i + length > text.size()) return false;
    unsigned code = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t k = 1; k < length; ++k) {
      if (byte(i + k) >> 6 != 2) return false;
      code = code << 6 | (byte(i + k) & 63);
    }
    const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
    i += length;
  }
  return true;
}

bool fits(const CheckedTensor& t) {
  constexpr Wide limit = Wide{1} << 48;
  Wide bits = 1;
  for (const std::uint64_t d : t.shape) {
    if (d >= limit) return false;
    bits *= d;
    if (bits >= Wide{1} << 64) return false;
  }
  bits *= bits_of.find(t.dtype)->second;
  return bits < Wide{1} << 64 && bits % 8 == 0 && t.begin < limit && t.end < limit && Wide{t.begin} + bits / 8 == t.end;
}

}  // namespace

std::optional<CheckedFile> check_file(std::string_view file) {
  if (file.size() < 8) return std::nullopt;
  Wide length = 0;
  for (std::size_t i = 8; i-- > 0;) length = 256 * length + static_cast<unsigned char>(file[i]);
  if (length > 100'000'000 || 8 + length > file.size()) return std::nullopt;
  const std::string_view text = file.substr(8, static_cast<std::size_t>(length));
  if (!is_utf8(text) || text.substr(0, 1) != "{") return std::nullopt;
  CheckedFile result;
  try {
    result = Reader(text).header();
  } catch (const Refused&) {
    return std::nullopt;
  }
  if (result.tensors.size() > 1'000'000) return std::nullopt;
  // Every byte of the data belongs to exactly one tensor: the ranges, sorted, are a chain from 0 to the end.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, tensor] : result.tensors) {
    if (!fits(tensor)) return std::nullopt;
    ranges.emplace_back(tensor.begin, tensor.end);
  }
  std::ranges::sort(ranges);
  std::uint64_t reached = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != reached) return std::nullopt;
    reached = end;
  }
  if (reached != file.size() - 8 - text.size()) return std::nullopt;
  return result;
}

}  // namespace hallmark::test
