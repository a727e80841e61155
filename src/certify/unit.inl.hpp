// The body of a unit (unit.hpp): included once by each unit_*.cpp, which says how many lanes.
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include <utility>

#include "certify/unit.hpp"
#include "contracts/generated/contracts.hpp"
#include "contracts/runtime/counted.hpp"

namespace hallmark::units {
namespace {

using namespace contracts;

constexpr std::size_t L = kRowsAtOnce;
constexpr std::size_t kBlock = 64;  // positions whose points stay in the first-level cache

using Floats = float __attribute__((vector_size(L * sizeof(float))));
using Ints = std::int32_t __attribute__((vector_size(L * sizeof(std::int32_t))));
using Words = std::uint16_t __attribute__((vector_size(L * sizeof(std::uint16_t))));

Lanes widened(const Floats& f) {
#if defined(__AVX512F__)
  return _mm512_maskz_cvtps_pd(0xFF, f);  // g++ 12 converts the halves of a __builtin_convertvector, and warns of the plain one
#else
  return __builtin_convertvector(f, Lanes);
#endif
}
Lanes widen(const float* x) {
  Floats f;
  __builtin_memcpy(&f, x, sizeof f);
  return widened(f);
}
Lanes load(const double* x) {
  Lanes v;
  __builtin_memcpy(&v, x, sizeof v);
  return v;
}
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
constexpr std::uint32_t kAll = (1U << L) - 1;

// The points of codes and their neighbours, which are the points of the next magnitudes.
struct Near {
  Floats value, below, above;
};

Near points_of(const Points& points, const std::uint16_t* codes) {
  Words words;
  __builtin_memcpy(&words, codes, sizeof words);
  const Ints wide = __builtin_convertvector(words, Ints), last = Ints{} + points.last;
  const Floats nan = Floats{} + __builtin_nanf("");
  if (points.integer) {
    const Ints code = (wide ^ 0x8000) - 0x8000;  // sign-extended
    const Ints below = code > -last ? code - 1 : code, above = code < last ? code + 1 : code;
    const Ints valid = (code >= -last) & (code <= last);
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
  const Floats value = number(m, minus), outward = number(m < last ? m + 1 : m, minus), inward = number(zero ? Ints{} + 1 : m - 1, minus ^ zero);
  return {valid ? value : nan, minus ? outward : inward, minus ? inward : outward};
}

// Rows side by side: [position][L].
struct Work {
  double *q, *gap;
  float *w, *s;
  std::uint16_t* codes;  // these of a block
  double *near, *below, *above;
};

constexpr std::size_t kBlockBytes = kBlock * (sizeof(std::uint16_t) + 3 * sizeof(double));

std::size_t work_bytes(std::size_t cols) { return L * (cols * (2 * sizeof(double) + 2 * sizeof(float)) + kBlockBytes); }

Work work_at(void* memory, std::size_t cols) {
  auto* const near = static_cast<double*>(memory);
  double *const below = near + kBlock * L, *const above = below + kBlock * L, *const q = above + kBlock * L, *const gap = q + cols * L;
  auto* const w = reinterpret_cast<float*>(gap + cols * L);
  float* const scales = w + cols * L;
  return {q, gap, w, scales, reinterpret_cast<std::uint16_t*>(scales + cols * L), near, below, above};
}

// Rows to columns: a perfect shuffle for each bit of an index.
template <class V, int... k>
void zip(const V& a, const V& b, V& low, V& high, std::integer_sequence<int, k...>) {
  constexpr int half = static_cast<int>(L) / 2;
  low = __builtin_shufflevector(a, b, (k / 2 + k % 2 * 2 * half)...);
  high = __builtin_shufflevector(a, b, (k / 2 + half + k % 2 * 2 * half)...);
}
template <class V, class T>
void transpose(const T* const* from, std::size_t begin, T* to) {
  V x[L], y[L];
  for (std::size_t i = 0; i < L; ++i) __builtin_memcpy(&x[i], from[i] + begin, sizeof x[i]);
  for (std::size_t round = 1; round < L; round *= 2) {
    for (std::size_t i = 0; i < L / 2; ++i) zip(x[i], x[i + L / 2], y[2 * i], y[2 * i + 1], std::make_integer_sequence<int, static_cast<int>(L)>());
    __builtin_memcpy(x, y, sizeof x);
  }
  __builtin_memcpy(to, x, sizeof x);
}

void load_block(const Tensor& tensor, const Rows& rows, std::size_t begin, std::size_t end, const Work& work) {
  const float *w[L], *scales[L];
  const std::uint16_t* codes[L];
  for (std::size_t lane = 0; lane < L; ++lane) {
    const auto row = static_cast<std::size_t>(rows.row[lane]);
    w[lane] = tensor.W + row * tensor.W_stride;
    codes[lane] = tensor.codes + row * tensor.cols;
    scales[lane] = tensor.scales + row * tensor.groups;
    for (std::size_t p = end; !tensor.column && p < end + kBlock; p += 16) {  // the next block; runs are too short to be guessed
      __builtin_prefetch(w[lane] + p);
      __builtin_prefetch(codes[lane] + p);
    }
  }
  std::size_t p = begin;
  for (; !tensor.column && p + L <= end; p += L) {
    transpose<Floats>(w, p, work.w + p * L);
    transpose<Words>(codes, p, work.codes + (p - begin) * L);
  }
  for (; p < end; ++p) {
    const std::size_t column = tensor.column ? static_cast<std::size_t>(tensor.column[p]) : p;
    for (std::size_t lane = 0; lane < L; ++lane) {
      work.w[p * L + lane] = w[lane][column];
      work.codes[(p - begin) * L + lane] = codes[lane][column];
    }
  }
  for (p = begin; tensor.group && p < end; ++p)
    for (std::size_t lane = 0; lane < L; ++lane) work.s[p * L + lane] = scales[lane][tensor.group[p]];
}

struct Block {
  LaneMask nearest, half_gap;
};

// Everything that these call is small, and left alone some of it is called for every position. (g++ 12 fails on flat code of two lanes.)
#if HALLMARK_LANES > 2
#define HALLMARK_FLAT [[gnu::flatten]]
#else
#define HALLMARK_FLAT
#endif

// T7 for a block of positions; adds (w - q)^2 to `distances`.
HALLMARK_FLAT Block judge_rounding(const Tensor& tensor, const Rows& rows, const Lanes& row_scale, bool from_u, std::size_t begin, std::size_t end,
                     const Work& work, Lanes& distances) {
  load_block(tensor, rows, begin, end, work);
  const auto scale = [&](std::size_t k) { return tensor.group ? widen(work.s + (begin + k) * L) : row_scale; };
  const auto x_of = [&](std::size_t k) { return from_u ? widen(rows.u + (begin + k) * rows.stride) : widen(work.w + (begin + k) * L); };
  const auto x = [&](std::size_t k) { return Point{x_of(k), -149}; };
  const auto s = [&](std::size_t k) { return Point{scale(k), tensor.low_s}; };
  const auto q = [&](std::size_t k) { return Point{load(work.q + (begin + k) * L), tensor.low_q}; };
  const auto below = [&](std::size_t k) { return Point{load(work.below + k * L), tensor.low_q}; };
  const auto above = [&](std::size_t k) { return Point{load(work.above + k * L), tensor.low_q}; };
  LaneMask ends{};
  for (std::size_t k = 0; k < end - begin; ++k) {
    if (from_u) __builtin_prefetch(rows.u + (begin + k + kBlock) * rows.stride);
    const Near points = points_of(tensor.points, work.codes + k * L);
    const Lanes scaled = scale(k), at = scaled * widened(points.value), from = x_of(k);
    const Lanes under = scaled * widened(points.below), over = scaled * widened(points.above);
    const LaneMask last = (at == under) | (at == over);
    const Lanes relative = tensor.relative * magnitude(from), absolute = tensor.absolute * scaled;
    const Lanes gap = relative > absolute ? relative : absolute, distance = magnitude(from - at) * (1 + 0x1p-50);
    store(work.q + (begin + k) * L, at);
    store(work.below + k * L, under);
    store(work.above + k * L, over);
    store(work.gap + (begin + k) * L, (last & (distance > gap)) ? distance : gap);
    const Lanes error = widen(work.w + (begin + k) * L) - at;
    distances += error * error;
    ends |= last;
  }
  if (tensor.half_gap && bits(ends) != 0)
    for (std::size_t k = 0; k < end - begin; ++k) {  // beyond the last point the distance is measured, not promised
      const LaneMask last = (q(k).v == below(k).v) | (q(k).v == above(k).v);
      store(work.near + k * L, last ? q(k).v : x_of(k));
    }
  const std::size_t count = end - begin;
  Block yes{generated::gf16_nearest_post<CountedOps>(count, x, q, below, above), ~LaneMask{}};
  if (bits(yes.nearest) != kAll) yes.nearest |= generated::gf16_nearest_post<CountedOpsWith<true>>(count, x, q, below, above);
  if (!tensor.half_gap) return yes;
  if (bits(ends) == 0) {
    yes.half_gap = generated::gf16_half_gap_post<CountedOps>(count, s, x, q);
  } else {
    const auto near = [&](std::size_t k) { return Point{load(work.near + k * L), tensor.low_q < -149 ? tensor.low_q : -149}; };
    yes.half_gap = generated::gf16_half_gap_post<CountedOps>(count, s, near, q);
  }
  return yes;
}

// T9 and T1 for the rows; the sums, their order and their constants are those of TensorJudge::judge_losses.
HALLMARK_FLAT void judge_losses(const Tensor& tensor, const Rows& rows, const Work& work, const Lanes& distances, Verdict& verdict) {
  const std::size_t n = tensor.n;
  const auto x_at = [&](std::size_t p) { return widen(rows.u + p * rows.stride); };
  const auto w_at = [&](std::size_t p) { return widen(work.w + p * L); };
  const auto q_at = [&](std::size_t p) { return load(work.q + p * L); };
  const Lanes norm = root_of(distances) * (1 + 0x1p-20) + 0x1p-140;
  const auto delta_at = [&](std::size_t p) {
    return (tensor.chain[p] * norm + 0x1p-24 * magnitude(x_at(p))) * (1 + 0x1p-40) + tensor.underflow[p];
  };
  const auto d = [&](std::size_t p) { return Point{all(tensor.d[p]), tensor.low_d, tensor.positive}; };
  const auto a = [&](std::size_t p) { return Point{all(tensor.root[p]), tensor.low_root, true}; };
  const auto c = [&](std::size_t p) {
    return Difference<Point>{{all(tensor.H[p]), tensor.low_c}, {all(tensor.twice_G[p]), tensor.low_c}};
  };
  const auto w = [&](std::size_t p) { return Point{w_at(p), -149}; };
  const auto q = [&](std::size_t p) { return Point{q_at(p), tensor.low_q}; };
  const auto e = [&](std::size_t p) { return Difference<Point>{w(p), q(p)}; };
  const auto t = [&](std::size_t p) { return Difference<Point>{{x_at(p), -149}, q(p)}; };
  const auto h = [&](std::size_t p) { return Point{load(work.gap + p * L), tensor.low_q < -200 ? tensor.low_q : -200, true}; };
  const auto delta = [&](std::size_t p) { return Point{delta_at(p), -149, true}; };
  Lanes squares{}, errors{}, size{};
  for (std::size_t p = 0; p < n; ++p) {
    const Lanes step = x_at(p) - q_at(p), reach = delta_at(p);
    squares += tensor.d[p] * step * step;
    errors += tensor.d[p] * reach * reach;
    size += magnitude(w_at(p) - q_at(p)) * tensor.root[p];
  }
  Counted excess = CountedOps::rational(0, 1);
  for (std::size_t p = 0; p < n; ++p) {
    const Counted error = CountedOps::value(e(p));
    excess = excess + CountedOps::value(c(p)) * (error * error);
  }
  const Lanes N = root_of(squares) * (1 + 0x1p-20);
  const Lanes rho = 2 * (root_of(errors) * (1 + 0x1p-20) + tensor.product * size);
  const Ball twice_plain = ball_between(2 * load(rows.lo), 2 * load(rows.hi));
  verdict.bound = bits(generated::gptq_bound_emitted_post<CountedOps>(n, d, w, q, h, delta, a, point(all(tensor.g)),
                                                                      twice_plain + ball(excess)));
  verdict.enclosure = bits(generated::loss_enclosure_post<CountedOps>(n, d, c, e, t, a, point(all(tensor.g_room)), point(N), point(rho),
                                                                      twice_plain));
}

Verdict judge_rows(const Tensor& tensor, const Rows& rows, void* memory) {
  const Work work = work_at(memory, tensor.cols);
  Lanes scale{};
  if (!tensor.group)
    for (std::size_t lane = 0; lane < L; ++lane) scale[lane] = tensor.scales[static_cast<std::size_t>(rows.row[lane]) * tensor.groups];
  const std::size_t n = rows.u ? tensor.n : 0;
  LaneMask nearest = ~LaneMask{}, half_gap = ~LaneMask{};
  Verdict verdict{};
  Lanes distances{};
  for (std::size_t begin = 0; begin < tensor.cols;) {  // a forall over positions splits
    const std::size_t limit = begin < n ? n : tensor.cols, end = limit < begin + kBlock ? limit : begin + kBlock;
    const Block block = judge_rounding(tensor, rows, scale, begin < n, begin, end, work, distances);
    nearest &= block.nearest;
    half_gap &= block.half_gap;
    begin = end;
    if (begin == n && rows.lo) judge_losses(tensor, rows, work, distances, verdict);
  }
  verdict.nearest = bits(nearest);
  verdict.half_gap = bits(half_gap);
  return verdict;
}

HALLMARK_FLAT bool gram_row(const double* row, const double* diagonal, std::size_t count, int low_diagonal) {
  constexpr int kLeast = -500;  // of an entry, so that its square does not underflow
  LaneMask yes = ~LaneMask{};
  const Lanes own = all(diagonal[0]);
  const auto judge = [&](const double* entries, const double* others, std::size_t vectors) {
    const auto entry = [&](std::size_t k) { return Point{load(entries + k * L), kLeast}; };
    const auto other = [&](std::size_t k) { return Point{load(others + k * L), low_diagonal}; };
    for (std::size_t k = 0; k < vectors; ++k) yes &= (magnitude(entry(k).v) >= 0x1p-500) | (entry(k).v == 0.0);
    yes &= generated::gram_bound_post<CountedOps>(vectors, entry, Point{own, low_diagonal}, other);
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

constexpr std::size_t kColumns = 8;  // of a strip
const double* strip_of(const double* strips, std::size_t strip) { return strips + kColumns * kColumns * (strip * (strip + 1) / 2); }

HALLMARK_FLAT std::uint32_t diagonal(const double* strips, std::size_t n, std::size_t first, const double* d, const double* h,
                                     const double* root, double g, double* work) {
  for (std::size_t column = first; column < n; column += L) {  // rows first .. first + L - 1, [column][row]
    const double* rows[L];
    for (std::size_t lane = 0; lane < L; ++lane) rows[lane] = strip_of(strips, column / kColumns) + (first + lane) * kColumns;
    transpose<Lanes>(rows, column % kColumns, work + (column - first) * L);
  }
  const auto x = [&](std::size_t k) { return load(work + k * L); };
  const auto pivot = [&](std::size_t k) { return d[first + k]; };
  Lanes own{}, size{};
  for (std::size_t lane = 0; lane < L && first + lane < n; ++lane) {
    own[lane] = h[first + lane];
    size[lane] = root[first + lane];
  }
  return bits(generated::factor_residual_post<LaneOps>(n - first, x, x, pivot, own, size, size, g).yes);
}

HALLMARK_FLAT std::uint32_t entries(const double* strips, std::size_t n, const std::size_t* i, const std::size_t* j, const double* d,
                                    const double* h, const double* root, double g) {
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
      if (rows[lane] <= column) entry[lane] = strip_of(strips, column / kColumns)[rows[lane] * kColumns + column % kColumns];
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

void product(const double* strips, std::size_t n, const double* e, double* out) {
  for (std::size_t strip = 0; strip * kColumns < n; ++strip) {
    const double* row = strip_of(strips, strip);
    Lanes sum[kColumns / L] = {};
    for (std::size_t k = 0; k < (strip + 1) * kColumns; ++k, row += kColumns)
      for (std::size_t c = 0; c < kColumns / L; ++c) sum[c] = multiply_add(load(row + c * L), all(e[k]), sum[c]);
    for (std::size_t c = 0; c < kColumns / L; ++c) store(out + strip * kColumns + c * L, sum[c]);
  }
}

void points(const Points& of, const std::uint16_t* codes, float* value, float* below, float* above) {
  const Near near = points_of(of, codes);
  __builtin_memcpy(value, &near.value, sizeof near.value);
  __builtin_memcpy(below, &near.below, sizeof near.below);
  __builtin_memcpy(above, &near.above, sizeof near.above);
}

HALLMARK_FLAT void dot(const double* a, const double* e, const double* e_err, std::size_t count, double* mid, double* err) {
  Ball sum = LaneOps::value(0.0);
  for (std::size_t k = 0; k + L <= count; k += L) sum = sum + LaneOps::value(load(a + k)) * Ball{load(e + k), load(e_err + k)};
  Lanes a_rest{}, e_rest{}, err_rest{};
  for (std::size_t lane = 0; lane < count % L; ++lane) {
    a_rest[lane] = a[count / L * L + lane];
    e_rest[lane] = e[count / L * L + lane];
    err_rest[lane] = e_err[count / L * L + lane];
  }
  sum = sum + LaneOps::value(a_rest) * Ball{e_rest, err_rest};
  Ball total = LaneOps::value(0.0);  // of all lanes, in lane 0
  for (std::size_t lane = 0; lane < L; ++lane) total = total + Ball{all(sum.mid[lane]), all(sum.err[lane])};
  *mid = total.mid[0];
  *err = total.err[0];
}

}  // namespace
}  // namespace hallmark::units
