#include "measure/judged_codes.hpp"

#include <cmath>
#include <limits>

#include "artifact/matrix_bits.hpp"
#include "certify/loss_verifier.hpp"

namespace hallmark {

Expected<double> certified_loss(const Matrix<float>& W, const SiteGram& gram, const Options& options,
                                const Quantized& quantized, const std::string& name) {
  auto judge = LossVerifier::make(W, gram.G, options, quantized.steps, name);
  if (!judge) return judge.error();
  const auto losses = judge->narrow_losses(quantized.codes);
  if (!losses) return losses.error();
  double sum = 0;
  for (const Loss& loss : *losses)
    if (loss.hi > 0) sum = std::nextafter(sum + loss.hi, std::numeric_limits<double>::infinity());
  return sum;
}

void CodeBits::add(const std::string& name, const Matrix<float>& W, const Options& options, const Matrix<Code>& codes) {
  const MatrixBits bits = bits_of(
      {name, name, {}, false, static_cast<std::uint64_t>(W.rows()), static_cast<std::uint64_t>(W.cols()), options});
  const auto count = static_cast<double>(codes.size());
  weights += count;
  stored += bits.codes + bits.steps;
  container += bits.container_codes + bits.steps;
  entropy += entropy_of(codes) * count + bits.steps;
}

}  // namespace hallmark
