// The Kombucha objective of a network's matrices, as LibTorch adds it to the gradient of the loss.
#pragma once

#include "network.hpp"

namespace hallmark::trainer {

struct Distance {
  double mean = 0;      ///< over all weights, of (w / s - rint(w / s))^2
  Parameters gradient;  ///< of the mean, by name
};

/// Of those that are matrices of blocks (kombucha.hpp). Precondition: there is one. Errors: those of pull_to_codes.
Expected<Distance> distance_to_codes(const Parameters& parameters, const Options& options);

/// The square root of the sum of all squares.
double length(const Parameters& tensors);

}  // namespace hallmark::trainer
