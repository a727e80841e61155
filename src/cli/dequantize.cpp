// hallmark dequantize: s g for every code, in a file with the names, shapes and order of W.
#include <array>
#include <memory>

#include "artifact/dequantized.hpp"
#include "cli/export.hpp"
#include "cli/output.hpp"
#include "io/weights_writer.hpp"

namespace hallmark::cli {
namespace {

constexpr std::array<std::pair<const char*, DType>, 4> dtypes{
    {{"f32", DType::F32}, {"f64", DType::F64}, {"bf16", DType::BF16}, {"f16", DType::F16}}};

Status write(const QuantizedModel& model, DType dtype, const Destination& to) {
  if (dtype == DType::F32)
    if (const Status exact = exact_in_binary32(model); !exact) return exact;
  if (const auto& shards = model.header().source_shards; !shards.empty() && !is_index_name(to.path))
    note("the weights were {} shards, this is one file: --output NAME.safetensors.index.json writes shards",
         shards.size());
  const Expected<Rounding> done = write_dequantized(model, dtype, to);
  if (!done) return done.error();
  if (done->inexact > 0)
    warn("{} of {} numbers were rounded to {}, {} of them to 0: the certificate speaks of the numbers before",
         done->inexact, done->numbers, dtype_name(dtype), done->to_zero);
  return ok();
}

}  // namespace

Command dequantize_command(CLI::App& root) {
  CLI::App* app =
      root.add_subcommand("dequantize", "Write scale times grid point for every code, with W's names and order");
  auto flags = std::make_shared<ExportFlags>();
  auto dtype = std::make_shared<std::string>("f32");
  add_export_options(*app, *flags);
  app->add_option("--dtype", *dtype,
                  "f32; f64 where given scales make products inexact in binary32; bf16 or f16: rounded once")
      ->check(CLI::IsMember({"f32", "f64", "bf16", "f16"}))
      ->capture_default_str();
  return {app, [flags, dtype] {
            const auto chosen = std::ranges::find(dtypes, *dtype, [](const auto& entry) { return entry.first; });
            return export_model(*flags, "dequantize", [&](const QuantizedModel& model, const Destination& to) {
              return write(model, chosen->second, to);
            });
          }};
}

}  // namespace hallmark::cli
