// What an archive gives back is what it was given, and bytes that are none of its own are refused without reading
// beyond them.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "state/archive.hpp"

namespace hallmark::test {

struct Leaf {
  double value = 0;
  std::optional<float> more;
  friend bool operator==(const Leaf&, const Leaf&) = default;
};

struct Tree {
  std::string name;
  std::vector<Leaf> leaves;
  std::vector<std::uint8_t> marks;
  std::map<std::string, std::int64_t> counts;
  Matrix<float> M;
  bool flag = false;
  friend bool operator==(const Tree& a, const Tree& b) {
    return a.name == b.name && a.leaves == b.leaves && a.marks == b.marks && a.counts == b.counts && a.flag == b.flag &&
           a.M.rows() == b.M.rows() && a.M.cols() == b.M.cols() && (a.M.array() == b.M.array()).all();
  }
};

template <class Archive>
void fields(Archive& archive, Leaf& leaf) {
  archive(leaf.value, leaf.more);
}
template <class Archive>
void fields(Archive& archive, Tree& tree) {
  archive(tree.name, tree.leaves, tree.marks, tree.counts, tree.M, tree.flag);
}

}  // namespace hallmark::test

using namespace hallmark;
using namespace hallmark::test;

namespace {

Tree tree() {
  Tree made{"a/b", {{-0.0, 1.5F}, {std::numeric_limits<double>::infinity(), {}}}, {1, 0, 7}, {{"x", -3}}, {}, true};
  made.M.resize(2, 3);
  made.M << 1, 2, 3, 4, 5, 6;
  return made;
}

std::vector<std::byte> bytes_of(const Tree& value) {
  BytesOut out;
  out(value);
  return out.bytes();
}

}  // namespace

TEST_CASE("values come back from their bytes") {
  const std::vector<std::byte> bytes = bytes_of(tree());
  Tree back;
  BytesIn in(bytes);
  in(back);
  CHECK(in.whole());
  CHECK(back == tree());
  CHECK(std::signbit(back.leaves.front().value));
  CHECK(bytes_of(back) == bytes);
}

TEST_CASE("bytes that are cut anywhere, or too many, are not whole") {
  std::vector<std::byte> bytes = bytes_of(tree());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Tree back;
    BytesIn in{std::span(bytes).first(size)};
    in(back);
    CHECK(!in.whole());
  }
  bytes.push_back(std::byte{0});
  Tree back;
  BytesIn in(bytes);
  in(back);
  CHECK(!in.whole());
}

TEST_CASE("a count that the bytes cannot hold, and a flag that is none, are refused") {
  const auto refuses = [](auto value, const auto& number) {
    BytesOut out;
    out(number);
    BytesIn in(out.bytes());
    in(value);
    return !in.whole();
  };
  constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
  CHECK(refuses(std::string(), huge));
  CHECK(refuses(std::vector<double>(), huge / 8 + 2));
  CHECK(refuses(std::vector<Leaf>(), huge));
  CHECK(refuses(std::map<std::string, Leaf>(), huge));
  CHECK(refuses(bool(), std::uint8_t{2}));
  for (const auto& [rows, cols] : {std::pair<Index, Index>{-1, 4}, {4, -1}, {Index{1} << 62, 4}, {1, 1}}) {
    BytesOut out;
    out(rows, cols);
    BytesIn in(out.bytes());
    Matrix<float> M;
    in(M);
    CHECK(!in.whole());
  }
}
