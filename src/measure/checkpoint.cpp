#include "measure/checkpoint.hpp"

#include <fmt/format.h>

#include <bit>

#include "base/error_numbers.hpp"

namespace hallmark {

std::string checkpoint_name(std::uint64_t seed) { return fmt::format("seed-{}.safetensors", seed); }

Expected<Checkpoint> load_checkpoint(const std::string& models, std::uint64_t seed, const Corpus& corpus,
                                     const std::string& text) {
  const auto path = fmt::format("{}/{}", models, checkpoint_name(seed));
  auto digest = sha256_file(path);
  if (!digest) return digest.error();
  auto model = load_model(path);
  if (!model) return model.error();
  const auto trained = model->seed();
  if (!trained) return trained.error();
  if (*trained != seed)
    return Error{Exit::input, error_number::checkpoint_seed, "a checkpoint was trained with another seed",
                 fmt::format("{}: seed {}, expected {}", path, *trained, seed),
                 "put the checkpoint under its own name"};
  Checkpoint checkpoint{*std::move(model), *std::move(digest), {}};
  const Metadata& metadata = checkpoint.model.metadata();
  if (const auto trained_on = metadata.find("hallmark.text.sha256");
      trained_on == metadata.end() || trained_on->second != corpus.digest)
    checkpoint.note = fmt::format("{} was trained on another text than {} (digest {})", path, text, corpus.digest);
  return checkpoint;
}

Expected<std::span<const std::byte>> evaluated_text(const Corpus& corpus, const std::string& text, std::size_t bytes) {
  const auto validation = corpus.validation.bytes();
  if (validation.size() >= bytes) return validation.first(bytes);
  return Error{Exit::input, error_number::validation_short, "the validation text is too short",
               fmt::format("{}: {} bytes, {} to evaluate", text, validation.size(), bytes),
               "use a folder with more text, or --eval-bytes"};
}

void add_to_digest(Sha256& digest, const std::string& name, const Matrix<Code>& codes, const Steps& steps) {
  static_assert(std::endian::native == std::endian::little);
  const std::uint64_t sizes[] = {static_cast<std::uint64_t>(codes.rows()), static_cast<std::uint64_t>(codes.cols())};
  digest.update(std::string_view(name.c_str(), name.size() + 1));
  digest.update(std::as_bytes(std::span(sizes)));
  digest.update(std::as_bytes(std::span(codes.data(), static_cast<std::size_t>(codes.size()))));
  digest.update(std::as_bytes(std::span(steps.scales.data(), static_cast<std::size_t>(steps.scales.size()))));
}

}  // namespace hallmark
