#include "league/standings.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "base/error_numbers.hpp"
#include "league/entries.hpp"

namespace hallmark {
namespace {

using Group = std::vector<const LeagueLine*>;  // of one entry, by seed

double mean(const Group& lines, double LeagueLine::*number) {
  double sum = 0;
  for (const LeagueLine* line : lines) sum += line->*number;
  return sum / static_cast<double>(lines.size());
}

Standing standing_of(const Group& lines) {
  const LeagueLine& first = *lines.front();
  Standing out;
  out.entry = first.entry;
  out.division = first.division;
  out.embedding = first.embedding;
  double loss = 0, embedding = 0;
  for (const LeagueLine* line : lines) {
    out.seeds.push_back(line->seed);
    out.damage.push_back(line->damage);
    loss += std::log(line->mean_relative_loss);
    const auto own = line->relative_loss.find(std::string(embedding_weight));
    embedding += own == line->relative_loss.end() ? 0 : std::log(own->second);
  }
  const auto count = static_cast<double>(lines.size());
  out.mean_damage = mean(lines, &LeagueLine::damage);
  out.relative_loss = std::exp(loss / count);
  out.embedding_loss = std::exp(embedding / count);
  out.stored_bits = mean(lines, &LeagueLine::stored_bits);
  out.entropy_bits = mean(lines, &LeagueLine::entropy_bits);
  out.seconds = mean(lines, &LeagueLine::seconds);
  return out;
}

Expected<std::optional<Duel>> duel(const Standing& one, const Standing& other) {
  using Maybe = std::optional<Duel>;
  if (one.seeds.size() < seeds_of_a_claim) return Maybe();
  auto test = directed_t_test(one.damage, other.damage);
  if (!test) return test.error();
  return Maybe(Duel{other.entry, one.mean_damage < other.mean_damage, *std::move(test)});
}

std::size_t place_of(std::string_view division) {
  return static_cast<std::size_t>(std::ranges::find(divisions(), division, &Division::name) - divisions().begin());
}

// The entry of the division that has the same options, and no grid for the embedding alone.
const Standing* without_embedding(const std::vector<Standing>& all, const std::map<std::string, Group>& groups,
                                  const Standing& one) {
  for (const Standing& other : all) {
    const auto options = [&](const Standing& of) { return groups.at(of.division + "/" + of.entry).front()->options; };
    if (!other.embedding && other.division == one.division && options(other) == options(one)) return &other;
  }
  return nullptr;
}

}  // namespace

Expected<std::vector<Standing>> standings(std::span<const LeagueLine> run) {
  std::map<std::string, Group> groups;
  for (const LeagueLine& line : run) groups[line.division + "/" + line.entry].push_back(&line);
  std::vector<Standing> all;
  for (auto& [name, lines] : groups) {
    std::ranges::sort(lines, {}, &LeagueLine::seed);
    all.push_back(standing_of(lines));
    if (all.back().seeds != all.front().seeds)
      return Error{Exit::input, error_number::cells_differ, "entries of the league met other checkpoints", name,
                   "run the league again"};
  }
  std::ranges::sort(all, [](const Standing& a, const Standing& b) {
    return std::tuple(place_of(a.division), a.division, a.embedding.has_value(), a.mean_damage, a.entry) <
           std::tuple(place_of(b.division), b.division, b.embedding.has_value(), b.mean_damage, b.entry);
  });
  for (std::size_t k = 0; k < all.size(); ++k) {
    Standing& one = all[k];
    const std::size_t division = place_of(one.division);
    if (division < divisions().size()) {
      const auto plain = std::ranges::find_if(all, [&](const Standing& other) {
        return other.division == one.division && other.entry == divisions()[division].plain;
      });
      if (plain != all.end() && plain->mean_damage > 0) one.of_plain = one.mean_damage / plain->mean_damage;
      if (plain != all.end() && &*plain != &one) {
        auto met = duel(one, *plain);
        if (!met) return met.error();
        one.against_plain = *std::move(met);
      }
    }
    const bool has_next = k > 0 && all[k - 1].division == one.division && !one.embedding;
    const Standing* const next = one.embedding ? without_embedding(all, groups, one) : has_next ? &all[k - 1] : nullptr;
    if (next == nullptr) continue;
    auto met = duel(one, *next);
    if (!met) return met.error();
    one.against_next = *std::move(met);
  }
  return all;
}

std::string verdict_of(const Duel& duel) { return shown_words(duel.test); }

}  // namespace hallmark
