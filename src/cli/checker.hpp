// hallmark-check, run on one tensor: the judgement of the program that was extracted from Coq (T13).
#pragma once

#include <string>

#include "base/error.hpp"
#include "certify/bundle.hpp"

namespace hallmark::cli {

/// HALLMARK_CHECK, which has to name a program when it is set; else hallmark-check beside the tool, in checker/ beside
/// the tool (where `make checker` builds it), or in PATH. Errors: E1304 there is none.
Expected<std::string> find_checker();

/// Writes the bundle into a file without a name in TMPDIR, runs the checker on it, and waits. `tensor` is for messages.
/// Errors: E0714 it rejects; E0903, E0904, E0905 the bundle cannot be written; E0113 it failed otherwise; those of
/// run_process.
Status run_checker(const std::string& checker, const std::string& tensor, const BundleContent& content);

}  // namespace hallmark::cli
