// One matrix in memory, quantized and judged: what the tool, the ablation and every other caller run.
#pragma once

#include <memory>
#include <optional>

#include "certify/certificate_observer.hpp"
#include "certify/contracts.hpp"
#include "method/quantize.hpp"

namespace hallmark {

/// What is asked of the work beside the codes.
struct Demands {
  contracts::Policy contracts = contracts::Policy::on;  ///< how the run-time contracts are decided
  bool certify = true;                                  ///< the rows of a certificate
  bool bounds = false;                                  ///< their bounds too
  ExactRows exact = {};                                 ///< rows that exact arithmetic judges too
  bool optimality = false;                              ///< what no codes can lose less than, in the rows too
  bool one_opt = false;                                 ///< whether one code can be changed for the better, in them too
  TellRows tell = {};                                   ///< hears of the judgements of exact arithmetic
};

/// The codes with what is known of them.
struct JudgedMatrix {
  Quantized result;
  std::unique_ptr<CertificateObserver> seen;  ///< what the certificate says of the rows, where it is asked for
  contracts::Report contracts;                ///< of this matrix
};

/// Runs the method with its contracts and its certificate. What the contracts find stands in the result. Errors: those
/// of quantize.
Expected<JudgedMatrix> quantize_matrix(const Layer& layer, const Options& options, const std::optional<Steps>& given,
                                       const Demands& demands, Backend* backend = nullptr);

}  // namespace hallmark
