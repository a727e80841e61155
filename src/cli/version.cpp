// hallmark version: what was built, with what.
#include <gmp.h>
#include <mpfr.h>
#include <openssl/crypto.h>

#include <Eigen/Core>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/build_info.hpp"
#include "cli/command.hpp"
#include "cli/output.hpp"
#include "base/simd.hpp"

namespace hallmark::cli {

Command version_command(CLI::App& root) {
  CLI::App* app = root.add_subcommand("version", "Print version, compiler, flags and libraries");
  auto as_json = std::make_shared<bool>(false);
  app->add_flag("--json", *as_json, "One JSON object");
  return {app, [as_json]() -> Expected<Exit> {
            nlohmann::ordered_json info;
            info["version"] = build_info::version;
            info["git_sha"] = build_info::git_sha;
            info["compiler"] = build_info::compiler;
            info["flags"] = build_info::flags;
            info["formats"] = {"gf16/1"};
            info["eigen"] = fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION);
            info["highway"] = build_info::highway;
            info["simd"] = simd_targets();
            info["mpfr"] = mpfr_get_version();
            info["gmp"] = gmp_version;
            info["openssl"] = OpenSSL_version(OPENSSL_VERSION_STRING);
            if (*as_json) {
              print("{}\n", info.dump());
              return Exit::ok;
            }
            for (const auto& [key, value] : info.items())
              print("{:10} {}\n", key, value.is_string() ? value.get<std::string>() : value.dump());
            return Exit::ok;
          }};
}

}  // namespace hallmark::cli
