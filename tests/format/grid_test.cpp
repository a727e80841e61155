// Grids: the nearest point, the clipping test and the bound against a search through all points in exact rationals.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include "format/golden_float.hpp"
#include "format/grid.hpp"
#include "rational.hpp"

namespace grid_test {

using namespace hallmark;
using reference::Rational;

namespace {

Grid grid_of(const char* name) {
  auto grid = Grid::parse(name);
  REQUIRE(grid);
  return *grid;
}

/// All codes of a grid that differ as numbers (one zero), in increasing order of value.
std::vector<Code> codes_in_order(const Grid& grid) {
  std::vector<Code> codes;
  for (unsigned c = 0; c < 65536; ++c)
    if (const auto code = static_cast<Code>(c);
        grid.contains(code) && !(grid.value(code) == 0 && std::signbit(grid.value(code))))
      codes.push_back(code);
  std::sort(codes.begin(), codes.end(), [&](Code a, Code b) { return grid.value(a) < grid.value(b); });
  return codes;
}

/// What the banner of grid.hpp promises, for one x and step, found by looking at every point.
unsigned violations(const Grid& grid, const std::vector<Code>& codes, double x, Step step) {
  const Rational s(step.scale);
  const auto point = [&](Code c) { return s * Rational(grid.value(c, step.zero)); };
  const auto even = [&](Code c) {
    return (grid.is_integer() ? static_cast<int>(grid.value(c, step.zero)) : c) % 2 == 0;
  };
  Code best = codes.front();
  Rational least = abs(Rational(x) - point(best));
  for (const Code c : codes) {
    const Rational d = abs(Rational(x) - point(c));
    if (d < least || (d == least && even(c))) best = c, least = d;
  }
  unsigned wrong = 0;
  const Code code = grid.nearest(x, step);
  wrong += grid.value(code) != grid.value(best);
  if (grid.is_golden()) wrong += std::signbit(grid.value(code)) != std::signbit(x);
  else wrong += code != best;

  // Clipped: beyond an end by more than half a gap (the gap that would follow: as wide as the one before it).
  Rational bottom = point(codes.front()), top = point(codes.back());
  const Rational gap = abs(top - point(codes[codes.size() - 2]));
  const Rational margin = grid.is_table() ? Rational(0) : gap * Rational(0.5);
  if (top < bottom) std::swap(bottom, top);
  const bool clipped = Rational(x) > top + margin || Rational(x) < bottom - margin;
  wrong += grid.clipped(x, step) != clipped;
  if (!clipped) wrong += least > Rational(grid.half_gap(x, step));
  return wrong;
}

/// x at every midpoint and point of {s g}, at their binary64 neighbours, beyond the ends, and random.
void check_everywhere(const Grid& grid, Step step) {
  const double infinity = std::numeric_limits<double>::infinity(), s = step.scale;
  const auto codes = codes_in_order(grid);
  unsigned wrong = 0;
  const auto probe = [&](double x) {
    for (const double near : {x, std::nextafter(x, infinity), std::nextafter(x, -infinity)})
      wrong += violations(grid, codes, near, step);
  };
  const auto point = [&](Code c) { return s * grid.value(c, step.zero); };
  for (std::size_t i = 0; i < codes.size(); ++i) {
    probe(point(codes[i]));
    if (i > 0) probe((point(codes[i - 1]) + point(codes[i])) / 2);
  }
  const double top = s * grid.spec().largest, gap = point(codes.back()) - point(codes[codes.size() - 2]);
  for (const double x : {top + gap / 2, top + gap, 3 * top, 1e300, 0.0, 0x1p-1074, 0x1p-1022}) probe(x), probe(-x);
  for (const double x : {point(codes.back()) + gap / 2, point(codes.front()) - gap / 2}) probe(x);
  std::mt19937_64 random(7);
  for (int i = 0; i < 300; ++i) probe(top * (3 * std::ldexp(static_cast<double>(random() >> 11), -53) - 1.5));
  CHECK(wrong == 0);
}

const std::vector<double> scales{1.0,           0x1p-20,      0.1f,     3.0f,          1.9990234375,
                                 0x1.fffffep-3, 0x1.000002p5, 0x1p-149, 0x1.fffffep127};

/// All of them, or three for a grid of many points.
std::vector<double> few_scales(const char* name) {
  return grid_of(name).spec().bits < 7 ? scales : std::vector<double>{0.1f, 0x1.000002p5, 0x1p-149};
}

}  // namespace

TEST_CASE("small golden grids and all integers against every point") {
  for (const char* name : {"gf:2,1", "gf:3,2", "int2s", "int3s", "int4s", "int5s", "int6s", "int7s", "int8s"})
    for (const double s : few_scales(name)) {
      CAPTURE(name);
      CAPTURE(s);
      check_everywhere(grid_of(name), s);
    }
}

TEST_CASE("integers of all codes under scales of either sign, and with zero points, against every point") {
  for (const char* name : {"int2", "int3", "int4", "int5", "int6", "int7", "int8"})
    for (const double size : few_scales(name))
      for (const double s : {size, -size}) {
        CAPTURE(name);
        CAPTURE(s);
        check_everywhere(grid_of(name), s);
      }
  for (const char* name : {"int2z", "int3z", "int4z", "int8z"})
    for (const double s : few_scales(name)) {
      const Grid grid = grid_of(name);
      for (const int zero : {0, 1, grid.spec().last / 2 + 1, grid.spec().last}) {
        CAPTURE(name);
        CAPTURE(s);
        CAPTURE(zero);
        check_everywhere(grid, {s, zero});
      }
    }
}

TEST_CASE("nf4 and the levels of Lloyd against every point") {
  for (const char* name : {"nf4", "lloyd:2", "lloyd:3", "lloyd:4"})
    for (const double s : scales) {
      CAPTURE(name);
      CAPTURE(s);
      check_everywhere(grid_of(name), s);
    }
  const std::vector<float> nf4 = grid_of("nf4").spec().points;
  CHECK(nf4.size() == 16);
  CHECK(nf4.front() == -1);
  CHECK(nf4[7] == 0);
  CHECK(nf4.back() == 1);
  // As printed by Dettmers et al. (2023), appendix E.
  const double printed[] = {-1.0,
                            -0.6961928009986877,
                            -0.5250730514526367,
                            -0.39491748809814453,
                            -0.28444138169288635,
                            -0.18477343022823334,
                            -0.09105003625154495,
                            0.0,
                            0.07958029955625534,
                            0.16093020141124725,
                            0.24611230194568634,
                            0.33791524171829224,
                            0.44070982933044434,
                            0.5626170039176941,
                            0.7229568362236023,
                            1.0};
  for (std::size_t k = 0; k < nf4.size(); ++k)
    CHECK(std::fabs(static_cast<double>(nf4[k]) - printed[k]) <= 0x1p-13 * std::fabs(printed[k]));
}

TEST_CASE("the levels of Lloyd are the centroids of a normal distribution between their midpoints") {
  const auto density = [](double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0)); };
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  for (const auto& grid : {std::pair{"lloyd:2", 1.5104}, {"lloyd:3", 2.1520}, {"lloyd:4", 2.7326}}) {
    const char* const name = grid.first;
    const double last = grid.second;  // the outermost level, Max (1960), table I
    CAPTURE(name);
    const std::vector<float> levels = grid_of(name).spec().points;
    const double unit = last / 127;
    for (std::size_t k = 0; k < levels.size(); ++k) {
      CHECK(levels[k] == -levels[levels.size() - 1 - k]);
      const double from = k == 0 ? -40 : unit * (levels[k - 1] + levels[k]) / 2,
                   to = k + 1 == levels.size() ? 40 : unit * (levels[k] + levels[k + 1]) / 2;
      CHECK(std::fabs((density(from) - density(to)) / (below(to) - below(from)) - unit * levels[k]) < 0.7 * unit);
    }
  }
}

TEST_CASE("codebooks against every point") {
  const std::vector<std::vector<float>> books{{-1, 1},
                                              {-1.0f, -0.5f, 0.0f, 0.25f, 3.0f},
                                              {0x1p-149f, 1.0f, 0x1.ffep127f},
                                              {-0x1p127f, -0x1p-140f, 0, 0x1p-149f, 0x1.8p100f}};
  for (const auto& book : books)
    for (const double s : scales) {
      const auto grid = Grid::table("book", book);
      REQUIRE(grid);
      CAPTURE(book.size());
      CAPTURE(s);
      check_everywhere(*grid, s);
    }
  CHECK(Grid::table("book", books[1])->spec().code_dtype() == "U8");
  CHECK(Grid::table("book", books[1])->spec().bits == 3);
  for (const auto& bad :
       std::vector<std::vector<float>>{{}, {1}, {1, 1}, {2, 1}, {0, NAN}, {0, INFINITY}, {0, 0x1.0008p0f}})
    CHECK_FALSE(Grid::table("book", bad));
  CHECK(Grid::table("book", {0, 0x1.001p0f}));  // 13 bits
  CHECK_FALSE(Grid::table("int4s", {0, 1}));
}

TEST_CASE("large golden grids: a point is nearest when its neighbours are not nearer") {
  std::mt19937_64 random(11);
  for (const char* name : {"gf16", "bf16", "fp16", "gf:2,12", "gf:7,8"}) {
    const Grid grid = grid_of(name);
    const auto codes = codes_in_order(grid);
    unsigned wrong = 0, ties = 0;
    for (int i = 0; i < 30000; ++i) {
      const double s = i % 3 == 0 ? 1.0
                                  : std::ldexp(1.0 + std::ldexp(static_cast<double>(random() >> 41), -23),
                                               static_cast<int>(random() % 80) - 40);
      const std::size_t at = 1 + random() % (codes.size() - 2);
      const double low = s * grid.value(codes[at]), high = s * grid.value(codes[at + 1]), middle = (low + high) / 2;
      double x = middle;  // exact: a tie
      if (i % 4 == 1) x = std::nextafter(x, 1e300);
      if (i % 4 == 2) x = std::nextafter(x, -1e300);
      if (i % 4 == 3) x = low + (high - low) * std::ldexp(static_cast<double>(random() >> 11), -53);
      const bool tie = x == middle;
      const Code expected = tie ? (codes[at] % 2 == 0 ? codes[at] : codes[at + 1]) : codes[at + (x > middle)];
      wrong += grid.value(grid.nearest(x, s)) != grid.value(expected);
      wrong += Rational(grid.half_gap(x, s)) < abs(Rational(x) - Rational(s) * Rational(grid.value(expected)));
      wrong += grid.clipped(x, s);
      ties += tie;
    }
    CAPTURE(name);
    CHECK(wrong == 0);
    CHECK(ties > 7000);
  }
}

TEST_CASE("gf16 with scale 1 is the codec, infinities clipped to the largest finite value") {
  const Grid grid = grid_of("gf16");
  std::mt19937_64 random(13);
  unsigned wrong = 0;
  for (int i = 0; i < 2'000'000; ++i) {
    const auto x = static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
    if (std::isnan(x)) continue;
    const Code word = GF16::encode(x);
    wrong += grid.nearest(x, 1) != (GF16::is_infinite(word) ? word - 1 : word);
    wrong += grid.clipped(x, 1) != (std::fabs(x) > 4292870144.0);
  }
  CHECK(wrong == 0);
  for (unsigned w = 0; w < 65536; ++w) {
    const auto word = static_cast<Code>(w);
    wrong += grid.contains(word) != GF16::is_finite(word);
    if (grid.contains(word))
      wrong += grid.nearest(grid.value(word), 1) != word || grid.value(word) != static_cast<double>(GF16::decode(word));
    else wrong += !std::isnan(grid.value(word));
  }
  CHECK(wrong == 0);
  CHECK(grid.half_gap(1.0, 1.0) == 0x1p-10);
  CHECK(grid.half_gap(0.0, 1.0) == 0x1p-40);
}

TEST_CASE("NaN and infinities count as clipped") {
  const auto nan = static_cast<double>(NAN);
  for (const char* name : {"gf16", "int4s", "int4", "int4z", "nf4", "lloyd:4"}) {
    CAPTURE(name);
    const Grid grid = grid_of(name);
    for (const double x : {nan, -nan, HUGE_VAL, -HUGE_VAL}) CHECK(grid.clipped(x, 0.5));
    if (grid.is_table()) CHECK(grid.nearest(nan, 0.5) == 0);
    else CHECK(grid.value(grid.nearest(nan, 0.5)) == 0);
    CHECK(grid.value(grid.nearest(HUGE_VAL, 0.5)) == grid.value(codes_in_order(grid).back()));
    CHECK(grid.value(grid.nearest(-HUGE_VAL, 0.5)) == grid.value(codes_in_order(grid).front()));
  }
  const Grid int4 = grid_of("int4"), int4z = grid_of("int4z");
  CHECK(int4.value(int4.nearest(HUGE_VAL, -0.5)) == -8);
  CHECK(int4.value(int4.nearest(-HUGE_VAL, -0.5)) == 7);
  for (const double x : {nan, -nan, HUGE_VAL, -HUGE_VAL}) {
    CHECK(int4.clipped(x, -0.5));
    CHECK(int4z.clipped(x, {0.5, 9}));
  }
  CHECK(int4z.nearest(nan, {0.5, 9}) == 9);
  CHECK(int4z.nearest(HUGE_VAL, {0.5, 9}) == 15);
}

TEST_CASE("names, ids, dtypes and codes") {
  const auto check = [](const char* typed, const char* name, const char* id, const char* dtype, int bits,
                        double largest) {
    CAPTURE(typed);
    const Grid grid = grid_of(typed);
    CHECK(grid.name() == name);
    CHECK(grid.id() == id);
    CHECK(grid.spec().code_dtype() == dtype);
    CHECK(grid.spec().bits == bits);
    CHECK(grid.spec().largest == largest);
    for (const char* again : {name, id}) {
      CHECK(grid_of(again) == grid);
      CHECK(grid_of(again).name() == name);
    }
  };
  check("gf16", "gf16", "gf16/1", "U16", 16, 4290772992.0);
  check("gf:6,9", "gf16", "gf16/1", "U16", 16, 4290772992.0);
  check("bf16/1", "bf16", "bf16/1", "U16", 16, 0x1.fep127);
  check("fp16", "fp16", "fp16/1", "U16", 16, 65504.0);
  check("gf:2,1", "gf:2,1", "gf:2,1/1", "U8", 4, 3.0);
  check("int2s", "int2s", "int2/1", "I8", 2, 1.0);
  check("int8s", "int8s", "int8/1", "I8", 8, 127.0);
  check("int4/1", "int4s", "int4/1", "I8", 4, 7.0);  // the first files
  check("int2", "int2", "int2/2", "I8", 2, 2.0);
  check("int4", "int4", "int4/2", "I8", 4, 8.0);
  check("int8", "int8", "int8/2", "I8", 8, 128.0);
  check("int4z", "int4z", "int4z/1", "U8", 4, 15.0);
  check("int8z", "int8z", "int8z/1", "U8", 8, 255.0);
  check("nf4", "nf4", "nf4/1", "U8", 4, 1.0);
  check("lloyd:2", "lloyd:2", "lloyd:2/1", "U8", 2, 127.0);
  check("lloyd:3/1", "lloyd:3", "lloyd:3/1", "U8", 3, 127.0);
  check("lloyd:4", "lloyd:4", "lloyd:4/1", "U8", 4, 127.0);
  for (const char* bad :
       {"",         "gf",        "gf16/2",      "GF16",    "int1",    "int9",    "int",      "int04",
        "int4x",    "gf:1,1",    "gf:2,0",      "gf:9,1",  "gf:2,13", "gf:8,8",  "gf:6",     "gf:6,",
        "gf:6,9 ",  "gf:-6,9",   "int4/",       "int4/3",  "int4/0",  "int4s/1", "int4s/",   "int4z/2",
        "int4z/",   "int9z",     "int1s",       "int4zs",  "int4sz",  "intz",    "int4/2/1", "int4/ 2",
        "nf4/2",    "nf4/",      "nf3",         "NF4",     "lloyd",   "lloyd:",  "lloyd:1",  "lloyd:5",
        "lloyd:04", "lloyd:4/2", "lloyd:4/1/1", "table/1", "table",   "gf16/1/1"}) {
    CAPTURE(bad);
    const auto grid = Grid::parse(bad);
    REQUIRE_FALSE(grid);
    CHECK(grid.error().exit == Exit::usage);
    CHECK(grid.error().number == 220);
  }
  const Grid int4s = grid_of("int4s"), int4 = grid_of("int4"), int4z = grid_of("int4z");
  CHECK(int4s.nearest(-2.6, 1) == 0xFFFD);
  CHECK(int4s.value(0xFFFD) == -3);
  CHECK(int4s.nearest(-100, 1) == 0xFFF9);
  CHECK(int4s.nearest(-0.1, 1) == 0);
  CHECK_FALSE(int4s.contains(8));
  CHECK_FALSE(int4s.contains(0xFFF8));
  CHECK_FALSE(grid_of("gf:2,1").contains(16));
  CHECK(int4.contains(0xFFF8));
  CHECK_FALSE(int4.contains(8));
  CHECK_FALSE(int4.contains(0xFFF7));
  CHECK(int4.nearest(100, -1) == 0xFFF8);
  CHECK(int4.nearest(-2.5, -1) == 2);
  CHECK(int4z.contains(15));
  CHECK_FALSE(int4z.contains(16));
  CHECK_FALSE(int4z.contains(0xFFFF));
  CHECK(int4z.nearest(-2.5, {1, 9}) == 7);  // -2, not -3, is even
  CHECK(int4z.value(7, 9) == -2);
  CHECK_FALSE(grid_of("nf4").contains(16));
  CHECK_FALSE(grid_of("lloyd:2").contains(4));
}

TEST_CASE("which scales and zero points a grid takes, and that a step is exact") {
  for (const char* name : {"gf16", "int4s", "int4", "int4z", "nf4", "lloyd:4"}) {
    CAPTURE(name);
    const Grid grid = grid_of(name);
    const bool either = std::string(name) == "int4";
    CHECK(grid.takes_scale(0.5F));
    CHECK(grid.takes_scale(-0.5F) == either);
    CHECK(grid.exact_in_binary32(-0.5F) == either);
    for (const float s : {0.0F, -0.0F, INFINITY, -INFINITY, NAN}) {
      CHECK_FALSE(grid.takes_scale(s));
      CHECK_FALSE(grid.exact_in_binary32(s));
    }
    CHECK(grid.takes_zero(0));
    for (const int zero : {-1, 1, 15, 16})
      CHECK(grid.takes_zero(zero) == (grid.spec().zero_points && (zero == 1 || zero == 15)));
    // A scale of 11 bits times any value of any zero point.
    for (const float s : {0x1.ffcp0F, 0x1.554p-9F})
      for (const Code code : codes_in_order(grid))
        for (int zero = 0; zero <= (grid.spec().zero_points ? grid.spec().last : 0); ++zero) {
          const double product = static_cast<double>(s) * grid.value(code, zero);
          REQUIRE(grid.exact_in_binary32(s));
          CHECK(static_cast<double>(static_cast<float>(product)) == product);
          CHECK(std::fabs(grid.value(code, zero)) <= grid.spec().largest);
        }
  }
}

TEST_CASE("an id in a file is that of a grid, and opens no file") {
  for (const char* id : {"gf16/1", "gf:2,1/1", "int4/1", "int4/2", "int4z/1", "nf4/1", "lloyd:3/1"}) {
    const auto grid = Grid::of_id(id);
    REQUIRE(grid);
    CHECK(grid->id() == id);
  }
  const std::string path = "/tmp/grid_test_" + std::to_string(::getpid()) + "/1";
  for (const std::string& bad : {std::string("gf16"), std::string("int4"), std::string("gf:6,9/1"),
                                 std::string("int4s/1"), std::string("table/1"), "table:" + path, std::string("")}) {
    CAPTURE(bad);
    const auto grid = Grid::of_id(bad);
    REQUIRE_FALSE(grid);
    CHECK(grid.error().number == 220);
  }
}

TEST_CASE("table:FILE is the points in a text file") {
  const std::string path = "/tmp/grid_test_" + std::to_string(::getpid()) + ".txt";
  const auto parse = [&](const std::string& text) {
    std::ofstream(path) << text;
    return Grid::parse("table:" + path);
  };
  const auto grid = parse("-1 -0.5\n\t0.25\r\n0x1p1\n");
  REQUIRE(grid);
  CHECK(grid->name() == "table:" + path);
  CHECK(grid->id() == "table/1");
  CHECK(grid->spec().points == std::vector<float>{-1, -0.5, 0.25, 2});
  CHECK(grid->spec().code_dtype() == "U8");
  check_everywhere(*grid, 0.75);
  CHECK_FALSE(*grid == *parse("-1 -0.5 0.25 3"));
  CHECK(*grid == *parse("-1\n-0.5\n0.25\n2"));
  for (const char* text :
       {"", "1", "1 1", "2 1", "0 nan", "0 inf", "0 1e99", "0 0.1", "0 1.0001220703125", "0 one", "0 1x", "0,1"}) {
    CAPTURE(text);
    const auto bad = parse(text);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().exit == Exit::usage);
    CHECK(bad.error().number == 221);
  }
  CHECK(parse("0 1.000244140625"));  // 13 bits
  const auto listed = Grid::parse("table:-1,-0.5,0.25,2e0");
  REQUIRE(listed);
  CHECK(*listed == *grid);
  CHECK(listed->name() == "table:-1,-0.5,0.25,2e0");
  CHECK(Grid::parse("table:2,1").error().number == 221);
  CHECK(Grid::parse("table:1,2e").error().number == 221);
  CHECK(Grid::parse("table:1,2x").error().number == 901);  // a file's name
  std::remove(path.c_str());
  for (const std::string& missing : {"table:" + path, std::string("table:")}) {
    const auto bad = Grid::parse(missing);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().exit == Exit::io);
    CHECK(bad.error().number == 901);
  }
  std::vector<float> many(65536);
  for (std::size_t k = 0; k < many.size(); ++k)
    many[k] = std::ldexp(static_cast<float>(4096 + k % 4096), static_cast<int>(k / 4096) - 20);
  CHECK(Grid::table("many", many));
  CHECK(Grid::table("many", many)->spec().code_dtype() == "U16");
  many.push_back(1e30F);
  CHECK_FALSE(Grid::table("many", many));
}

}  // namespace grid_test
