#include "measure/kept_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "io/sha256.hpp"
#include "ledger/ledger.hpp"
#include "measure/provenance.hpp"

namespace hallmark {
namespace {

constexpr const char* run_record = "id of the run";  // no line is called so: they name a seed

bool is_run_id(std::string_view text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

Expected<KeptLines> KeptLines::open(const LineState& where, std::map<std::string, Dependencies> lines) {
  KeptLines made;
  made.where_ = where;
  made.run_ = random_run_id();
  if (!where.state) return made;
  Dependencies all{{"program", where.program}};
  for (auto& [name, on] : lines) {
    on["program"] = where.program;
    all[name] = sha256_hex(std::string_view(nlohmann::json(on).dump()));
  }
  made.lines_ = std::move(lines);
  if (const Found found = where.state->find(run_record, all); found.kept) {
    const std::span<const std::byte> bytes = found.kept->bytes;
    const std::string id(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (is_run_id(id)) {
      made.run_ = id;
      return made;
    }
  }
  if (const Status kept = where.state->keep(run_record, all, std::as_bytes(std::span(made.run_))); !kept)
    return kept.error();
  return made;
}

Status KeptLines::keep(const std::string& name, const std::string& text) const {
  return where_.state ? where_.state->keep(name, lines_.at(name), std::as_bytes(std::span(text))) : ok();
}

Expected<bool> append_once(const std::string& path, const std::string& run, std::span<const std::string> lines) {
  bool appended = false;
  const std::string mark = fmt::format("\"run\":\"{}\"", run);
  const LedgerBodies bodies = [&](std::span<const LedgerEntry> present) -> Expected<std::vector<std::string>> {
    appended = std::ranges::none_of(
        present, [&](const LedgerEntry& entry) { return entry.text.find(mark) != std::string::npos; });
    return appended ? std::vector<std::string>(lines.begin(), lines.end()) : std::vector<std::string>();
  };
  if (const Status written = append_to_ledger(path, LedgerForm::json_lines, bodies); !written) return written.error();
  return appended;
}

}  // namespace hallmark
