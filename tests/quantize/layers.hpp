// Layers whose digests do not depend on how they are computed, shared by the tests of the CPU, of the CUDA programs on
// the host, and of the device.
#pragma once

#include <omp.h>

#include <cmath>
#include <random>
#include <stdexcept>

#include "base/simd.hpp"
#include "io/sha256.hpp"
#include "linalg/gram.hpp"
#include "method/backend.hpp"
#include "method/evidence.hpp"
#include "method/quantize.hpp"

namespace hallmark::test {

struct Layer {
  const char* name;
  Matrix<float> W, X;
  Options options;
};

inline std::vector<Layer> layers() {
  struct Plan {
    const char* name;
    Index rows, cols, tokens;
    const char* grid;
    bool desc_act;
    Index group_size;
    double damp;
    bool tiny;
  };
  constexpr Plan plans[] = {
      {"one element", 1, 1, 3, "gf16", false, 0, 0.01, false},
      {"one column", 211, 1, 5, "int4s", false, 0, 0.01, false},
      {"one row, fewer than threads", 1, 127, 61, "gf16", true, 0, 0.01, false},
      {"prime sizes, act-order", 61, 197, 211, "gf16", true, 0, 0.01, false},
      {"groups and act-order, int4", 53, 131, 97, "int4s", true, 16, 0.01, false},
      {"rows << cols", 3, 229, 113, "fp16", false, 0, 0.01, false},
      {"cols << rows", 503, 11, 29, "int8s", false, 4, 0.01, false},
      {"three rows of a small grid", 3, 67, 71, "gf:2,1", false, 0, 0.01, false},
      {"bf16, whole blocks", 96, 64, 80, "bf16", false, 0, 0.05, false},
      {"undamped, dead columns", 19, 40, 83, "int3s", false, 0, 0, false},
      {"denormals", 37, 59, 61, "int4s", true, 0, 0.01, true},
      {"denormals below the points of gf16", 37, 59, 61, "gf16", false, 0, 0.01, true},
      {"scales of either sign, groups and act-order", 53, 67, 71, "int4", true, 16, 0.01, false},
      {"zero points, groups and act-order", 51, 67, 71, "int4z", true, 16, 0.01, false},
      {"eight bits with a zero point per row", 19, 33, 41, "int8z", false, 0, 0.01, false},
      {"nf4, groups", 50, 40, 47, "nf4", false, 8, 0.01, false},
      {"levels of Lloyd, undamped, dead columns", 21, 37, 53, "lloyd:4", true, 0, 0, false},
  };
  std::vector<Layer> all;
  std::uint32_t seed = 100;
  for (const Plan& p : plans) {
    std::mt19937 generator(++seed);
    std::uniform_int_distribution<int> exponent(-149, -110);
    // Nearly normal and the same on every machine, which a logarithm of libm is not: a sum of twelve uniform numbers,
    // exact.
    const auto draw = [&](bool tiny) {
      double x = -6;
      for (int i = 0; i < 12; ++i) x += static_cast<double>(generator()) * 0x1p-32;
      return static_cast<float>(tiny ? std::ldexp(x, exponent(generator)) : x);
    };
    Layer layer{p.name, Matrix<float>(p.rows, p.cols), Matrix<float>(p.tokens, p.cols), Options{*Grid::parse(p.grid)}};
    for (float& w : layer.W.reshaped()) w = draw(p.tiny);
    for (float& x : layer.X.reshaped()) x = draw(p.tiny);
    for (Index t = 0; t < p.tokens; ++t)  // correlated, so that GPTQ moves codes
      for (Index j = 1; j < p.cols; ++j) layer.X(t, j) = 0.8F * layer.X(t, j - 1) + 0.6F * layer.X(t, j);
    if (p.damp == 0)
      for (const Index j : {Index{0}, p.cols / 2}) layer.X.col(j).setZero();
    // Where the smallest points are near those of binary32, or the weights are, computed scales are refused (E0421).
    const bool unit = layer.options.grid.is_golden() && (p.tiny || layer.options.grid.name() == "bf16");
    if (layer.options.grid.is_golden()) layer.options.scale_rule = unit ? "unit" : "matrix-max";
    layer.options.group_size = p.group_size;
    layer.options.damp_fraction = p.damp;
    layer.options.desc_act = p.desc_act;
    all.push_back(std::move(layer));
  }
  return all;
}

/// Everything that a row's recurrence shows.
class ShownRows final : public Observer {
 public:
  explicit ShownRows(Index rows) : u_(static_cast<std::size_t>(rows)) {}
  void rows(const RecurrenceRows& r) override {
    for (Index i = 0; i < r.count; ++i)
      for (Index p = 0; p < r.U.columns(); ++p)
        u_[static_cast<std::size_t>(r.first + i)].push_back(r.u[p * kLanes<float> + i]);
  }
  void tensor(const Evidence&) override {}
  const std::vector<std::vector<float>>& u() const { return u_; }

 private:
  std::vector<std::vector<float>> u_;
};

template <class T>
void update(Sha256& digest, const T* data, std::size_t count) {
  digest.update(std::as_bytes(std::span(data, count)));
}

/// SHA-256 of the Gram matrix, codes, scales, u, enclosed losses, choices of the guard and counts. Throws where an
/// error is returned.
inline std::string digest_of(const Layer& layer, const Matrix<double>& G, Index block_size,
                             Backend* backend = nullptr) {
  Options options = layer.options;
  options.block_size = block_size;
  ShownRows shown(layer.W.rows());
  const auto result = quantize_gptq(layer.W, G, options, std::nullopt, layer.name, layer.X.rows(), &shown, backend);
  if (!result) throw std::runtime_error(to_string(result.error()));
  Sha256 digest;
  update(digest, G.data(), static_cast<std::size_t>(G.size()));
  update(digest, result->codes.data(), static_cast<std::size_t>(result->codes.size()));
  update(digest, result->steps.scales.data(), static_cast<std::size_t>(result->steps.scales.size()));
  update(digest, result->steps.zeros.data(), static_cast<std::size_t>(result->steps.zeros.size()));
  for (const auto& u : shown.u()) update(digest, u.data(), u.size());
  update(digest, result->enclosed_proposal.data(), result->enclosed_proposal.size());
  update(digest, result->enclosed_rtn.data(), result->enclosed_rtn.size());
  update(digest, result->kept_rtn.data(), result->kept_rtn.size());
  for (const Index count : {result->clipped, result->guard_rows, result->exact_rows, result->dead_columns})
    update(digest, &count, 1);
  update(digest, &result->lambda, 1);
  // Without the guard the losses of all rows are enclosed in binary64.
  options.guard = false;
  ShownRows again(layer.W.rows());
  const auto unguarded = quantize_gptq(layer.W, G, options, std::nullopt, layer.name, layer.X.rows(), &again, backend);
  if (!unguarded) throw std::runtime_error(to_string(unguarded.error()));
  update(digest, unguarded->codes.data(), static_cast<std::size_t>(unguarded->codes.size()));
  update(digest, unguarded->enclosed_proposal.data(), unguarded->enclosed_proposal.size());
  return digest.hex();
}

/// The digest by the plain twin of every stage that has one, on one thread.
inline std::string plain_digest(const Layer& layer) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  if (const Status forced = set_simd_target("reference"); !forced) throw std::runtime_error(to_string(forced.error()));
  const std::string digest = digest_of(layer, gram_ref(layer.X), 128);
  if (const Status back = set_simd_target(""); !back) throw std::runtime_error(to_string(back.error()));
  omp_set_num_threads(before);
  return digest;
}

/// A line of digests.txt.
inline std::string digest_line(const Layer& layer, const std::string& digest) { return digest + "  " + layer.name; }

/// Gives X to `add`, `chunk` tokens at a time; throws where that fails.
template <class Add>
void add_in_chunks(const Matrix<float>& X, Index chunk, Add add) {
  for (Index t = 0; t < X.rows(); t += chunk)
    if (const Status added = add(X.middleRows(t, std::min(chunk, X.rows() - t))); !added)
      throw std::runtime_error(to_string(added.error()));
}

}  // namespace hallmark::test
