// Gram accumulation: the order of the sums is the order of the tokens, and nothing else shows in the bits.
#include "linalg/gram.hpp"

#include <cmath>
#include <limits>

#include "linalg/hessian.hpp"
#include "linalg/target_grams.hpp"
#include "random.hpp"

namespace gram_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

Matrix<double> in_portions(MatrixRef<float> X, Index portion, Index chunk = kGramChunk) {
  GramAccumulator accumulator(X.cols(), chunk);
  for (Index t = 0; t < X.rows(); t += portion)
    REQUIRE(accumulator.add(X.middleRows(t, std::min(portion, X.rows() - t))));
  CHECK(accumulator.tokens() == X.rows());
  return accumulator.gram();
}

// Columns of products 1, 2^-53, 2^-53, ...: one after the other no token but the first counts.
Matrix<float> one_and_many_small(Index tokens) {
  Matrix<float> X(tokens, 2);
  X.col(0).setConstant(0x1p-26F);
  X.col(1).setConstant(0x1p-27F);
  X.row(0).setOnes();
  return X;
}

}  // namespace

TEST_CASE("portions, threads and SIMD targets give the bits of the plain loops") {
  for (const Index columns : {1, 7, 24, 25, 61}) {
    CAPTURE(columns);
    const Matrix<float> X = normal_matrix<float>(300, columns, 11);
    const Matrix<double> G = gram_ref(X);
    for_each_target([&] {
      for (const Index portion : {1, 13, 256, 300}) CHECK(in_portions(X, portion) == G);
    });
    for_each_thread_count([&] { CHECK(in_portions(X, 150) == G); });
  }
}

TEST_CASE("chunks of tokens are summed one by one, and added in their order, whoever sums them") {
  const Matrix<float> X = normal_matrix<float>(600, 25, 17);
  const Matrix<double> chain = gram_ref(X);
  for (const Index chunk : {1, 7, 200, 256, 599, 600, 601}) {
    CAPTURE(chunk);
    const Matrix<double> G = gram_ref(X, chunk);
    CHECK((G == chain) == (chunk == 1 || chunk >= 599));  // products are exact: one token is added as by an fma
    for (const Index portion : {1, 7, 300, 600}) CHECK(in_portions(X, portion, chunk) == G);
    // Alone, and merged: the last one may have fewer tokens.
    Matrix<double> merged = in_portions(X.topRows(std::min<Index>(chunk, 600)), 64, chunk);
    for (Index first = chunk; first < 600; first += chunk) {
      const Matrix<float> part = X.middleRows(first, std::min(chunk, 600 - first));
      merged = *merge_gram(merged, in_portions(part, 64, chunk));
      CHECK(in_portions(part, 64, chunk) == gram_ref(part));
    }
    CHECK(merged == G);
    for_each_thread_count([&] { CHECK(in_portions(X, 150, chunk) == G); });
  }
  for_each_target([&] { CHECK(in_portions(X, 130, 100) == gram_ref(X, 100)); });
}

TEST_CASE("nine tokens in chunks of three: the sums that Coq's T18_chunks_witness computes") {
  const Matrix<float> X = one_and_many_small(9);
  CHECK(in_portions(X, 9, 3)(0, 1) == 1 + 0x1p-50);
  CHECK(in_portions(X, 9)(0, 1) == 1);
}

TEST_CASE("a chunk of the specification has 2^18 tokens, and a sum the roundings of T18_order_chunks") {
  CHECK(kGramChunk == 262144);
  CHECK(in_portions(one_and_many_small(kGramChunk), kGramChunk)(0, 1) == 1);
  CHECK(in_portions(one_and_many_small(kGramChunk + 2), 100000)(0, 1) == 1 + 0x1p-52);
  for (const Index tokens : {Index{0}, Index{1}, kGramChunk - 1, kGramChunk}) CHECK(gram_roundings(tokens) == tokens);
  CHECK(gram_roundings(kGramChunk + 1) == kGramChunk + 1);
  CHECK(gram_roundings(2 * kGramChunk) == kGramChunk + 1);
  CHECK(gram_roundings(2 * kGramChunk + 1) == kGramChunk + 2);
  CHECK(gram_roundings(Index{1} << 24) == kGramChunk + 63);
}

TEST_CASE("a small Gram matrix by hand, and its exact symmetry") {
  Matrix<float> X(2, 3);
  X << 1, 2, 0, 0.5F, 1, -4;
  GramAccumulator accumulator(3);
  REQUIRE(accumulator.add(X));
  Matrix<double> expected(3, 3);
  expected << 1.25, 2.5, -2, 2.5, 5, -4, -2, -4, 16;
  CHECK(accumulator.gram() == expected);
  const Matrix<double> G = in_portions(normal_matrix<float>(100, 40, 12), 100);
  CHECK(G == G.transpose());
}

TEST_CASE("no tokens and no columns are the zero matrix") {
  GramAccumulator accumulator(5);
  REQUIRE(accumulator.add(Matrix<float>(0, 5)));
  CHECK(accumulator.gram() == Matrix<double>::Zero(5, 5));
  GramAccumulator empty(0);
  REQUIRE(empty.add(Matrix<float>(4, 0)));
  CHECK(empty.gram().size() == 0);
}

TEST_CASE("a value that is not finite is refused by its index and adds nothing") {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    GramAccumulator accumulator(3);
    REQUIRE(accumulator.add(Matrix<float>::Ones(4, 3)));
    Matrix<float> X = Matrix<float>::Ones(4, 3);
    X(2, 1) = bad;
    const auto status = accumulator.add(X);
    REQUIRE(!status);
    CHECK(status.error().exit == Exit::input);
    CHECK(status.error().where.find("token 6, column 1") != std::string::npos);
    CHECK(accumulator.gram() == Matrix<double>::Constant(3, 3, 4));
    CHECK(accumulator.tokens() == 4);
  }
}

TEST_CASE("other widths are refused") {
  GramAccumulator accumulator(3);
  CHECK(!accumulator.add(Matrix<float>::Ones(4, 2)));
}

TEST_CASE("the largest activations neither overflow nor lose the smallest") {
  Matrix<float> X(1, 2);
  X << std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min();
  GramAccumulator accumulator(2);
  REQUIRE(accumulator.add(X));
  CHECK(accumulator.gram()(1, 1) == 0x1p-298);
  CHECK(std::isfinite(accumulator.gram()(0, 0)));
}

TEST_CASE("merging adds, entry by entry") {
  const Matrix<double> A = gram_ref(normal_matrix<float>(9, 4, 13)), B = gram_ref(normal_matrix<float>(5, 4, 14));
  const auto merged = merge_gram(A, B);
  REQUIRE(merged);
  CHECK(*merged == A + B);
  CHECK(!merge_gram(A, B.topLeftCorner(3, 3)));
  CHECK(!merge_gram(A, Matrix<double>::Constant(4, 4, std::numeric_limits<double>::infinity())));
}

TEST_CASE("the Hessian doubles the Gram matrix and adds the damping to the diagonal") {
  Matrix<double> G(2, 2);
  G << 3, 1, 1, 5;
  CHECK(damping(G, 0.01) == 0.01 * 8);
  Matrix<double> expected(2, 2);
  expected << 6.5, 2, 2, 10.5;
  CHECK(hessian(G, 0.5) == expected);
}

TEST_CASE("the matrices of an asymmetric target, in chunks, are plain sums; of one model they are its Gram matrix") {
  const Index columns = 29, tokens = 200;
  const Matrix<float> X = normal_matrix<float>(tokens, columns, 13), Y = normal_matrix<float>(tokens, columns, 14);
  TargetAccumulator both(columns), same(columns);
  for (Index t = 0; t < tokens; t += 80) {
    const Index count = std::min<Index>(80, tokens - t);
    REQUIRE(both.add(X.middleRows(t, count), Y.middleRows(t, count)));
    REQUIRE(same.add(X.middleRows(t, count), X.middleRows(t, count)));
  }
  const TargetGrams target = both.grams();
  CHECK(target.tokens == tokens);
  CHECK(target.H == gram_ref(Y));
  CHECK(target.K == gram_ref(X));
  Matrix<double> C = Matrix<double>::Zero(columns, columns);
  for (Index a = 0; a < columns; ++a)
    for (Index b = 0; b < columns; ++b)
      for (Index t = 0; t < tokens; ++t)
        C(a, b) = std::fma(static_cast<double>(X(t, a)), static_cast<double>(Y(t, b)), C(a, b));
  CHECK(target.C == C);
  CHECK(target.C != target.C.transpose());
  CHECK((same.grams().C == gram_ref(X) && same.grams().H == gram_ref(X) && same.grams().K == gram_ref(X)));

  TargetAccumulator chunks(columns, 70);
  REQUIRE(chunks.add(X, Y));
  CHECK((chunks.grams().H == gram_ref(Y, 70) && chunks.grams().K == gram_ref(X, 70)));
  Matrix<float> beside(tokens, 2 * columns);
  beside << X, Y;
  CHECK(chunks.grams().C == gram_ref(beside, 70).topRightCorner(columns, columns));
  CHECK(chunks.grams().C != C);
}

TEST_CASE("inputs of two models that do not fit together are refused, and add nothing") {
  const Matrix<float> X = normal_matrix<float>(10, 4, 15), Y = normal_matrix<float>(10, 4, 16);
  TargetAccumulator sum(4);
  CHECK(sum.add(X, Y.topRows(9)).error().number == 324);
  CHECK(sum.add(X.leftCols(3), Y).error().number == 324);
  CHECK(sum.add(X, Y.leftCols(3)).error().number == 324);
  for (const bool first : {true, false}) {
    Matrix<float> bad = X;
    bad(7, 2) = std::numeric_limits<float>::infinity();
    const Status refused = first ? sum.add(bad, Y) : sum.add(Y, bad);
    CHECK(refused.error().number == 325);
    CHECK(refused.error().where.find("token 7, column 2") != std::string::npos);
  }
  CHECK(sum.tokens() == 0);
  REQUIRE(sum.add(X, Y));
  CHECK(sum.grams().H == gram_ref(Y));
}

}  // namespace gram_test
