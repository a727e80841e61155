// hallmark completion, hallmark manual: the table of options, for bash and for man.
#include "cli/reference.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/build_info.hpp"
#include "cli/output.hpp"

namespace hallmark::cli {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// The app and all below it, each with the words that lead to it.
void visit(const CLI::App& app, const std::string& words, const auto& what) {
  what(app, words);
  for (const CLI::App* command : commands_of(app)) visit(*command, words + " " + command->get_name(), what);
}

std::vector<std::string> flags_of(const CLI::Option& option) {
  std::vector<std::string> flags;
  for (const std::string& name : option.get_snames()) flags.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) flags.push_back("--" + name);
  return flags;
}

// The values of an option that takes one of a few: --help writes {cpu,cuda} behind its name.
std::string values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{'), end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos) return "";
  std::string values = type.substr(begin + 1, end - begin - 1);
  std::ranges::replace(values, ',', ' ');
  return values;
}

// A text for troff: no word of it is a request or an escape, and a line break stays one.
std::string troff(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else if (c == '\n') out += "\n.br\n";
    else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += std::string("\\&") + c;
    else out += c;
  return out;
}

Command printed(CLI::App& root, const char* name, const char* summary, std::string (*text)(const CLI::App&)) {
  CLI::App* app = root.add_subcommand(name, summary);
  return {app, [&root, text]() -> Expected<Exit> {
            print("{}", text(root));
            return Exit::ok;
          }};
}

}  // namespace

std::string bash_completion(const CLI::App& root) {
  std::string commands, words, values;
  visit(root, root.get_name(), [&](const CLI::App& app, const std::string& here) {
    std::vector<std::string> names, flags;
    for (const CLI::App* command : commands_of(app)) {
      names.push_back(command->get_name());
      commands += fmt::format("{}'{} {}'", commands.empty() ? "" : " | ", here, command->get_name());
    }
    for (const CLI::Option* option : app.get_options())
      for (const std::string& flag : flags_of(*option)) {
        flags.push_back(flag);
        if (const std::string few = values_of(*option); !few.empty())
          values += fmt::format("    '{} {}') words='{}' ;;\n", here, flag, few);
      }
    words += fmt::format("    '{}') commands='{}' flags='{}' ;;\n", here, fmt::join(names, " "), fmt::join(flags, " "));
  });
  return fmt::format(R"(# bash completion of hallmark, printed by `hallmark completion`
_hallmark() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} command=hallmark commands= flags= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command ${{COMP_WORDS[i]}}" in
    {}) command+=" ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$command" in
{}  esac
  if [[ $word == -* ]]; then words=$flags; else words=$commands; fi
  case "$command ${{COMP_WORDS[COMP_CWORD - 1]}}" in
{}  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _hallmark hallmark
)",
                     commands, words, values);
}

std::string manual_page(const CLI::App& root) {
  const CLI::Formatter help;  // what --help writes in its two columns
  std::string page = fmt::format(
      ".TH HALLMARK 1 \"\" \"hallmark {0}\" \"User Commands\"\n.SH NAME\nhallmark \\- proof\\-carrying weight "
      "quantization\n.SH SYNOPSIS\n.B hallmark\n.I command\n[\n.I options\n]\n.SH DESCRIPTION\n{1}\n",
      build_info::version, troff(root.get_description()));
  visit(root, root.get_name(), [&](const CLI::App& app, const std::string& here) {
    page += &app == &root ? std::string(".SH OPTIONS\n")
                          : fmt::format(".SH \"{}\"\n{}\n", troff(here), troff(app.get_description()));
    for (const CLI::App* command : commands_of(app))
      page +=
          fmt::format(".TP\n.B {}\n{}\n", troff(here + " " + command->get_name()), troff(command->get_description()));
    for (const CLI::Option* option : app.get_options()) {
      const bool positional = !option->nonpositional();
      page += fmt::format(".TP\n.B {}\n{}\n",
                          troff(help.make_option_name(option, positional) + help.make_option_opts(option)),
                          troff(help.make_option_desc(option)));
    }
  });
  return page + ".SH \"EXIT STATUS\"\n" + troff(root.get_footer()) + "\n";
}

Command completion_command(CLI::App& root) {
  return printed(root, "completion", "Print the completion script for bash", bash_completion);
}

Command manual_command(CLI::App& root) {
  return printed(root, "manual", "Print the manual page, in troff's man macros", manual_page);
}

}  // namespace hallmark::cli
