// Sums of printed contracts, all in one pass over the positions. The printed text is called with one position, which
// stands for all: what it makes of the inputs there is a formula, a type; where it turns a term into a number it asks
// for the sum of that formula over the positions. The sums are taken beforehand, each formula once for all contracts; a
// formula that is not among them does not compile.
#pragma once

#include <tuple>

#include "contracts/runtime/counted.hpp"

namespace hallmark::contracts {
inline namespace HALLMARK_UNIT {

/// Base of the formulas: Self::at(position) is its term, totals->of<Self>() the sum.
template <class Self, class Totals_>
struct Formula {
  using Totals = Totals_;
  using IsFormula = Self;
  const Totals* totals = nullptr;
  operator Counted() const { return totals->template of<Self>(); }
  Self operator()(std::size_t) const { return {{totals}}; }  ///< as an input: the same at the one position
};
template <class F>
concept AnyFormula = requires {
  typename F::IsFormula;
};

template <class Totals, auto member>
struct Input : Formula<Input<Totals, member>, Totals> {
  static auto at(const auto& position) { return position.*member; }
};
template <class A, class B>
struct Plus : Formula<Plus<A, B>, typename A::Totals> {
  static auto at(const auto& position) { return A::at(position) + B::at(position); }
};
template <class A, class B>
struct Minus : Formula<Minus<A, B>, typename A::Totals> {
  static auto at(const auto& position) { return A::at(position) - B::at(position); }
};
template <class A, class B>
struct Times : Formula<Times<A, B>, typename A::Totals> {
  static Counted at(const auto& position) { return Counted(A::at(position)) * Counted(B::at(position)); }
};
template <class A>
struct Abs : Formula<Abs<A>, typename A::Totals> {
  static auto at(const auto& position) { return CountedOps::abs(A::at(position)); }
};
template <class A>
struct Square : Formula<Square<A>, typename A::Totals> {
  static Counted at(const auto& position) {
    const Counted base = A::at(position);
    Counted square = base * base;
    square.nonneg = true;
    return square;
  }
};

template <AnyFormula A, AnyFormula B>
Plus<A, B> operator+(A a, B) {
  return {{a.totals}};
}
template <AnyFormula A, AnyFormula B>
Minus<A, B> operator-(A a, B) {
  return {{a.totals}};
}
template <AnyFormula A, AnyFormula B>
Times<A, B> operator*(A a, B) {
  return {{a.totals}};
}
/// Found beside generated::power by the namespace of its argument.
template <class Ops, AnyFormula A>
Square<A> power(A a, unsigned n) {
  if (n != 2) __builtin_trap();
  return {{a.totals}};
}

struct SummedOps : CountedOps {
  using CountedOps::abs;
  using CountedOps::value;
  template <AnyFormula F>
  static F value(F f) {
    return f;
  }
  template <AnyFormula F>
  static Abs<F> abs(F f) {
    return {{f.totals}};
  }
};

/// The sums of these formulas, positions increasing. What is counted of a term is the same at all positions: their
/// inputs differ in their values alone, so that the loop over them has none of the counting.
template <class... Formulas>
class SumsOf {
 public:
  void add_term(const auto& position) { (add<Formulas>(Formulas::at(position)), ...); }
  /// After the last of `terms` positions; this is any of them.
  void finish(const auto& position, std::size_t terms) { (count<Formulas>(Formulas::at(position), terms), ...); }
  /// Adds the sums over other positions.
  void add(const SumsOf& other) { (add(std::get<Total<Formulas>>(totals_), other.of<Formulas>()), ...); }
  template <class F>
  Counted of() const {
    const Total<F>& total = std::get<Total<F>>(totals_);
    return {total.v, total.ok, total.roundings, total.low, true};
  }

 private:
  template <class F>
  struct Total {
    Lanes v{};
    LaneMask ok = ~LaneMask{};
    int roundings = 0, low = 0;
  };
  template <class F>
  void add(const Counted& term) {
    Total<F>& total = std::get<Total<F>>(totals_);
    total.v += term.v;
    total.ok &= term.ok;
    if (!term.nonneg) total.ok &= term.v >= 0.0;
  }
  template <class F>
  static void add(Total<F>& total, const Counted& other) {
    const Counted sum = Counted(total.v, total.ok, total.roundings, total.low, true) + other;
    total = {sum.v, sum.ok, sum.roundings, sum.low};
  }
  template <class F>
  void count(const Counted& term, std::size_t terms) {
    Total<F>& total = std::get<Total<F>>(totals_);
    total.roundings = static_cast<std::size_t>(term.roundings) + terms < Counted::kMost
                          ? term.roundings + static_cast<int>(terms)
                          : Counted::kTooMany;
    total.low = term.low;
  }
  std::tuple<Total<Formulas>...> totals_;
};

}  // namespace HALLMARK_UNIT
}  // namespace hallmark::contracts
