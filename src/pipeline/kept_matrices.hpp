// Quantized matrices in a state: what a run that was killed has finished (docs/resume.md).
#pragma once

#include <optional>

#include "pipeline/input_digests.hpp"
#include "pipeline/run.hpp"

namespace hallmark {

/// The part of what a matrix depends on that its files and options are: its bytes, those of its calibration, its
/// options with their grid. Waits for digests.
Dependencies input_dependencies(const PlannedMatrix& planned, const CalibrationFile* calibration,
                                const InputDigests& digests);

/// All that the codes and the certificate of a matrix depend on: its bytes, those of its calibration, its options with
/// their grid, what is asked of the work, and the program. Threads, device, block of output and place of files are not
/// among it, because they change no bit. Waits for digests.
Dependencies dependencies_of(const PlannedMatrix& planned, const RunRequest& request, const InputDigests& digests);

/// The matrix that the state holds, whole and of the same dependencies, but for what was loaded of it. None where there
/// is none; where there is a record, events.resumed hears what becomes of it. Precondition: a state.
std::optional<QuantizedTensor> take_kept(const PlannedMatrix& planned, const RunRequest& request,
                                         const RunEvents& events, const InputDigests& digests);

/// Keeps a finished matrix, whose contracts held and whose digests are entered, by its bytes. Errors: those of
/// State::keep; E0902 an input changed, so that nobody knows what the codes are of.
Status keep(const PlannedMatrix& planned, std::span<const std::byte> bytes, const RunRequest& request,
            const InputDigests& digests);

/// Whether the files of a run are those that it opened. Errors: E0902.
Status inputs_unchanged(const RunRequest& request);

/// A finished matrix as bytes, but for what was loaded of it: what a state keeps, and what one rank sends another.
std::vector<std::byte> matrix_bytes(const PlannedMatrix& planned, QuantizedTensor& finished);
/// The same back; none where the bytes are something else.
std::optional<QuantizedTensor> matrix_of_bytes(const PlannedMatrix& planned, std::span<const std::byte> bytes);

}  // namespace hallmark
