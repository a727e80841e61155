// A proposal that is looked for in a rotated basis (scale/rotation.hpp).
#pragma once

#include "method/method.hpp"
#include "method/quantize.hpp"

namespace hallmark {

/// Whether the rotation that the options name can be done: nothing in them is in its way, nobody gave the steps, and
/// the layer has its signs. Errors: E0232.
Status check_rotation(const Layer& layer, const Options& options, bool given);

/// The method's proposals for the target T R^T with R G R^T (T is W, or w* of an asymmetric target), steps by the
/// options' rule from W R^T; each has steps of which all rows are rotated, and no sums of losses. Errors: those of
/// checked_steps on W R^T, factor_accepted and the method; E0421 a scale that is not exact_when_rotated.
Expected<std::vector<Proposal>> propose_rotated(const Layer& layer, MatrixRef<float> T, const Options& options,
                                                const Method& method, Backend& compute);

}  // namespace hallmark
