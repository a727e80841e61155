// The lines of a certificate; private to src/certify.
#pragma once

#include <string>
#include <string_view>

#include "certify/certificate.hpp"

namespace hallmark::detail {

/// "hallmark-certificate/1" and "/2"; both are read, the second is written.
inline constexpr std::string_view certificate_format = "hallmark-certificate/";
inline constexpr std::string_view end_of_values =
    "]}";  ///< after the last row of a tensor; a comma follows where more tensors do
inline constexpr std::string_view end_of_file = "]}";

/// Without their line ends. Opening lines stay open: rows or tensors follow them.
std::string header_line(const CertificateHeader& header);
std::string tensor_line(int version, const CertifiedTensor& tensor);
std::string row_line(int version, std::size_t index, const CertifiedRow& row);

/// What one line says; the string is what is wrong with it. A line has to be what the functions above write of the
/// result, so that one content has one text. header_line's version is looked at first: `other_version` then.
struct LineFault {
  std::string what;
  bool other_version = false;
};
std::optional<LineFault> parse_header_line(std::string_view line, CertificateHeader& header);
std::optional<LineFault> parse_tensor_line(const CertificateHeader& header, std::string_view line,
                                           CertifiedTensor& tensor);
std::optional<LineFault> parse_row_line(int version, std::string_view line, std::size_t index, CertifiedRow& row);

}  // namespace hallmark::detail
