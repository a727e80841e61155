#include "cuda/backend.hpp"

#include <algorithm>
#include <cmath>

#include "cuda/strip_product.hpp"

namespace hallmark::cuda {
namespace {

static_assert(kStripColumns == kStrip);

template <class M>
auto flat(M& matrix) {
  return std::span(matrix.data(), static_cast<std::size_t>(matrix.size()));
}

template <class T>
std::span<const T> flat(const UpperStrips<T>& U) {
  const Index strips = U.count();
  return {U.strip(0), static_cast<std::size_t>(kStrip * kStrip * strips * (strips + 1) / 2)};
}

HostTarget host_target(const Target& target, const Matrix<float>& W, const DeviceGrid& grid) {
  static_assert(std::is_same_v<Index, std::int64_t>);
  const Steps& steps = target.steps;
  return {flat(W),  flat(steps.scales),  flat(steps.zeros), target.order, W.rows(),
          W.cols(), steps.scales.cols(), steps.group_size,  grid};
}

HostWeights host_weights(const LossWeights& weights) {
  return {flat(weights.d), flat(weights.root), flat(weights.excess)};
}

// The sink's layout, kLanes<float> rows at a time; rows from an overflow on are not shown.
void show(const RowSink& sink, std::span<const std::int64_t> overflow, Index first, Index count, const float* u,
          Index n) {
  constexpr Index lanes = kLanes<float>;
  std::vector<float> block(static_cast<std::size_t>(n * lanes));
  for (Index r0 = 0; r0 < count; r0 += lanes) {
    const Index rows = std::min(lanes, count - r0);
    bool finite = true;
    for (Index r = 0; r < rows; ++r) {
      finite &= overflow[static_cast<std::size_t>(first + r0 + r)] < 0;
      for (Index p = 0; p < n; ++p) block[static_cast<std::size_t>(p * lanes + r)] = u[p * count + r0 + r];
    }
    if (finite) sink(first + r0, rows, block.data());
  }
}

}  // namespace

std::optional<DeviceGrid> device_grid(const Grid& grid) {
  const GridSpec& spec = grid.spec();
  DeviceGrid device;
  device.largest = spec.largest;
  switch (spec.kind) {
    case GridSpec::Kind::integer:
      device.kind = DeviceGrid::Kind::integer;
      device.first = spec.first;
      device.last = spec.last;
      return device;
    case GridSpec::Kind::table:
      // A scale of 24 bits times a midpoint of 29 is exact in binary64.
      if (spec.points.size() > DeviceGrid::kPoints || std::ilogb(spec.largest) + 2 - spec.lowest_bit > 29)
        return std::nullopt;
      device.kind = DeviceGrid::Kind::table;
      device.last = static_cast<std::int32_t>(spec.points.size()) - 1;
      std::copy(spec.points.begin(), spec.points.end(), device.points);
      return device;
    case GridSpec::Kind::golden: break;
  }
  const int E = spec.exponent_bits, M = spec.fraction_bits;
  device.fraction_bits = M;
  device.lowest_bit = spec.lowest_bit;
  device.last_magnitude = (((1u << E) - 1) << M) - 1;
  device.sign_bit = 1u << (E + M);
  return device;
}

Expected<std::optional<PivotFailure>> EngineBackend::factor(Matrix<double>& H, Vector<double>& d) {
  d.resize(H.rows());
  const Expected<std::int64_t> pivot = engine_->factor(flat(H), flat(d), factor_block_);
  if (!pivot) return pivot.error();
  if (*pivot >= 0) return std::optional(PivotFailure{*pivot, d[*pivot]});
  return std::optional<PivotFailure>();
}

Expected<std::optional<Entry>> EngineBackend::recurrence(const Target& target, const UpperStrips<float>& U,
                                                         Index block_size, Rounded& rounded, const RowSink& sink,
                                                         const RowSums* row_sums) {
  const auto grid = device_grid(target.grid);
  if (!grid || target.order.empty()) return Backend::recurrence(target, U, block_size, rounded, sink, row_sums);
  const Matrix<float> W = target.W;  // contiguous
  std::vector<std::int64_t> overflow(static_cast<std::size_t>(W.rows()));
  std::vector<RowLoss> sums(row_sums ? static_cast<std::size_t>(W.rows()) : 0);
  RowsDone done;
  if (sink)
    done = [&](Index first, Index count, const float* u) { show(sink, overflow, first, count, u, U.columns()); };
  const Status ran = engine_->recurrence(host_target(target, W, *grid), flat(U), block_size, flat(rounded.codes),
                                         std::span<Index>(rounded.clipped), overflow,
                                         row_sums ? host_weights(row_sums->weights) : HostWeights{}, sums, done);
  if (!ran) return ran.error();
  if (row_sums) row_sums->sums.clear();
  for (const RowLoss& sum : sums) row_sums->sums.push_back({sum.squares, sum.size, sum.excess});
  const auto bad = std::find_if(overflow.begin(), overflow.end(), [](std::int64_t p) { return p >= 0; });
  if (bad == overflow.end()) return std::optional<Entry>();
  return std::optional(Entry{bad - overflow.begin(), target.order[static_cast<std::size_t>(*bad)]});
}

Expected<std::vector<Loss>> EngineBackend::losses_binary32(const LossModel& model, const UpperStrips<float>& U,
                                                           const Target& target, const Matrix<Code>& codes,
                                                           std::span<const Index> rows) {
  const auto grid = device_grid(target.grid);
  if (!grid || target.order.empty() || !target.steps.plain() || target.asymmetric)
    return Backend::losses_binary32(model, U, target, codes, rows);
  const Matrix<float> W = target.W;
  std::vector<RowLoss> sums(rows.size());
  const Status ran =
      engine_->losses(host_target(target, W, *grid), flat(codes), rows, flat(U), host_weights(model), sums);
  if (!ran) return ran.error();
  std::vector<Loss> losses;
  for (const RowLoss& sum : sums) losses.push_back(enclose_binary32(model, {sum.squares, sum.size, sum.excess}));
  return losses;
}

Expected<std::vector<Loss>> EngineBackend::losses(const LossModel& model, const Target& target,
                                                  const Matrix<Code>& codes, std::span<const Index> rows) {
  const auto grid = device_grid(target.grid);
  if (!grid || target.order.empty() || !target.steps.plain() || target.asymmetric)
    return Backend::losses(model, target, codes, rows);
  const Matrix<float> W = target.W;
  std::vector<RowLoss> sums(rows.size());
  const Status ran =
      engine_->losses(host_target(target, W, *grid), flat(codes), rows, flat(model.U), host_weights(model), sums);
  if (!ran) return ran.error();
  std::vector<Loss> losses;
  for (const RowLoss& sum : sums)
    losses.push_back(enclose_binary64(model, {sum.squares, sum.size, sum.excess}, sum.absolute));
  return losses;
}

Status EngineGram::add(MatrixRef<float> X) {
  if (const auto refused = refuse_tokens(X, columns_, tokens_)) return *refused;
  const Matrix<float> contiguous = X;
  tokens_ += X.rows();
  return gram_->add(flat(contiguous));
}

Expected<Matrix<double>> EngineGram::gram() {
  Matrix<double> G(columns_, columns_);
  if (const Status read = gram_->read(flat(G)); !read) return read.error();
  for (Index b = 0; b < columns_; ++b)
    for (Index a = b; a < columns_; ++a) G(a, b) = G(b, a);
  return G;
}

}  // namespace hallmark::cuda
