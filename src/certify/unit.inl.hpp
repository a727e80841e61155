// The body of a unit (unit.hpp): included once by each unit_*.cpp, which says how many lanes.
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include <utility>

#include "certify/unit.hpp"
#include "contracts/generated/contracts.hpp"
#include "contracts/runtime/once.hpp"
#include "contracts/runtime/sums.hpp"

namespace hallmark::units {
namespace {

using namespace contracts;

constexpr std::size_t L = kRowsAtOnce, R = kRowsOfUnit;
constexpr std::size_t kBlock = 64;  // positions that stay in the first-level cache

using Floats = OnceOps<float, false>::Row;
using Ints = OnceOps<float, false>::Truth;
using Words = std::uint16_t __attribute__((vector_size(R * sizeof(std::uint16_t))));
using Half = float __attribute__((vector_size(L * sizeof(float))));

Lanes widened(const Half& f) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtps_pd(
      0xFF, f);  // g++ 12 converts the halves of a __builtin_convertvector, and warns of the plain one
#else
  return __builtin_convertvector(f, Lanes);
#endif
}
Lanes widen(const float* x) {
  Half f;
  __builtin_memcpy(&f, x, sizeof f);
  return widened(f);
}
Lanes widen(const double* x) {
  Lanes v;
  __builtin_memcpy(&v, x, sizeof v);
  return v;
}
Lanes load(const double* x) { return widen(x); }
void store(double* x, const Lanes& v) { __builtin_memcpy(x, &v, sizeof v); }

Lanes root_of(Lanes x) {
  for (std::size_t lane = 0; lane < L; ++lane) x[lane] = __builtin_sqrt(x[lane]);
  return x;
}

std::uint32_t bits(const LaneMask& yes) {
  std::uint32_t word = 0;
  for (std::size_t lane = 0; lane < L; ++lane) word |= static_cast<std::uint32_t>(yes[lane] & 1) << lane;
  return word;
}
template <class T>
std::uint32_t row_bits(const typename RowOf<T>::Mask& yes) {
  std::uint32_t word = 0;
  for (std::size_t row = 0; row < R; ++row) word |= static_cast<std::uint32_t>(yes[row] & 1) << row;
  return word;
}
constexpr std::uint32_t kAll = (1U << L) - 1, kAllRows = (1U << R) - 1;

// The points of codes and their neighbours, which are the points of the next magnitudes.
struct Near {
  Floats value, below, above;
};

Near points_of(const PointRule& points, const std::uint16_t* codes) {
  Words words;
  __builtin_memcpy(&words, codes, sizeof words);
  const Ints wide = __builtin_convertvector(words, Ints), first = Ints{} + points.first, last = Ints{} + points.last;
  const Floats nan = Floats{} + __builtin_nanf("");
  if (points.integer) {
    const Ints code = (wide ^ 0x8000) - 0x8000;  // sign-extended
    const Ints below = code > first ? code - 1 : code, above = code < last ? code + 1 : code;
    const Ints valid = (code >= first) & (code <= last);
    return {valid ? __builtin_convertvector(code, Floats) : nan, __builtin_convertvector(below, Floats),
            __builtin_convertvector(above, Floats)};
  }
  const Ints sign = wide & points.sign_bit, m = wide & (points.sign_bit - 1);
  const auto number = [&](const Ints& magnitude_code, const Ints& negative) {
    const Floats size = (Floats)(magnitude_code << points.shift) * points.factor;
    return (Floats)((Ints)size | (negative & INT32_MIN));
  };
  const Ints minus = sign != 0, zero = m == 0;
  const Ints valid = (m <= last) & (wide < 2 * points.sign_bit);
  const Floats value = number(m, minus), outward = number(m < last ? m + 1 : m, minus),
               inward = number(zero ? Ints{} + 1 : m - 1, minus ^ zero);
  return {valid ? value : nan, minus ? outward : inward, minus ? inward : outward};
}

// Rows side by side: [position][R].
template <class T>
struct Work {
  T *q, *gap;
  float *w, *s, *z;
  std::uint16_t* codes;  // of a block
};

std::size_t work_bytes(std::size_t cols) {
  return R * (cols * (2 * sizeof(double) + 3 * sizeof(float)) + kBlock * sizeof(std::uint16_t));
}

template <class T>
Work<T> work_at(void* memory, std::size_t cols) {
  auto* const codes = static_cast<std::uint16_t*>(memory);
  auto* const w = reinterpret_cast<float*>(codes + kBlock * R);
  auto* const q = reinterpret_cast<T*>(w + cols * R);
  T* const gap = q + cols * R;
  auto* const s = reinterpret_cast<float*>(gap + cols * R);
  return {q, gap, w, s, s + cols * R, codes};
}

// Rows to columns: a perfect shuffle for each bit of an index.
template <class V, int... k>
void zip(const V& a, const V& b, V& low, V& high, std::integer_sequence<int, k...>) {
  constexpr int lanes = sizeof...(k), half = lanes / 2;
  low = __builtin_shufflevector(a, b, (k / 2 + k % 2 * lanes)...);
  high = __builtin_shufflevector(a, b, (k / 2 + half + k % 2 * lanes)...);
}
template <class V, class T>
void transpose(const T* const* from, std::size_t begin, T* to) {
  constexpr std::size_t lanes = sizeof(V) / sizeof(T);
  V x[lanes], y[lanes];
  for (std::size_t i = 0; i < lanes; ++i) __builtin_memcpy(&x[i], from[i] + begin, sizeof x[i]);
  for (std::size_t round = 1; round < lanes; round *= 2) {
    for (std::size_t i = 0; i < lanes / 2; ++i)
      zip(x[i], x[i + lanes / 2], y[2 * i], y[2 * i + 1], std::make_integer_sequence<int, static_cast<int>(lanes)>());
    __builtin_memcpy(x, y, sizeof x);
  }
  __builtin_memcpy(to, x, sizeof x);
}

template <class T>
void load_block(const Tensor& tensor, const Rows& rows, std::size_t begin, std::size_t end, const Work<T>& work) {
  const float *w[R], *scales[R];
  const std::uint16_t* codes[R];
  for (std::size_t r = 0; r < R; ++r) {
    const auto row = static_cast<std::size_t>(rows.row[r]);
    w[r] = tensor.W + row * tensor.W_stride;
    codes[r] = tensor.codes + row * tensor.cols;
    scales[r] = tensor.scales + row * tensor.groups;
    for (std::size_t p = end; !tensor.column && p < end + kBlock;
         p += 32) {  // the next block; runs are too short to be guessed
      __builtin_prefetch(w[r] + p);
      __builtin_prefetch(w[r] + p + 16);
      __builtin_prefetch(codes[r] + p);
    }
  }
  std::size_t p = begin;
  for (; !tensor.column && p + R <= end; p += R) {
    transpose<Floats>(w, p, work.w + p * R);
    transpose<Words>(codes, p, work.codes + (p - begin) * R);
  }
  for (; p < end; ++p) {
    const std::size_t column = tensor.column ? static_cast<std::size_t>(tensor.column[p]) : p;
    for (std::size_t r = 0; r < R; ++r) {
      work.w[p * R + r] = w[r][column];
      work.codes[(p - begin) * R + r] = codes[r][column];
    }
  }
  for (p = begin; tensor.group && p < end; ++p)
    for (std::size_t r = 0; r < R; ++r) work.s[p * R + r] = scales[r][tensor.group[p]];
  for (p = begin; tensor.zeros && p < end; ++p)
    for (std::size_t r = 0; r < R; ++r) {
      const std::int16_t* const zeros = tensor.zeros + static_cast<std::size_t>(rows.row[r]) * tensor.groups;
      work.z[p * R + r] = zeros[tensor.group ? tensor.group[p] : 0];
    }
}

// Everything that these call is small, and left alone some of it is called for every position. (g++ 12 fails on flat
// code of two lanes.)
#if HALLMARK_LANES > 2
#define HALLMARK_FLAT [[gnu::flatten]]
#else
#define HALLMARK_FLAT
#endif

template <class T>
typename RowOf<T>::Row row_of(const float* x) {
  Floats f;
  __builtin_memcpy(&f, x, sizeof f);
  return __builtin_convertvector(f, typename RowOf<T>::Row);
}

template <class T>
struct Rounding {
  typename RowOf<T>::Mask nearest = ~typename RowOf<T>::Mask{}, half_gap = nearest;
};

// T7 for a loaded block of positions, in T, where scales times points are exact.
template <class T, bool ties>
HALLMARK_FLAT Rounding<T> judge_rounding(const Tensor& tensor, const Rows& rows, const Floats& row_scale, bool from_u,
                                         std::size_t begin, std::size_t end, const Work<T>& work) {
  using Ops = OnceOps<T, ties>;
  using Row = typename Ops::Row;
  using Mask = typename Ops::Truth;
  // slack: 1 / (1 - 2 * u) <= 1 + 2^-21 for u = 2^-24
  // slack: 1 / (1 - 2 * u) <= 1 + 2^-50 for u = 2^-53
  constexpr T up = sizeof(T) == 4 ? T(1 + 0x1p-21) : T(1 + 0x1p-50);
  const auto relative = static_cast<T>(tensor.relative), absolute = static_cast<T>(tensor.absolute);
  Rounding<T> yes;
  for (std::size_t p = begin; p < end; ++p) {
    const float* const shown = from_u ? rows.u + p * rows.stride : work.w + p * R;
    if (from_u) __builtin_prefetch(shown + kBlock * rows.stride);
    Near points = points_of(tensor.points, work.codes + (p - begin) * R);
    if (tensor.zeros) {
      Floats zero;
      __builtin_memcpy(&zero, work.z + p * R, sizeof zero);
      points = {points.value - zero, points.below - zero, points.above - zero};
    }
    const Row scale = tensor.group ? row_of<T>(work.s + p * R) : __builtin_convertvector(row_scale, Row),
              x = row_of<T>(shown);
    const Row q = scale * __builtin_convertvector(points.value, Row);
    Row below = scale * __builtin_convertvector(points.below, Row),
        above = scale * __builtin_convertvector(points.above, Row);
    if (tensor.either_sign) {
      const Mask mirrored = below > above;
      const Row first = mirrored ? above : below;
      above = mirrored ? below : above;
      below = first;
    }
    const Row near = relative * Ops::magnitude(x), far = absolute * Ops::magnitude(scale),
              gap = near > far ? near : far;
    const Mask last = (q == below) | (q == above);  // beyond the last point the distance is measured, not promised
    const Row distance = Ops::magnitude(x - q) * up, bound = (last & (distance > gap)) ? distance : gap,
              promised = last ? q : x;
    __builtin_memcpy(work.q + p * R, &q, sizeof q);
    __builtin_memcpy(work.gap + p * R, &bound, sizeof bound);
    const auto input = [](const Row& row) { return [&row](std::size_t) -> const Row& { return row; }; };
    yes.nearest &=
        generated::gf16_nearest_post<Ops>(1, input(x), input(q), input(below), input(above));  // a forall splits
    if (tensor.half_gap) yes.half_gap &= generated::gf16_half_gap_post<Ops>(1, input(scale), input(promised), input(q));
  }
  return yes;
}

// What the losses read of a position.
struct Position {
  Point d, root, H, twice_G, w, q, x, gap, delta;
};
struct LossTotals;
using D = Input<LossTotals, &Position::d>;
using Root = Input<LossTotals, &Position::root>;
using Delta = Input<LossTotals, &Position::delta>;
using HalfGap = Input<LossTotals, &Position::gap>;
using W = Input<LossTotals, &Position::w>;
using Q = Input<LossTotals, &Position::q>;
using Error = Minus<W, Q>;
using Step = Minus<Input<LossTotals, &Position::x>, Q>;
using Excess = Minus<Input<LossTotals, &Position::H>, Input<LossTotals, &Position::twice_G>>;
using Squares = Times<D, Square<Step>>;
using Size = Times<Abs<Error>, Root>;
using Reach = Times<D, Square<Delta>>;
using Damping = Times<Excess, Square<Error>>;
struct LossTotals : SumsOf<Squares, Size, Reach, Damping, Times<D, Square<Plus<HalfGap, Delta>>>> {};

// T9 and T1 for rows [half L, half L + L); the sums and their constants are those of judge_rows.cpp.
Verdict verdict_of(const Tensor& tensor, const Rows& rows, std::size_t half, const LossTotals& totals) {
  const D d{{&totals}};
  const Root a{{&totals}};
  const Error e{{&totals}};
  // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
  const Lanes N = root_of(totals.of<Squares>().v) * (1 + 0x1p-20);
  // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
  const Lanes rho = 2 * (root_of(totals.of<Reach>().v) * (1 + 0x1p-20) + tensor.product * totals.of<Size>().v);
  const Ball twice_plain = ball_between(2 * load(rows.lo + half * L), 2 * load(rows.hi + half * L));
  Verdict verdict{};
  verdict.bound = bits(generated::gptq_bound_emitted_post<SummedOps>(
      1, d, W{{&totals}}, Q{{&totals}}, HalfGap{{&totals}}, Delta{{&totals}}, a, point(all(tensor.g)),
      twice_plain + ball(totals.of<Damping>())));
  verdict.enclosure = bits(generated::loss_enclosure_post<SummedOps>(
      1, d, Excess{{&totals}}, e, Step{{&totals}}, a, point(all(tensor.g_room)), point(N), point(rho), twice_plain));
  return verdict;
}

// norm: of each row, at least |w - q| over the recurrence's positions.
template <class T>
HALLMARK_FLAT void judge_losses(const Tensor& tensor, const Rows& rows, const Work<T>& work, const Lanes* norm,
                                Verdict& verdict) {
  if (!tensor.positive) return;
  const auto position = [&](std::size_t p, std::size_t half) {
    const std::size_t at = p * R + half * L;
    const Lanes x = widen(rows.u + p * rows.stride + half * L);
    // slack: 1 / (1 - 4 * u) <= 1 + 2^-40 for u = 2^-53
    const Lanes delta = (tensor.chain[p] * norm[half] + 0x1p-24 * magnitude(x)) * (1 + 0x1p-40) + tensor.underflow[p];
    return Position{{all(tensor.d[p]), tensor.low_d, true},
                    {all(tensor.root[p]), tensor.low_root, true},
                    {all(tensor.H[p]), tensor.low_c},
                    {all(tensor.twice_G[p]), tensor.low_c},
                    {widen(work.w + at), -149},
                    {widen(work.q + at), tensor.low_q},
                    {x, -149},
                    {widen(work.gap + at), tensor.low_q < -200 ? tensor.low_q : -200, true},
                    {delta, -149, true}};
  };
  LossTotals totals[2];
  for (std::size_t begin = 0; begin < tensor.n; begin += kBlock)
    for (std::size_t half = 0; half < 2; ++half) {
      LossTotals sums = totals[half];
      for (std::size_t p = begin; p < tensor.n && p < begin + kBlock; ++p) sums.add_term(position(p, half));
      totals[half] = sums;
    }
  for (std::size_t half = 0; half < 2; ++half) {
    totals[half].finish(position(0, half), tensor.n);
    const Verdict of_half = verdict_of(tensor, rows, half, totals[half]);
    verdict.bound |= of_half.bound << half * L;
    verdict.enclosure |= of_half.enclosure << half * L;
  }
}

template <class T>
HALLMARK_FLAT void add_distances(std::size_t begin, std::size_t end, const Work<T>& work, Lanes* distances) {
  Lanes low = distances[0], high = distances[1];
  for (std::size_t at = begin * R; at < end * R; at += R) {
    const Lanes e = widen(work.w + at) - widen(work.q + at), f = widen(work.w + at + L) - widen(work.q + at + L);
    low += e * e;
    high += f * f;
  }
  distances[0] = low;
  distances[1] = high;
}

template <class T>
Verdict judge_rows_in(const Tensor& tensor, const Rows& rows, void* memory) {
  const Work<T> work = work_at<T>(memory, tensor.cols);
  Floats scale{};
  if (!tensor.group)
    for (std::size_t r = 0; r < R; ++r) scale[r] = tensor.scales[static_cast<std::size_t>(rows.row[r]) * tensor.groups];
  const std::size_t n = rows.u ? tensor.n : 0;
  Rounding<T> yes;
  Verdict verdict{};
  Lanes distances[2]{};
  for (std::size_t begin = 0; begin < tensor.cols;) {
    const std::size_t limit = begin < n ? n : tensor.cols, end = limit < begin + kBlock ? limit : begin + kBlock;
    load_block(tensor, rows, begin, end, work);
    Rounding<T> block = judge_rounding<T, false>(tensor, rows, scale, begin < n, begin, end, work);
    if (row_bits<T>(block.nearest) != kAllRows)
      block.nearest |= judge_rounding<T, true>(tensor, rows, scale, begin < n, begin, end, work).nearest;
    yes.nearest &= block.nearest;
    yes.half_gap &= block.half_gap;
    if (rows.lo && begin < n) add_distances(begin, end, work, distances);
    begin = end;
    if (begin != n || !rows.lo) continue;
    // slack: 1 / (1 - (n + 8) * u) <= 1 + 2^-20 for n <= 2^24, u = 2^-53
    // slack: n * (2^-150)^2 <= (2^-138)^2 for n <= 2^24
    for (Lanes& distance : distances) distance = root_of(distance) * (1 + 0x1p-20) + 0x1p-138;
    judge_losses(tensor, rows, work, distances, verdict);
  }
  verdict.nearest = row_bits<T>(yes.nearest);
  verdict.half_gap = row_bits<T>(yes.half_gap);
  return verdict;
}

Verdict judge_rows(const Tensor& tensor, const Rows& rows, void* memory) {
  return tensor.binary32 ? judge_rows_in<float>(tensor, rows, memory) : judge_rows_in<double>(tensor, rows, memory);
}

HALLMARK_FLAT bool gram_row(const double* row, const double* diagonal, std::size_t count, int low_diagonal,
                            std::size_t roundings) {
  constexpr int kLeast = -500;  // of an entry, so that its square does not underflow
  LaneMask yes = ~LaneMask{};
  const Lanes own = all(diagonal[0]);
  const auto judge = [&](const double* entries, const double* others, std::size_t vectors) {
    const auto entry = [&](std::size_t k) { return Point{load(entries + k * L), kLeast}; };
    const auto other = [&](std::size_t k) { return Point{load(others + k * L), low_diagonal}; };
    for (std::size_t k = 0; k < vectors; ++k) yes &= (magnitude(entry(k).v) >= 0x1p-500) | (entry(k).v == 0.0);
    yes &= generated::gram_bound_post<CountedOps>(vectors, roundings, entry, Point{own, low_diagonal}, other);
  };
  judge(row, diagonal, count / L);
  double entries[L] = {}, others[L] = {};
  for (std::size_t k = 0; k < count % L; ++k) {
    entries[k] = row[count / L * L + k];
    others[k] = diagonal[count / L * L + k];
  }
  judge(entries, others, 1);
  return bits(yes) == kAll;
}

// What the diagonal of the residual reads of a column.
struct Column {
  Point x, d;
};
struct DiagonalTotals;
using X = Input<DiagonalTotals, &Column::x>;
using Pivot = Input<DiagonalTotals, &Column::d>;
struct DiagonalTotals : SumsOf<Times<Times<X, Pivot>, X>> {};

HALLMARK_FLAT std::uint32_t diagonal(const double* U, std::size_t n, std::size_t first, const double* d,
                                     const double* h, const double* root, double g, int low_d, double* work) {
  const double* rows[L];
  for (std::size_t lane = 0; lane < L; ++lane) rows[lane] = U + (first + lane < n ? first + lane : n - 1) * n;
  std::size_t column = first;  // rows first .. first + L - 1, [column][row]
  for (; column + L <= n; column += L) transpose<Lanes>(rows, column, work + (column - first) * L);
  for (; column < n; ++column)
    for (std::size_t lane = 0; lane < L; ++lane) work[(column - first) * L + lane] = rows[lane][column];
  for (std::size_t lane = 1; lane < L; ++lane)  // below the diagonal
    for (column = first; column < n && column < first + lane; ++column) work[(column - first) * L + lane] = 0;
  // The bound of T15 is as many roundings as there are columns: eight sums side by side have an eighth of them.
  constexpr std::size_t kParts = 8;
  constexpr int kLeast = -300;  // of an entry, so that no product underflows
  const std::size_t count = n - first;
  DiagonalTotals parts[kParts];
  LaneMask fine = ~LaneMask{};
  const auto entry = [&](std::size_t k) { return Column{{load(work + k * L), kLeast}, {all(d[first + k]), low_d}}; };
  const auto add = [&](DiagonalTotals& part, std::size_t k) {
    const Column at = entry(k);
    fine &= (magnitude(at.x.v) >= 0x1p-300) | (at.x.v == 0.0);
    part.add_term(at);
  };
  std::size_t k = 0;
  for (; k + kParts <= count; k += kParts)
    for (std::size_t part = 0; part < kParts; ++part) add(parts[part], k + part);
  for (; k < count; ++k) add(parts[k % kParts], k);
  for (DiagonalTotals& part : parts) part.finish(entry(0), count / kParts + 1);
  for (std::size_t step = kParts / 2; step > 0; step /= 2)
    for (std::size_t part = 0; part < step; ++part) parts[part].add(parts[part + step]);
  Lanes own{}, size{};
  for (std::size_t lane = 0; lane < L && first + lane < n; ++lane) {
    own[lane] = h[first + lane];
    size[lane] = root[first + lane];
  }
  const X x{{parts}};
  const Pivot pivot{{parts}};
  const Point a = point(size);
  return bits(fine & generated::factor_residual_post<SummedOps>(1, x, x, pivot, point(own), a, a, point(all(g))));
}

HALLMARK_FLAT std::uint32_t entries(const double* U, std::size_t n, const std::size_t* i, const std::size_t* j,
                                    const double* d, const double* h, const double* root, double g) {
  std::size_t first = n;
  Lanes own, a, b;
  for (std::size_t lane = 0; lane < L; ++lane) {
    const std::size_t from = i[lane] > j[lane] ? i[lane] : j[lane];
    first = from < first ? from : first;
    own[lane] = h[lane];
    a[lane] = root[i[lane]];
    b[lane] = root[j[lane]];
  }
  const auto row = [&](const std::size_t* rows, std::size_t k) {
    const std::size_t column = first + k;
    Lanes entry{};
    for (std::size_t lane = 0; lane < L; ++lane)  // zeros below the diagonal
      if (rows[lane] <= column) entry[lane] = U[rows[lane] * n + column];
    return entry;
  };
  const auto x = [&](std::size_t k) { return row(i, k); };
  const auto y = [&](std::size_t k) { return row(j, k); };
  const auto pivot = [&](std::size_t k) { return d[first + k]; };
  return bits(generated::factor_residual_post<LaneOps>(n - first, x, y, pivot, own, a, b, g).yes);
}

Lanes multiply_add(const Lanes& a, const Lanes& b, const Lanes& c) {
#if HALLMARK_LANES == 8 && defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, c);
#elif HALLMARK_LANES == 4 && defined(__FMA__)
  return _mm256_fmadd_pd(a, b, c);
#else
  Lanes sum;
  for (std::size_t lane = 0; lane < L; ++lane) sum[lane] = __builtin_fma(a[lane], b[lane], c[lane]);
  return sum;
#endif
}

void product(const double* U, std::size_t n, const double* e, double* out) {
  constexpr std::size_t kVectors = 8, kColumns = kVectors * L;  // sums side by side
  for (std::size_t begin = 0; begin < n; begin += kColumns) {
    const std::size_t end = begin + kColumns < n ? begin + kColumns : n,
                      vectors = (end - begin) / L == kVectors ? kVectors : 0;
    Lanes sum[kVectors]{};
    for (std::size_t k = 0; vectors > 0 && k < begin; ++k)
      for (std::size_t v = 0; v < kVectors; ++v)
        sum[v] = multiply_add(load(U + k * n + begin + v * L), all(e[k]), sum[v]);
    double sums[kColumns];
    for (std::size_t v = 0; v < kVectors; ++v) store(sums + v * L, sum[v]);
    for (std::size_t k = vectors > 0 ? begin : 0; k < end;
         ++k)  // the triangle, and columns beyond the last whole vectors
      for (std::size_t j = k > begin ? k : begin; j < end; ++j)
        sums[j - begin] = __builtin_fma(U[k * n + j], e[k], sums[j - begin]);
    for (std::size_t j = begin; j < end; ++j) out[j] = sums[j - begin];
  }
}

void points(const PointRule& of, const std::uint16_t* codes, float* value, float* below, float* above) {
  const Near near = points_of(of, codes);
  __builtin_memcpy(value, &near.value, sizeof near.value);
  __builtin_memcpy(below, &near.below, sizeof near.below);
  __builtin_memcpy(above, &near.above, sizeof near.above);
}

// Products rounded, four sums side by side in each lane: the error is at most (roundings of a term) 2^-53 sum |a_k e_k|
// (Higham, lemma 3.1), and that sum has as many.
HALLMARK_FLAT void dot(const double* a, const double* e, const double* e_err, std::size_t count, double* mid,
                       double* err) {
  constexpr std::size_t kParts = 4;
  Lanes sum[kParts]{}, size[kParts]{}, spread{};
  const auto add = [&](std::size_t part, const Lanes& x, const Lanes& y, const Lanes& y_err) {
    const Lanes product = x * y;
    sum[part] += product;
    size[part] += magnitude(product);
    spread += magnitude(x) * y_err;
  };
  std::size_t k = 0;
  for (; k + kParts * L <= count; k += kParts * L)
    for (std::size_t part = 0; part < kParts; ++part)
      add(part, load(a + k + part * L), load(e + k + part * L), load(e_err + k + part * L));
  for (; k < count; k += L) {
    double x[L]{}, y[L]{}, y_err[L]{};
    for (std::size_t lane = 0; lane < L && k + lane < count; ++lane)
      x[lane] = a[k + lane], y[lane] = e[k + lane], y_err[lane] = e_err[k + lane];
    add(k / L % kParts, load(x), load(y), load(y_err));
  }
  const Lanes sums = (sum[0] + sum[1]) + (sum[2] + sum[3]), sizes = (size[0] + size[1]) + (size[2] + size[3]);
  double total = 0, magnitudes = 0, spreads = 0;
  for (std::size_t lane = 0; lane < L; ++lane) total += sums[lane], magnitudes += sizes[lane], spreads += spread[lane];
  const double roundings = static_cast<double>(count / (kParts * L) + 1 + 1 + 2 + L);
  *mid = total;
  // Of k roundings, and of the sums here, which have no more.
  // slack: 1 / (1 - k * u) / (1 - (k + 4) * u) <= 1 + 2^-20 for k <= 2^24, u = 2^-53
  // slack: 5 * 2^-1074 <= 2^-1060
  *err = (roundings * 0x1p-53 * magnitudes + spreads) * (1 + 0x1p-20) + 0x1p-1060 * static_cast<double>(count);
}

}  // namespace
}  // namespace hallmark::units
