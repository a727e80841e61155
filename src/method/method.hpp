// Methods propose codes. A method is one file in method/methods/ that defines a Method, and one line in method.cpp.
#pragma once

#include <span>
#include <string_view>

#include "method/backend.hpp"

namespace hallmark {

/// What a method reads. The factor is that of H = 2 G + lambda I in processing order (target.order), where needs_gram.
struct MethodInput {
  const Target& target;
  const UpperStrips<float>* U;  ///< the factor rounded to binary32; null without a Gram matrix
  const Matrix<Code>& rtn;      ///< the codes of round-to-nearest, where they were computed; else empty
  std::string_view name;        ///< of the tensor, for messages
  Index block_size;
  Backend& compute;
  const RowSink& sink;      ///< shown the rows of a recurrence, where somebody wants them
  const RowSums* row_sums;  ///< filled where somebody wants the sums of the losses and the method has them
};

struct Method {
  std::string_view name, summary;
  bool needs_gram;
  /// Writes codes of the grid [rows, cols] and the clipped ones; whether row_sums hold those of the codes.
  /// Errors: E0503; those of the backend.
  Expected<bool> (*propose)(const MethodInput& input, Rounded& rounded);
};

std::span<const Method* const> methods();

/// Errors: E0224 (usage).
Expected<const Method*> find_method(std::string_view name);

}  // namespace hallmark
