// The picture of the ablation, as SVG.
#pragma once

#include <span>
#include <string>

#include "ablation/verdict.hpp"

namespace hallmark {

/// One row of panels per run (one run per grid): left the change of bits per byte by quantization, right the
/// reconstruction loss, against the number of calibration batches; every seed's points, joined by a line. The text
/// depends on the runs alone.
std::string ablation_svg(std::span<const RecordedRun> runs);

}  // namespace hallmark
