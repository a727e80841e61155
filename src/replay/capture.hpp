// Activation capture: the inputs of every linear layer, for the Gram matrices.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "linalg/matrix.hpp"
#include "replay/model.hpp"

namespace hallmark {

/// One place where activations are taken, and the weights that multiply them: they share one Gram matrix.
struct ActivationSite {
  std::string name;                  ///< that of the first weight
  std::vector<std::string> weights;  ///< each rows x cols
  Index cols = 0;
};

/// The sites that text passes through, in the order of the forward pass: the projections of the bigram table and of the
/// value embedding; then per block c_q with c_k and c_v, attention output, MLP in, MLP out; last the output layer,
/// whose activations are the final norm's output. Tied, it is the embedding (which as a table of inputs has no Gram
/// matrix of its own).
std::vector<ActivationSite> activation_sites(const ModelConfig& config);

/// The tables whose rows are looked up, and that are no output layer: bigrams, value embedding, untied embedding. Their
/// inputs are not text: an error row e of a table reaches the stream, or the values, as P e^T for the projection P
/// [outputs, cols], so its squared size there is e (P^T P) e^T: the Gram matrix over the rows of P. The embedding has
/// none, P is the identity.
std::vector<ActivationSite> table_sites(const ModelConfig& config);
/// P of one of them: the rows are the tokens.
Matrix<float> table_activations(const Model& model, const ActivationSite& table);

/// Called for one batch at one site: tokens x cols, the binary64 activations rounded to binary32; valid during the
/// call.
using ActivationSink = std::function<Status(const ActivationSite& site, MatrixRef<float> tokens_by_cols)>;

/// Runs the model over windows in order, 16 windows at a time (one batch), and calls the sink once per batch and site:
/// batches in order, sites as listed, tokens by window and position. The sink is called from one thread. The same
/// values for any number of threads. All windows have one length. Errors: those of the sink, at once; E0350 an
/// activation is not finite in binary32.
Status capture_activations(const Model& model, std::span<const std::span<const std::byte>> windows,
                           const ActivationSink& sink);

/// The inputs of one site in two models of the same sizes, `X` in the first and `behind` in the second, for the same
/// tokens; batches, order, rounding and errors as above.
Status capture_side_by_side(const Model& first, const Model& second,
                            std::span<const std::span<const std::byte>> windows, std::size_t site,
                            const std::function<Status(MatrixRef<float> X, MatrixRef<float> behind)>& sink);

}  // namespace hallmark
