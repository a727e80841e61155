// One artifact within a budget of bytes: several containers of one model are candidates, and each matrix gets the codes
// of one of them, so that their damages, as measured, sum to the least, or else their certified losses, each over a
// scale of its matrix.
#pragma once

#include <string>
#include <vector>

#include "artifact/pack/artifact.hpp"

namespace hallmark {

struct BudgetRequest {
  std::vector<std::string> candidates;  ///< containers, each with its certificate beside it; at most 256
  std::uint64_t budget = 0;             ///< bytes that the artifact may have
  std::string sensitivity;              ///< file of measured damages (sensitivity_file.hpp); "": losses count
  std::string output;                   ///< the artifact; its certificate stands beside it (certificate_path)
  bool overwrite = false;
  std::string plot;  ///< a file that the caller makes of the frontier, checked as an output here; "": none is wanted
};

/// Bytes of an artifact, and what is made least.
struct BudgetPoint {
  std::uint64_t bytes = 0;
  double loss = 0;
};

/// What was written.
struct Budgeted {
  std::uint64_t bytes = 0;          ///< of the artifact, on the disk
  double loss = 0;                  ///< what was made least: sum over the matrices of damage, or of loss / scale
  std::vector<std::string> names;   ///< of the matrices
  std::vector<std::size_t> chosen;  ///< the candidate of each
  // Where a plot is wanted. Bytes are those of the tensors and of what was written beside them, which differs by some
  // bytes from one mixture to another.
  std::vector<BudgetPoint> whole;     ///< each candidate for all matrices
  std::vector<BudgetPoint> frontier;  ///< the least for increasing budgets, from the smallest to the largest artifact
};

/// The loss of a matrix is the sum of the upper ends of its rows' certified losses, its scale the largest such sum of
/// round-to-nearest that a candidate certifies. Packs every candidate, chooses (Allocation), writes artifact and
/// certificate as a pair, and reads the artifact back. Its container is that of any run: header and tensors that pass
/// through are the first candidate's, the certificate has the lines of what was chosen. All candidates are in memory,
/// packed. Errors: those of QuantizedFile::open and CertificateReader; E0446 the candidates do not go together, or a
/// matrix has no loss; E0711 a certificate is not that of its container; E0445 the smallest artifact does not fit;
/// those of read_sensitivities; E0447 a damage was not measured; those of artifact_bytes and commit_pair; E0902.
Expected<Budgeted> pack_within(const BudgetRequest& request, const pack::Progress& progress);

}  // namespace hallmark
