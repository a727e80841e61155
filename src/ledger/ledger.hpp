// Append-only files of witnesses: a hash chain of JSON objects, one per line.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace hallmark {

/// How the entries stand in the file. An entry is one JSON object on one line; its bytes are those of the object alone.
enum class LedgerForm {
  json_lines,  ///< each entry followed by a newline
  json_array,  ///< "[\n", the entries separated by ",\n", "\n]\n"
};

/// `prev` of the first entry.
inline constexpr std::string_view ledger_genesis = "0000000000000000000000000000000000000000000000000000000000000000";

/// One entry of a checked chain.
struct LedgerEntry {
  std::string text;  ///< {"prev":"<64 hexadecimal digits>",...}
  std::size_t line;  ///< 1-based, in the file
};

/// Splits the content of a ledger into entries and checks every byte between them. Every entry is an object, no key
/// twice, whose first key is `prev`; where `whole` is true the first prev is ledger_genesis, and always each later one
/// is the SHA-256 of the bytes of the entry before. `place` names the file in messages.
/// Errors, all with the line: E0370 torn (no end of the last line or of the array), E0373 no such entry, E0374 chain.
Expected<std::vector<LedgerEntry>> parse_ledger(std::string_view content, LedgerForm form, std::string_view place,
                                                bool whole = true);

/// The entries of a file; none when the file does not exist. Errors: those of parse_ledger, E0901.
Expected<std::vector<LedgerEntry>> read_ledger(const std::string& path, LedgerForm form);

/// Appends JSON objects without `prev` (each on one line) as entries: takes the lock of the sibling `path`.lock, checks
/// the whole ledger, writes old and new entries to a temporary file, syncs, renames, syncs the folder. The bytes of
/// earlier entries do not change, and whoever reads or is killed sees the old file or the new one. A broken ledger is
/// refused, never repaired.
/// Errors: those of read_ledger and AtomicFile; E0920 the lock; E0121 a body that is no single-line object.
Status append_to_ledger(const std::string& path, LedgerForm form, std::span<const std::string> bodies);

/// The same with bodies that depend on what is recorded: `bodies` is asked under the lock, so that of two writers the
/// second sees what the first has written. Nothing is written when it has none. Errors: its own too.
using LedgerBodies = std::function<Expected<std::vector<std::string>>(std::span<const LedgerEntry>)>;
Status append_to_ledger(const std::string& path, LedgerForm form, const LedgerBodies& bodies);

}  // namespace hallmark
