// The Gram matrix of the calibration activations, G = X X^T with X = (tokens x columns)^T.
#pragma once

#include <optional>
#include <vector>

#include "base/error.hpp"
#include "linalg/matrix.hpp"

namespace hallmark {

/// Whether G is finite and equal to its transpose.
bool symmetric_and_finite(MatrixRef<double> G);

/// Tokens in a chunk of every Gram matrix. Part of the specification: another number gives other bits, where there are
/// more tokens.
inline constexpr Index kGramChunk = Index{1} << 18;

/// The most roundings that a token goes through: min(tokens, chunk) + ceil(tokens / chunk) - 1 (Coq
/// `T18_order_chunks`).
constexpr Index gram_roundings(Index tokens, Index chunk = kGramChunk) {
  return tokens <= chunk ? tokens : chunk + (tokens - 1) / chunk;
}

/// G_ab = sum_t x_ta x_tb in chunks of tokens: tokens 0 .. chunk - 1, the next as many, and so on. The sum of a chunk
/// begins at +0 and takes its tokens increasing, each by one fma of the widened binary32 activations; the sums are
/// added in the order of the chunks, ((1st + 2nd) + 3rd) + ... So the bits depend on neither the portions in which
/// tokens arrive, nor threads, nor vector width, nor on who sums which chunk (merge_gram). Symmetric bit for bit. Error
/// against the exact sum: T18_chunks, up to one chunk T11 (b). 8 columns^2 bytes, twice as much from the second chunk
/// on.
class GramAccumulator {
 public:
  /// Another chunk than that of the specification is for tests. Precondition: chunk > 0.
  explicit GramAccumulator(Index columns, Index chunk = kGramChunk);

  /// Appends tokens: X is [tokens, columns]. Errors (nothing is added then): E0324 other width, E0325 an activation
  /// that is not finite. No sum can overflow or underflow: a product of two binary32 numbers is below 2^256 and a
  /// multiple of 2^-298.
  Status add(MatrixRef<float> tokens_by_columns);

  Index columns() const { return columns_; }
  Index tokens() const { return tokens_; }

  /// The full symmetric matrix [columns, columns].
  Matrix<double> gram() const;

 private:
  Index room();  // tokens that the current chunk still takes; never 0

  Index columns_, chunk_;
  Index padded_;  // columns rounded up to whole lanes
  Index tokens_ = 0, in_chunk_ = 0;
  std::vector<double> sum_;     // of the current chunk: [padded, padded], rows b <= lanes a only
  std::vector<double> before_;  // of the chunks before it, if any
};

/// E0324 or E0325 where X does not continue `tokens` tokens of that many columns; the refusals of GramAccumulator::add.
std::optional<Error> refuse_tokens(MatrixRef<float> X, Index columns, Index tokens);

/// The plain twin: a loop over pairs, chunks and tokens. The input is finite.
Matrix<double> gram_ref(MatrixRef<float> tokens_by_columns, Index chunk = kGramChunk);

/// G + other, entry by entry, one addition each: the Gram matrix of both sets of tokens. The bits are those of one
/// GramAccumulator over all of them where G is that of the tokens before and these are whole chunks, and other that of
/// one chunk, the last of which may have fewer tokens (Coq `T18_order_next_chunk`); else this is another order of the
/// same sums. Errors: E0324 shapes differ, E0502 a sum is not finite.
Expected<Matrix<double>> merge_gram(MatrixRef<double> G, MatrixRef<double> other);

}  // namespace hallmark
