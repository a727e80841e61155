// The answer to a statement about numbers that are known up to an error: no, undecided, yes (Kleene's logic).
#pragma once

#include <algorithm>
#include <cstdint>

namespace hallmark::contracts {

enum class Truth : std::int8_t { no = -1, undecided = 0, yes = 1 };

inline Truth negation(Truth p) { return static_cast<Truth>(-static_cast<int>(p)); }
inline Truth conjunction(Truth p, Truth q) { return std::min(p, q); }
inline Truth implication(Truth p, Truth q) { return std::max(negation(p), q); }

/// left - right, exactly, as an input of a contract.
template <class T>
struct Difference {
  T left, right;
};

}  // namespace hallmark::contracts
