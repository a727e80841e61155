#include "mutate.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string_view>

namespace hallmark::test {

namespace {

constexpr std::array<std::string_view, 40> words = {"0",
                                                    "1",
                                                    "-1",
                                                    "2",
                                                    "3",
                                                    "4",
                                                    "7",
                                                    "64",
                                                    "4294967296",
                                                    "281474976710655",
                                                    "9223372036854775807",
                                                    "18446744073709551615",
                                                    "1e308",
                                                    "0.01",
                                                    "1e-320",
                                                    "true",
                                                    "false",
                                                    "null",
                                                    "[]",
                                                    "{}",
                                                    "\"\"",
                                                    "\"int4/2\"",
                                                    "\"int4/1\"",
                                                    "\"int4z/1\"",
                                                    "\"gf16/1\"",
                                                    "\"gf:3,1/1\"",
                                                    "\"nf4/1\"",
                                                    "\"absmax\"",
                                                    "\"given\"",
                                                    "\"rtn\"",
                                                    "\"codes\"",
                                                    "\"none\"",
                                                    "\"off\"",
                                                    "\"0x0p+0\"",
                                                    "\"inf\"",
                                                    "\"-inf\"",
                                                    "\"0x1p+1023\"",
                                                    "\"0x0.0000000000001p-1022\"",
                                                    "\"F16\"",
                                                    "\"BF16\""};

constexpr std::array<float, 12> numbers = {0.0F,
                                           -0.0F,
                                           1.0F,
                                           -1.0F,
                                           0x1p-149F,
                                           0x1p-126F,
                                           0x1p-40F,
                                           0x1p64F,
                                           std::numeric_limits<float>::max(),
                                           -std::numeric_limits<float>::max(),
                                           std::numeric_limits<float>::infinity(),
                                           std::numeric_limits<float>::quiet_NaN()};

struct Token {
  std::size_t begin, size;
};

// Strings whole, everything else in runs without punctuation; punctuation one by one.
std::vector<Token> tokens_of(std::string_view text) {
  constexpr std::string_view punctuation = "{}[]:, \n\"";
  std::vector<Token> found;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    if (text[at] == '"') {
      while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, text.size());
    } else if (punctuation.find(text[at]) == text.npos) {
      end = std::min(text.find_first_of(punctuation, at), text.size());
    }
    found.push_back({at, end - at});
    at = end;
  }
  return found;
}

std::string_view any_token(std::string_view text, Recipe& recipe) {
  const std::vector<Token> tokens = tokens_of(text);
  if (tokens.empty()) return {};
  const Token t = tokens[recipe.below(tokens.size())];
  return text.substr(t.begin, t.size);
}

void change_text(std::string& text, std::string_view other, Recipe& recipe);

// JSON inside of a string: changed there, and written as a string again.
bool change_inside(std::string& token, std::string_view other, Recipe& recipe) {
  if (token.find("\\\"") == token.npos) return false;
  const auto inner = nlohmann::json::parse(token, nullptr, false);
  if (!inner.is_string()) return false;
  auto text = inner.get<std::string>();
  change_text(text, other, recipe);
  token = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return true;
}

void change_token(std::string& token, std::string_view text, std::string_view other, Recipe& recipe) {
  switch (recipe.byte() % 5) {
    case 0: token = words[recipe.below(words.size())]; break;
    case 1: token = any_token(text, recipe); break;
    case 2: token = any_token(other, recipe); break;
    case 3: token.clear(); break;
    default: {  // a digit or a letter becomes its neighbour
      if (token.size() < 2) break;
      char& c = token[1 + recipe.below(token.size() - 1)];
      if (c == '"') break;
      c = static_cast<char>(c == '9' ? '8' : c == 'f' ? 'e' : c + 1);
    }
  }
}

void swap_lines(std::string& text, Recipe& recipe) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size() - 1);
    lines.push_back(text.substr(at, end + 1 - at));
    at = end + 1;
  }
  if (lines.size() < 2) return;
  std::string &a = lines[recipe.below(lines.size())], &b = lines[recipe.below(lines.size())];
  switch (recipe.byte() % 3) {
    case 0: std::swap(a, b); break;
    case 1: a += std::string(b); break;
    default: a.clear();
  }
  text.clear();
  for (const std::string& line : lines) text += line;
}

// `other` is the same text of another set.
void change_text(std::string& text, std::string_view other, Recipe& recipe) {
  const std::vector<Token> tokens = tokens_of(text);
  if (tokens.empty()) return;
  const unsigned how = recipe.byte();
  const Token a = tokens[recipe.below(tokens.size())];
  std::string token = text.substr(a.begin, a.size);
  if (how % 8 < 4) {
    if (how % 8 == 0 || !change_inside(token, other, recipe)) change_token(token, text, other, recipe);
    text.replace(a.begin, a.size, token);
  } else if (how % 8 == 4) {  // a run of tokens again, elsewhere
    const Token b = tokens[recipe.below(tokens.size())];
    const std::size_t end = std::max(a.begin + a.size, std::min(text.size(), a.begin + recipe.byte()));
    text.insert(b.begin, text.substr(a.begin, end - a.begin));
  } else if (how % 8 == 5) {
    const Token b = tokens[recipe.below(tokens.size())];
    const std::string second = text.substr(b.begin, b.size);
    const Token &first = a.begin < b.begin ? a : b, &last = a.begin < b.begin ? b : a;
    if (first.begin == last.begin) return;
    text.replace(last.begin, last.size, a.begin < b.begin ? token : second);
    text.replace(first.begin, first.size, a.begin < b.begin ? second : token);
  } else if (how % 8 == 6) {
    swap_lines(text, recipe);
  } else {
    text.insert(a.begin, std::string(1, static_cast<char>(recipe.byte())));
  }
}

// A digit of a digest or of a mantissa: runs of eight hexadecimal digits and more.
void change_digit(std::string& text, Recipe& recipe) {
  constexpr std::string_view hexadecimal = "0123456789abcdef";
  std::vector<Token> runs;
  for (std::size_t at = 0; (at = text.find_first_of(hexadecimal, at)) != text.npos;) {
    const std::size_t end = std::min(text.find_first_not_of(hexadecimal, at), text.size());
    if (end - at >= 8) runs.push_back({at, end - at});
    at = end;
  }
  if (runs.empty()) return;
  const Token run = runs[recipe.below(runs.size())];
  text[run.begin + recipe.below(run.size)] = hexadecimal[recipe.byte() % 16];
}

void change_data(std::string& file, std::size_t first, Recipe& recipe) {
  if (file.size() < first + 4) return;
  const std::size_t at = first + 4 * recipe.below((file.size() - first) / 4);
  if (recipe.byte() % 2 == 0) {
    std::memcpy(&file[at], &numbers[recipe.below(numbers.size())], 4);
  } else if (file.size() >= at + 8) {
    const auto wide = static_cast<double>(numbers[recipe.below(numbers.size())]);
    std::memcpy(&file[at], &wide, 8);
  }
}

// The header of a safetensors file and where its data begin; everything of another file.
std::size_t header_end(const std::string& name, const std::string& file) {
  if (!name.ends_with(".safetensors") || file.size() < 8) return file.size();
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), 8);
  return length <= file.size() - 8 ? 8 + static_cast<std::size_t>(length) : file.size();
}

}  // namespace

unsigned Recipe::byte() {
  if (bytes_.empty()) return 0;
  const unsigned value = bytes_.front();
  bytes_ = bytes_.subspan(1);
  return value;
}

void mutate(FileSet& set, const std::vector<FileSet>& others, Recipe& recipe) {
  const auto chosen = std::next(set.begin(), static_cast<std::ptrdiff_t>(recipe.byte() % set.size()));
  const std::string& name = chosen->first;
  std::string& file = chosen->second;
  const FileSet& other_set = others[recipe.byte() % others.size()];
  const auto found = other_set.find(name);
  const std::string_view other = found == other_set.end() ? std::string_view() : std::string_view(found->second);
  const bool tensors = name.ends_with(".safetensors") && file.size() >= 8;
  const std::size_t end = header_end(name, file);
  switch (const unsigned how = recipe.byte() % 9) {
    case 0:
      if (!file.empty()) file[recipe.below(file.size())] ^= static_cast<char>(1 << recipe.byte() % 8);
      return;
    case 1: file.resize(recipe.below(file.size() + 1)); return;
    case 2:
      file += recipe.byte() % 2 == 0 ? std::string(1 + recipe.byte(), '\0') : std::string(other.substr(0, 64));
      return;
    case 3: file = other; return;
    case 4:  // codes are bytes
      if (file.size() > end) file[end + recipe.below(file.size() - end)] = static_cast<char>(recipe.byte());
      return;
    case 5:
      if (tensors) return change_data(file, end, recipe);
      [[fallthrough]];
    default: {
      const std::size_t begin = tensors ? 8 : 0;
      std::string text = file.substr(begin, end - begin);
      if (how == 7) change_digit(text, recipe);
      else change_text(text, other.substr(std::min(begin, other.size())), recipe);
      const std::uint64_t length = text.size();
      file.replace(begin, end - begin, text);
      if (tensors) std::memcpy(file.data(), &length, 8);
    }
  }
}

}  // namespace hallmark::test
