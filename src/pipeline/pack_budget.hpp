// One artifact within a budget of bytes: several containers of one model are candidates, and each matrix gets the codes
// of one of them, so that the certified losses, each over a scale of its matrix, sum to the least.
#pragma once

#include <string>
#include <vector>

#include "artifact/pack/artifact.hpp"

namespace hallmark {

struct BudgetRequest {
  std::vector<std::string> candidates;  ///< containers, each with its certificate beside it; at most 256
  std::uint64_t budget = 0;             ///< bytes that the artifact may have
  std::string output;                   ///< the artifact; its certificate stands beside it (certificate_path)
  bool overwrite = false;
};

/// What was written.
struct Budgeted {
  std::uint64_t bytes = 0;          ///< of the artifact, on the disk
  double loss = 0;                  ///< what was made least: sum over the matrices of loss / scale
  std::vector<std::string> names;   ///< of the matrices
  std::vector<std::size_t> chosen;  ///< the candidate of each
};

/// The loss of a matrix is the sum of the upper ends of its rows' certified losses, its scale the largest such sum of
/// round-to-nearest that a candidate certifies. Packs every candidate, chooses (Allocation), writes artifact and
/// certificate as a pair, and reads the artifact back. Its container is that of any run: header and tensors that pass
/// through are the first candidate's, the certificate has the lines of what was chosen. All candidates are in memory,
/// packed. Errors: those of QuantizedFile::open and CertificateReader; E0446 the candidates do not go together, or a
/// matrix has no loss; E0711 a certificate is not that of its container; E0445 the smallest artifact does not fit;
/// those of artifact_bytes and commit_pair; E0902.
Expected<Budgeted> pack_within(const BudgetRequest& request, const pack::Progress& progress);

}  // namespace hallmark
