// How one printed contract is decided: by lanes of enclosures, then by wider ones, then exactly.
#pragma once

#include <functional>

#include "contracts/generated/contracts.hpp"
#include "contracts/runtime/exact.hpp"
#include "contracts/runtime/lanes.hpp"
#include "contracts/runtime/report.hpp"
#include "contracts/runtime/wide.hpp"

namespace hallmark::contracts {

/// A loss that is known as an enclosure, and exactly on request (for one lane).
struct EnclosedLoss {
  Ball ball;
  std::function<Exact(std::size_t lane)> exact;
};

/// Inputs as the stage reads them. A contract is a generic callable contract(pick): pick(x) for each input x, which is
/// Lanes, an EnclosedLoss, or a function of an index that gives Lanes, a number, or a Difference of these.
template <class Stage>
struct Pick;

template <>
struct Pick<LaneOps> {
  using Ops = LaneOps;
  const Ball& operator()(const EnclosedLoss& loss) const { return loss.ball; }
  template <class T>
  const T& operator()(const T& input) const {
    return input;
  }
};

template <class Stage>
struct Pick {
  using Ops = Stage;
  std::size_t lane = 0;
  bool recorded = false;  // a loss is the middle of its enclosure, not its exact value

  double operator()(const Lanes& x) const { return x[lane]; }
  double operator()(double x) const { return x; }
  auto operator()(const EnclosedLoss& loss) const {
    if constexpr (std::is_same_v<Stage, WideOps>) return Wide{loss.ball.mid[lane], 0, loss.ball.err[lane]};
    else return recorded ? Exact(loss.ball.mid[lane]) : loss.exact(lane);
  }
  template <class T>
  Difference<double> operator()(const Difference<T>& d) const {
    return {(*this)(d.left), (*this)(d.right)};
  }
  template <class F>
  requires std::invocable<const F&, std::size_t>
  auto operator()(const F& f) const {
    return [this, &f](std::size_t i) { return (*this)(f(i)); };
  }
};

/// What the evaluations of one contract by one thread came to.
class Evaluations {
 public:
  Evaluations(const generated::Contract& contract, std::string_view tensor, Policy policy, Report& report)
      : contract_(contract), tensor_(tensor), policy_(policy), report_(report) {}
  ~Evaluations() {
    count_.theorem = contract_.theorem;
    report_.add(contract_.name, count_);
  }
  Evaluations(const Evaluations&) = delete;
  Evaluations& operator=(const Evaluations&) = delete;

  /// One evaluation per lane below `lanes`. row(lane): where; exact(lane) is called for lanes that exact arithmetic
  /// decided.
  template <class F>
  void lanes(std::size_t lanes, F&& contract, const auto& row, const auto& exact) {
    LaneTruth truth{};
    if (policy_ == Policy::on) truth = contract(Pick<LaneOps>{});
    for (std::size_t lane = 0; lane < lanes; ++lane)
      if (truth[lane] == Truth::yes) ++count_.passed, ++count_.by_binary64;
      else if (finish(contract, truth[lane], lane, row(lane), "")) exact(lane);
  }

  /// One evaluation of a contract without lanes.
  template <class F>
  void once(F&& contract, std::optional<std::int64_t> row, const std::string& place) {
    finish(contract, Truth::undecided, 0, row, place);
  }

 private:
  // Whether it took exact arithmetic. What an enclosure refutes is refuted for every number in it: the recorded loss is
  // wrong, if nothing else is, whatever the exact loss may be.
  template <class F>
  bool finish(F&& contract, Truth narrow, std::size_t lane, std::optional<std::int64_t> row, const std::string& place) {
    const Truth wide = policy_ == Policy::on && narrow == Truth::undecided ? contract(Pick<WideOps>{lane}) : narrow;
    if (wide == Truth::yes) {
      ++count_.passed, ++count_.by_twice_binary64;
      return false;
    }
    ExactOps::failed.reset();
    const Truth exact = contract(Pick<ExactOps>{lane, wide == Truth::no});
    const bool holds = wide == Truth::undecided && exact == Truth::yes;
    ++(holds ? count_.passed : count_.failed);
    ++(narrow == Truth::no ? count_.by_binary64 : wide == Truth::no ? count_.by_twice_binary64 : count_.by_exact);
    if (!holds) {
      const Sides sides = ExactOps::failed.value_or(Sides{});
      report_.violate({std::string(contract_.name), std::string(contract_.theorem), std::string(tensor_), row, place,
                       sides.left.text(), sides.right.text()});
    }
    return wide == Truth::undecided;
  }

  const generated::Contract& contract_;
  std::string_view tensor_;
  Policy policy_;
  Report& report_;
  Count count_;
};

}  // namespace hallmark::contracts
