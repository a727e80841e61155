// What a quantization does and did, matrix by matrix: a table for people on stderr, JSON Lines for programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/file.hpp"
#include "pipeline/quantize_planned.hpp"

namespace hallmark::cli {

/// The plan of --dry-run: what every matrix gets, which tensors pass through and why, memory.
void print_plan(const Plan& plan);

/// The tensors of 2 or 3 dimensions that pass through, by reason, on standard error.
void print_left_out(const Plan& plan);

class QuantizeReport {
 public:
  /// path may be empty: then only the table is printed. Errors: those of AtomicFile, E0411 when it is one of `inputs`.
  static Expected<QuantizeReport> create(const std::string& path, bool overwrite,
                                         const std::vector<std::string>& inputs);

  /// Prints the matrix's row and appends its JSON object.
  Status add(const PlannedMatrix& planned, const QuantizedTensor& quantized);
  Status commit();
  void print_summary(const std::string& output) const;

 private:
  std::optional<AtomicFile> file_;
  std::size_t matrices_ = 0;
  Index rows_ = 0, guard_rows_ = 0, clipped_ = 0;
  double loss_rtn_ = 0, loss_final_ = 0;
  HeldOut held_out_;  // of all matrices
  MeanOptimality optimality_;
};

}  // namespace hallmark::cli
