// Values as the bytes of a record, and back: one list of members serves both directions, so that what is written is
// what is read. Bytes are the machine's; a record is read where it was written, or on a machine like it.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

template <class T>
concept Plain = std::is_arithmetic_v<T>;

/// Appends values: out(a, b, c). Of a type of its own `fields(archive, value)` names the members.
class BytesOut {
 public:
  static constexpr bool reads = false;

  template <class... T>
  void operator()(const T&... values) {
    (put(values), ...);
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  void raw(const void* from, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), first, first + size);
  }
  template <Plain T>
  void put(T value) {
    raw(&value, sizeof value);
  }
  void put(const std::string& text) {
    put(text.size());
    raw(text.data(), text.size());
  }
  template <class T>
  void put(const std::vector<T>& values) {
    put(values.size());
    if constexpr (Plain<T>) raw(values.data(), values.size() * sizeof(T));
    else
      for (const T& value : values) put(value);
  }
  template <class T>
  void put(const Matrix<T>& M) {
    put(M.rows());
    put(M.cols());
    raw(M.data(), static_cast<std::size_t>(M.size()) * sizeof(T));
  }
  template <class T>
  void put(const std::optional<T>& value) {
    put(value.has_value());
    if (value) put(*value);
  }
  template <class T>
  void put(const std::map<std::string, T>& values) {
    put(values.size());
    for (const auto& [name, value] : values) (*this)(name, value);
  }
  template <class T>
  requires std::is_class_v<T>
  void put(const T& value) {
    fields(*this, const_cast<T&>(value));  // which only reads it
  }

  std::vector<std::byte> bytes_;
};

/// Takes values in the order in which they were appended. Whatever the bytes are, nothing is read beyond them, and no
/// more is allocated than they can fill; whole() says whether they were exactly those of the values.
class BytesIn {
 public:
  static constexpr bool reads = true;

  explicit BytesIn(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <class... T>
  void operator()(T&... values) {
    (get(values), ...);
  }
  bool whole() const { return good_ && rest_.empty(); }
  void refuse() { good_ = false; }

 private:
  void raw(void* to, std::size_t size) {
    good_ = good_ && size <= rest_.size();
    if (!good_ || size == 0) return;
    std::memcpy(to, rest_.data(), size);
    rest_ = rest_.subspan(size);
  }
  // A number of things, each of which takes so many bytes at least.
  std::size_t count(std::size_t each) {
    std::size_t size = 0;
    raw(&size, sizeof size);
    good_ = good_ && size <= rest_.size() / each;
    return good_ ? size : 0;
  }
  template <Plain T>
  void get(T& value) {
    if constexpr (std::same_as<T, bool>) {
      unsigned char byte = 0;
      raw(&byte, 1);
      good_ = good_ && byte <= 1;
      value = byte == 1;
    } else {
      raw(&value, sizeof value);
    }
  }
  void get(std::string& text) {
    text.resize(count(1));
    raw(text.data(), text.size());
  }
  template <class T>
  void get(std::vector<T>& values) {
    if constexpr (Plain<T>) {
      values.resize(count(sizeof(T)));
      raw(values.data(), values.size() * sizeof(T));
    } else {
      values.resize(count(1));
      for (T& value : values) get(value);
    }
  }
  template <class T>
  void get(Matrix<T>& M) {
    Index rows = 0, cols = 0;
    raw(&rows, sizeof rows);
    raw(&cols, sizeof cols);
    const auto most = static_cast<Index>(rest_.size() / sizeof(T));
    good_ = good_ && rows >= 0 && cols >= 0 && (cols == 0 || rows <= most / cols);
    if (!good_) return;
    M.resize(rows, cols);
    raw(M.data(), static_cast<std::size_t>(M.size()) * sizeof(T));
  }
  template <class T>
  void get(std::optional<T>& value) {
    bool there = false;
    get(there);
    value.reset();
    if (there) get(value.emplace());
  }
  template <class T>
  void get(std::map<std::string, T>& values) {
    values.clear();
    for (std::size_t left = count(1); left > 0 && good_; --left) {
      std::string name;
      get(name);
      get(values[name]);
    }
  }
  template <class T>
  requires std::is_class_v<T>
  void get(T& value) { fields(*this, value); }

  std::span<const std::byte> rest_;
  bool good_ = true;
};

template <class Archive>
void fields(Archive& archive, Error& error) {
  auto& [exit, number, what, where, hint] = error;
  int code = static_cast<int>(exit);
  archive(code, number, what, where, hint);
  if constexpr (Archive::reads) exit = static_cast<Exit>(code);
}

}  // namespace hallmark
