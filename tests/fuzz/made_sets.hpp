// The files that tool_fuzz changes: W, C, Q, its certificate and a ledger of several kinds, small, made by the library.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mutate.hpp"
#include "statement.hpp"

namespace hallmark::test {

struct MadeSet {
  std::string weights;                ///< name of W: a file, or the index
  bool calibrated = true;             ///< c.safetensors is there
  std::vector<std::string> quantize;  ///< options
  FileSet files;                      ///< with what quantize wrote: q.safetensors, q.certificate.json
  std::vector<std::pair<std::string, std::string>> digests = {};  ///< digests_of the files
};

/// Sources, options and ledgers; Q and certificate are the caller's to make.
std::vector<MadeSet> sources();

/// The files as verify reads them; nothing where W names files that are not of the set.
std::optional<VerifiedFiles> verified(const MadeSet& made, const FileSet& files, bool exact);

/// Every digest of the set as it was made, where it stands in certificate and container, replaced by the digest of what
/// stands there now, and the container sealed: what an attacker does who cannot change what digests are compared with.
void seal(const MadeSet& made, FileSet& files);

}  // namespace hallmark::test
