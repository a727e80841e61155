// Made by: extract/contracts generate
// two_of_four: theorem two_of_four_met; inputs q0[p], q1[p], q2[p], q3[p], m0[p], m1[p], m2[p], m3[p], v0[p], v1[p], v2[p], v3[p].
#pragma once

#include "contracts/generated/contract.hpp"

namespace hallmark::generated {

inline constexpr Contract two_of_four{"two_of_four", "two_of_four_met"};

template <class Ops>
typename Ops::Truth two_of_four_pre(std::size_t p, const auto& q0, const auto& q1, const auto& q2, const auto& q3, const auto& m0, const auto& m1, const auto& m2, const auto& m3, const auto& v0, const auto& v1, const auto& v2, const auto& v3) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::eq(Ops::value(q0(b)), (Ops::value(m0(b)) * Ops::value(v0(b)))); }));
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::eq(Ops::value(q1(b)), (Ops::value(m1(b)) * Ops::value(v1(b)))); }));
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::eq(Ops::value(q2(b)), (Ops::value(m2(b)) * Ops::value(v2(b)))); }));
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::eq(Ops::value(q3(b)), (Ops::value(m3(b)) * Ops::value(v3(b)))); }));
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::eq((Ops::value(m0(b)) * Ops::value(m0(b))), Ops::value(m0(b))); }));
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::eq((Ops::value(m1(b)) * Ops::value(m1(b))), Ops::value(m1(b))); }));
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::eq((Ops::value(m2(b)) * Ops::value(m2(b))), Ops::value(m2(b))); }));
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::eq((Ops::value(m3(b)) * Ops::value(m3(b))), Ops::value(m3(b))); }));
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::le(((Ops::value(m0(b)) + Ops::value(m1(b))) + (Ops::value(m2(b)) + Ops::value(m3(b)))), Ops::rational(2, 1)); }));
  return truth;
}

template <class Ops>
typename Ops::Truth two_of_four_post(std::size_t p, const auto& q0, const auto& q1, const auto& q2, const auto& q3) {
  typename Ops::Truth truth = Ops::yes();
  truth = Ops::both(truth, for_all<Ops>(p, [&](std::size_t b) { return Ops::both(Ops::both(Ops::eq(((Ops::value(q0(b)) * Ops::value(q1(b))) * Ops::value(q2(b))), Ops::rational(0, 1)), Ops::eq(((Ops::value(q0(b)) * Ops::value(q1(b))) * Ops::value(q3(b))), Ops::rational(0, 1))), Ops::both(Ops::eq(((Ops::value(q0(b)) * Ops::value(q2(b))) * Ops::value(q3(b))), Ops::rational(0, 1)), Ops::eq(((Ops::value(q1(b)) * Ops::value(q2(b))) * Ops::value(q3(b))), Ops::rational(0, 1)))); }));
  return truth;
}

}  // namespace hallmark::generated
