// Tensors that stand in their storage in another order than row-major: transposed views, and slices of columns.
#pragma once

#include <span>

#include "io/pytorch.hpp"

namespace hallmark::pytorch {

/// Whether the elements stand one behind the other in row-major order. Precondition: they lie in a storage.
bool dense(const Placed& tensor);

/// Whether surely no two elements share a place: each stride steps over all that the smaller ones reach. So it is of
/// every permutation of dimensions and of every slice. Precondition: the elements, of which there are some, lie in a
/// storage.
bool apart(const Placed& tensor);

/// Copies the elements in row-major order; `to` has room for them. Precondition: that of apart, and the tensor is not
/// dense.
void gather(const Placed& tensor, std::span<const std::byte> storage, std::span<std::byte> to);

}  // namespace hallmark::pytorch
