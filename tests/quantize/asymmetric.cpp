// The asymmetric target: the numbers of a published example, losses against rationals, GPTQ to the byte where both
// inputs agree, and what is refused.
#include "method/asymmetric.hpp"

#include <gmpxx.h>

#include <cmath>

#include "../linalg/random.hpp"
#include "linalg/gram.hpp"
#include "method/exact_row_loss.hpp"
#include "method/quantize.hpp"
#include "method/rtn.hpp"

namespace asymmetric_test {

using namespace hallmark;
using namespace hallmark::test;

namespace {

// A layer whose quantized prefix changes its inputs X, tokens x columns, to Y; what calibration knows of both.
struct Made {
  Matrix<float> W;
  Matrix<double> X, Y, H, C, K;

  Made(Matrix<float> weights, const Matrix<double>& x, const Matrix<double>& y)
      : W(std::move(weights)), X(x), Y(y), H(Y.transpose() * Y), C(X.transpose() * Y), K(X.transpose() * X) {
    H = ((H + H.transpose()) / 2).eval();
    K = ((K + K.transpose()) / 2).eval();
  }

  Expected<Quantized> quantize(Options options, const std::optional<Steps>& steps = std::nullopt,
                               bool asymmetric = true) const {
    options.target = asymmetric ? asymmetric_target : plain_target;
    const MatrixRef<float> w = W;
    const MatrixRef<double> h = H;
    const FloatInputs inputs{C, K};
    hallmark::Layer layer{"w", w, &h};
    std::vector<float> signs(static_cast<std::size_t>(Rotation::columns_of(W.cols())), 1.0F);
    for (std::size_t j = 0; j < signs.size(); j += 3) signs[j] = -1;
    layer.signs = signs;
    if (asymmetric) layer.inputs = &inputs;
    return hallmark::quantize(layer, options, steps);
  }
};

Made random_layer(Index rows, Index columns, unsigned seed, double change = 0.3) {
  const Matrix<double> X = ar1_activations(3 * columns, columns, 0.7, seed).cast<double>();
  const Matrix<double> noise = normal_matrix<double>(3 * columns, columns, seed + 1);
  return {normal_matrix<float>(rows, columns, seed + 2), X, X + change * noise};
}

Options options_for(const char* grid, const char* method = "gptq", double damping = 0.01) {
  Options options{*Grid::parse(grid)};
  options.method = method;
  options.damp_fraction = damping;
  return options;
}

// w K w^T - 2 w C q^T + q H q^T, entry by entry.
mpq_class plain_loss(const Made& made, const Matrix<double>& q, Index i) {
  mpq_class sum = 0;
  for (Index a = 0; a < made.W.cols(); ++a)
    for (Index b = 0; b < made.W.cols(); ++b) {
      const mpq_class w(made.W(i, a)), v(made.W(i, b)), p(q(i, a)), r(q(i, b));
      sum += w * mpq_class(made.K(a, b)) * v - 2 * w * mpq_class(made.C(a, b)) * r + p * mpq_class(made.H(a, b)) * r;
    }
  return sum;
}

double total(const std::vector<double>& losses) {
  double sum = 0;
  for (const double x : losses) sum += x;
  return sum;
}

bool same_codes(const Quantized& a, const Quantized& b) {
  return a.codes == b.codes && a.steps.scales == b.steps.scales && a.kept_rtn == b.kept_rtn && a.clipped == b.clipped;
}

}  // namespace

TEST_CASE("the example of T23: 87/50 against 117/50 of GPTQ on w and 327/50 of round-to-nearest") {
  Matrix<double> X(4, 3), Y(4, 3);
  X << 0, -1, 0, 1, 1, 1, 3, -1, 1, -2, 0, -2;
  Y << 0, 0, 0, 1, 1, 1, 4, -1, 1, -3, 0, -1;
  Matrix<float> W(1, 3);
  W << 0.8F, 1.0F, -0.1F;
  const Made made(W, X, Y);
  const Steps ones{Matrix<float>::Ones(1, 3), {}, 1};
  // Of the rational weights, by the tokens themselves.
  const auto lost = [&](const Matrix<double>& q) {
    const mpq_class w[] = {mpq_class(4, 5), 1, mpq_class(-1, 10)};
    mpq_class sum = 0;
    for (Index t = 0; t < 4; ++t) {
      mpq_class off = 0;
      for (Index j = 0; j < 3; ++j) off += w[j] * mpq_class(X(t, j)) - mpq_class(q(0, j)) * mpq_class(Y(t, j));
      sum += off * off;
    }
    return sum;
  };
  Options options = options_for("int4", "gptq", 0);
  options.group_size = 1;
  const auto numbers = [&](const Quantized& result) {
    return dequantize_f64(result.codes, result.steps, options.grid);
  };
  const auto wanted = made.quantize(options, ones), on_w = made.quantize(options, ones, false);
  REQUIRE((wanted && on_w));
  CHECK(numbers(*wanted) == (Matrix<double>(1, 3) << 0, 0, 1).finished());
  CHECK(numbers(*on_w) == (Matrix<double>(1, 3) << 1, 1, -1).finished());
  CHECK(lost(numbers(*wanted)) == mpq_class(87, 50));
  CHECK(lost(numbers(*on_w)) == mpq_class(117, 50));
  const Matrix<double> nearest = (Matrix<double>(1, 3) << 1, 1, 0).finished();
  CHECK(dequantize_f64(round_to_nearest(W, options.grid, ones).codes, ones, options.grid) == nearest);
  CHECK(lost(nearest) == mpq_class(327, 50));
  // What the run says of them: w in binary32 is not quite (4/5, 1, -1/10).
  CHECK(std::fabs(wanted->loss_final[0] - 1.74) < 1e-6);
  CHECK(std::fabs(wanted->loss_rtn[0] - 6.54) < 1e-6);
  // Qronos has another first column: u_0 = 43/75, so 1 and not 0.
  Options qronos = options;
  qronos.method = "qronos";
  const auto other = made.quantize(qronos, ones);
  REQUIRE(other);
  CHECK(numbers(*other) == (Matrix<double>(1, 3) << 1, 2, -1).finished());
  CHECK(lost(numbers(*other)) == mpq_class(77, 50));
  CHECK(std::fabs(other->loss_final[0] - 1.54) < 1e-6);
}

// The recurrence in binary64, the first column by Qronos's own formula with C, damped.
Matrix<Code> qronos_codes(const Made& made, const Options& options, const Steps& steps, const Matrix<float>& aim) {
  const Index n = made.W.cols();
  const double lambda = 2 * options.damp_fraction * made.H.trace() / static_cast<double>(n);
  const Matrix<double> H = 2 * made.H + lambda * Matrix<double>::Identity(n, n),
                       C = 2 * made.C + lambda * Matrix<double>::Identity(n, n);
  Matrix<double> U = H;  // the factor: from the last column back
  Vector<double> d(n);
  for (Index j = n - 1; j >= 0; --j) {
    d[j] = U(j, j);
    for (Index i = 0; i < j; ++i) U(i, j) /= d[j];
    for (Index i = 0; i < j; ++i)
      for (Index k = 0; k <= i; ++k) U(k, i) -= U(i, j) * U(k, j) * d[j];
  }
  Matrix<Code> codes(made.W.rows(), n);
  for (Index i = 0; i < codes.rows(); ++i) {
    Vector<double> e(n);
    for (Index j = 0; j < n; ++j) {
      double u = aim(i, j);
      for (Index k = 0; k < j; ++k) u += e[k] * U(k, j);
      if (j == 0) {
        u = 0;
        for (Index k = 0; k < n; ++k) u += made.W(i, k) * C(k, 0) - (k > 0 ? made.W(i, k) * H(k, 0) : 0.0);
        u /= H(0, 0);
      }
      codes(i, j) = options.grid.nearest(u, steps.at(i, j));
      e[j] = aim(i, j) - steps.scale(i, j) * options.grid.value(codes(i, j), steps.zero(i, j));
    }
  }
  return codes;
}

TEST_CASE("Qronos is the recurrence for w* with a first column of its own, and GPTQ where both inputs agree") {
  for (const char* grid : {"int3", "int4z", "nf4"}) {
    CAPTURE(grid);
    Options options = options_for(grid, "qronos"), gptq = options_for(grid);
    options.guard = gptq.guard = false;
    const Made made = random_layer(100, 20, 7, 0.8);
    const auto found = made.quantize(options), other = made.quantize(gptq);
    REQUIRE((found && other));
    const MatrixRef<float> W = made.W;
    const MatrixRef<double> H = made.H;
    const FloatInputs inputs{made.C, made.K};
    Backend cpu;
    const auto factored = factor_hessian(20, H, 0.01, false, "w", std::nullopt, cpu);
    REQUIRE(factored);
    const auto aim = AsymmetricTerm(W, H, inputs).target(W, *factored, "w");
    REQUIRE(aim);
    CHECK(found->codes == qronos_codes(made, options, found->steps, *aim));
    CHECK(found->codes != other->codes);
    const auto same = [&] { CHECK(made.quantize(options)->codes == found->codes); };
    for_each_target(same);
    for_each_thread_count(same);
    options.rotation = hadamard_16;
    if (std::string(grid) == "int3") CHECK(made.quantize(options)->codes != found->codes);
    options.rotation = no_rotation;
    const Made equal = [&] {
      Made m = made;
      m.C = m.K = m.H;
      return m;
    }();
    CHECK(equal.quantize(options)->codes == equal.quantize(gptq)->codes);
  }
  const auto refused = random_layer(2, 16, 3).quantize(options_for("int4", "qronos"), std::nullopt, false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().number == 233);
  CHECK(refused.error().hint.find("--target asymmetric") != std::string::npos);
}

TEST_CASE("losses are enclosed, decided exactly, and no row is worse than round-to-nearest") {
  struct Case {
    const char* grid;
    const char* method;
    Index rows, columns, group;
    double damping;
    bool guard, rotated = false;
  };
  constexpr Case cases[] = {
      {"int4", "gptq", 9, 24, 0, 0.01, true},          {"int3s", "descent", 6, 31, 8, 0.1, true},
      {"gf16", "gptq", 4, 17, 0, 0.01, true},          {"lloyd:4", "best", 5, 20, 0, 0.01, true},
      {"int4z", "gptq", 7, 18, 6, 0.0, true},          {"int2", "descent", 3, 16, 0, 0.01, true},
      {"int4", "gptq", 5, 20, 0, 0.01, false},         {"int8", "gptq", 1, 1, 0, 0.01, true},
      {"lloyd:3", "gptq", 6, 37, 0, 0.01, true, true}, {"int3", "best", 4, 33, 0, 0.01, true, true}};
  for (const Case& c : cases) {
    CAPTURE(c.grid);
    CAPTURE(c.method);
    const Made made = random_layer(c.rows, c.columns, static_cast<unsigned>(c.columns));
    Options options = options_for(c.grid, c.method, c.damping);
    options.group_size = c.group;
    options.guard = c.guard;
    if (c.rotated) options.rotation = hadamard_16;
    const auto result = made.quantize(options);
    REQUIRE_MESSAGE(result, to_string(result.error()));
    const Matrix<double> q = dequantize_f64(result->codes, result->steps, options.grid);
    const Steps& rtn_steps = result->steps_of_rtn();
    const Rounded rtn = round_to_nearest(made.W, options.grid, rtn_steps);
    const Matrix<double> r = dequantize_f64(rtn.codes, rtn_steps, options.grid);
    const FloatInputs inputs{made.C, made.K};
    const AsymmetricTerm term(made.W, made.H, inputs);
    const oracle::ExactLoss exact = exact_losses(made.H, &term);
    for (Index i = 0; i < c.rows; ++i) {
      const mpq_class loss = plain_loss(made, q, i), of_rtn = plain_loss(made, r, i);
      CHECK(exact_row_loss(exact, made.W, options.grid, result->steps, result->codes, i).rational() == loss);
      if (!c.guard) continue;
      const auto k = static_cast<std::size_t>(i);
      const Loss &kept = result->kept_rtn[k] ? result->enclosed_rtn[k] : result->enclosed_proposal[k],
                 &other = result->enclosed_rtn[k];
      CHECK(loss <= of_rtn);
      CHECK((mpq_class(kept.lo) <= loss && loss <= mpq_class(kept.hi)));
      CHECK((mpq_class(other.lo) <= of_rtn && of_rtn <= mpq_class(other.hi)));
      CHECK(kept.hi - kept.lo <= 0.5 * kept.hi);  // and it says something
    }
  }
}

// The enclosures of the two stages, of any codes: those of every point at the ends of the grid too.
TEST_CASE("the term encloses its exact value, near and far from the weights") {
  for (const double change : {0.3, 1e-6, 30.0, 0.0}) {
    CAPTURE(change);
    Made made = random_layer(5, 23, 90, change);
    if (change == 0) {  // large numbers that the weights cancel, under errors that are larger than these
      made.C.array() += 1e6;
      made.W.col(22) -= made.W.rowwise().sum();
      made.W *= 1e-6F;
    }
    made.W.row(1) *= 1e-20F;
    made.W.row(2).setZero();
    made.W.row(3) *= 1e18F;
    const Grid grid = *Grid::parse("int4");
    Steps steps = *steps_for(grid, "absmax", ScaleStorage::f32, made.W.data(), 5, 23, 0);
    if (change == 0) steps.scales.setOnes();
    const FloatInputs inputs{made.C, made.K};
    const AsymmetricTerm term(made.W, made.H, inputs);
    const MatrixRef<float> W = made.W;
    Matrix<Code> codes = round_to_nearest(made.W, grid, steps).codes;
    for (const bool far : {false, true}) {
      if (far) codes.setConstant(7);
      for (Index i = 0; i < 5; ++i) {
        Loss loss{0, 0, 0};
        const Index rows[] = {i};
        term.add({W, grid, steps, {}}, codes, rows, {&loss, 1});
        const auto value = [&](const oracle::ExactLoss& exact) {
          return exact_row_loss(exact, made.W, grid, steps, codes, i).rational();
        };
        const mpq_class beyond = value(exact_losses(made.H, &term)) - value(exact_losses(made.H, nullptr));
        CHECK((mpq_class(loss.lo) <= beyond && beyond <= mpq_class(loss.hi)));
      }
    }
  }
}

TEST_CASE("beyond the range of T15 exact arithmetic decides, by the loss of the target") {
  Made made = random_layer(12, 16, 21, 1.0);
  for (Matrix<double>* M : {&made.H, &made.C, &made.K}) *M *= 0x1p-420;
  const Options options = options_for("int2");
  const auto result = made.quantize(options);
  REQUIRE(result);
  CHECK(result->exact_rows > 0);
  const Matrix<double> q = dequantize_f64(result->codes, result->steps, options.grid),
                       r = dequantize_f64(round_to_nearest(made.W, options.grid, result->steps).codes, result->steps,
                                          options.grid);
  for (Index i = 0; i < 12; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const mpq_class loss = plain_loss(made, q, i);
    CHECK(loss <= plain_loss(made, r, i));
    const Loss& kept = result->kept_rtn[k] ? result->enclosed_rtn[k] : result->enclosed_proposal[k];
    CHECK((mpq_class(kept.lo) <= loss && loss <= mpq_class(kept.hi)));
  }
}

TEST_CASE("with C = H the codes are GPTQ's to the byte, whatever K is") {
  for (const char* method : {"gptq", "descent", "best"}) {
    CAPTURE(method);
    Made made = random_layer(9, 40, 7);
    made.W(0, 0) = -0.0F;  // stays -0
    made.C = made.H;
    for (const bool same_inputs : {true, false}) {
      if (same_inputs) made.K = made.H;
      else made.K += Matrix<double>::Identity(40, 40);
      for (const char* grid : {"gf16", "int3"}) {
        const Options options = options_for(grid, method);
        const auto plain = made.quantize(options, std::nullopt, false), wanted = made.quantize(options);
        REQUIRE((plain && wanted));
        CHECK(same_codes(*plain, *wanted));
        if (same_inputs) CHECK(std::fabs(total(wanted->loss_final) / total(plain->loss_final) - 1) < 1e-4);
      }
    }
  }
}

TEST_CASE("w* solves w* (2 H + lambda I) = w (2 C + lambda I), with the same bits for any number of threads") {
  const Made made = random_layer(33, 50, 3);
  const FloatInputs inputs{made.C, made.K};
  Backend cpu;
  for (const bool desc_act : {false, true}) {
    const auto factored = factor_hessian(50, made.H, 0.01, desc_act, "w", std::nullopt, cpu);
    REQUIRE(factored);
    Matrix<float> first;
    for_each_thread_count([&] {
      const AsymmetricTerm term(made.W, made.H, inputs);
      const auto wanted = term.target(made.W, *factored, "w");
      REQUIRE(wanted);
      if (first.size() == 0) first = *wanted;
      CHECK(first == *wanted);
    });
    Matrix<double> left = 2 * first.cast<double>() * made.H, right = 2 * made.W.cast<double>() * made.C;
    left += factored->lambda * first.cast<double>();
    right += factored->lambda * made.W.cast<double>();
    CHECK((left - right).norm() < 1e-6 * right.norm());
  }
}

TEST_CASE("codes for the target lose less on the changed inputs than codes for w") {
  const Made made = random_layer(64, 64, 11);
  for (const char* method : {"gptq", "descent", "best"}) {
    const Options options = options_for("int4", method);
    const auto plain = made.quantize(options, std::nullopt, false), wanted = made.quantize(options);
    REQUIRE((plain && wanted));
    const auto lost = [&](const Quantized& result) {
      const Matrix<double> off = made.X * made.W.cast<double>().transpose() -
                                 made.Y * dequantize_f64(result.codes, result.steps, options.grid).transpose();
      return off.squaredNorm();
    };
    CHECK(lost(*wanted) < 0.9 * lost(*plain));
    CHECK(std::fabs(lost(*wanted) / total(wanted->loss_final) - 1) < 1e-4);
  }
}

TEST_CASE("what has no such target is refused, with what goes") {
  const Made made = random_layer(3, 16, 5);
  const auto number = [](const Expected<Quantized>& result) { return result ? 0 : result.error().number; };
  CHECK(number(made.quantize(options_for("int4", "rtn"))) == 234);
  Options alone = options_for("int4");
  alone.target = asymmetric_target;
  CHECK(number(quantize_gptq(made.W, made.H, alone)) == 214);
  const auto changed = [&](const auto& change) {
    Made other = made;
    change(other);
    return number(other.quantize(options_for("int4")));
  };
  CHECK(changed([](Made& m) { m.C.conservativeResize(16, 15); }) == 322);
  CHECK(changed([](Made& m) { m.K.conservativeResize(15, 15); }) == 322);
  CHECK(changed([](Made& m) { m.C(2, 3) = std::nan(""); }) == 322);
  CHECK(changed([](Made& m) { m.K(2, 3) += 1; }) == 322);
  CHECK(changed([](Made& m) { m.C *= 1e60; }) == 503);
  CHECK(changed([](Made&) {}) == 0);
}

}  // namespace asymmetric_test
