// The numbers of the errors of src/ablation, stable: docs/errors.md lists them for users.
#pragma once

namespace hallmark::error_number {

inline constexpr int p_disagrees = 120;       ///< internal: Boost.Math and the closed form differ
inline constexpr int ledger_misuse = 121;     ///< internal: a body that is no JSON object on one line
inline constexpr int value_not_finite = 122;  ///< internal: NaN or infinity about to be written
inline constexpr int site_order = 123;        ///< internal: captured activations do not match the model

inline constexpr int set_not_canonical =
    225;                                 ///< usage: a partial set without --output, or aimed at the canonical ledger
inline constexpr int set_invalid = 226;  ///< usage: empty, repeated or negative seeds or N

inline constexpr int ledger_torn = 370;        ///< the last line has no end, or the array is not closed
inline constexpr int sample_size = 371;        ///< the t test got samples of different sizes
inline constexpr int sample_not_finite = 372;  ///< NaN or infinity in a sample
inline constexpr int ledger_entry = 373;       ///< a line that is no entry: not an object, no prev, wrong fields
inline constexpr int ledger_chain = 374;       ///< prev is not the digest of the entry before
inline constexpr int cell_repeated = 375;      ///< two lines of a run for one cell
inline constexpr int cells_differ = 376;       ///< cells of one run disagree in what they must share
inline constexpr int no_complete_run = 377;    ///< no run with all nine cells
inline constexpr int checkpoint_seed = 378;    ///< the checkpoint was trained with another seed than its cell says
inline constexpr int text_too_short = 379;     ///< fewer bytes of validation text than are to be evaluated

inline constexpr int theory_printed = 387;  ///< statements, assumptions or manifest malformed, or not of the theorems
inline constexpr int headline_description = 388;  ///< coq/headline.json malformed, or not of exactly the theorems

inline constexpr int contract_failed = 620;  ///< a contract of a cell was violated
inline constexpr int verdict_differs = 720;  ///< the recorded verdict is not the one that the cells give

inline constexpr int witness_outdated = 723;  ///< a headline theorem without a witness, or with another one than Coq's

inline constexpr int lock_failed = 920;  ///< the lock file beside a ledger

}  // namespace hallmark::error_number
