// SPDX-License-Identifier: BSL-1.0
//
// Reading what clients say.
#include "request.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "../common/message.hpp"
#include "period.hpp"

bool line_reader::put(std::string_view bytes) {
  for (const char c : bytes) {
    if (c == '\n') {
      lines_.push_back(std::exchange(part_, {}));
    } else if (part_.size() < max_line) {
      part_ += c;
    } else {
      return false;
    }
  }
  return true;
}

void line_reader::end() {
  if (!part_.empty()) lines_.push_back(std::exchange(part_, {}));
}

std::string line_reader::take() {
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  if (line.ends_with('\r')) line.pop_back();
  return line;
}

namespace {

/// That is no option; empty when all are.
std::string first_word(std::string_view line) {
  while (!line.empty()) {
    const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
    line.remove_prefix(begin);
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    if (!word.starts_with('-')) return std::string{word};
    line.remove_prefix(word.size());
  }
  return {};
}

/// The command line of clients. `out` outlives it.
class client_grammar {
 public:
  explicit client_grammar(request& out) : out_(out) {
    out.wanted.served = true;
    app_.require_subcommand(1);
    add_forms(app_, out.wanted);
    add_commands(app_, out.wanted);
    add("guests", "which guests there are, and how they are", request::verb::guests);
    add("alerts", "the last alerts", request::verb::alerts);
    CLI::App* const watch =
        add("watch", "what is not as it should be, and alerts as they come", request::verb::watch);
    watch->add_option("GUEST", out.wanted.guest.name, "of this one; default: all");
    add_period(*watch, "--for", out.watch_for, "end after this time; default: when you hang up");
    add("help", "this", request::verb::told);
    add("quit", "hang up", request::verb::quit);
    app_.footer("'COMMAND --help' tells more about a command.");
  }

  void parse(const std::string& line) {
    const std::string command = first_word(line);
    const auto is_it = [&command](CLI::App* each) { return each->get_name() == command; };
    if (!command.empty() && app_.get_subcommands(is_it).empty()) {
      return refuse("there is no command '" + command + "'", "'help' tells which there are");
    }
    try {
      app_.parse(line);
      if (out_.wanted.run) out_.what = request::verb::look;
      if (out_.what == request::verb::told)
        tell(app_.get_formatter()->make_help(&app_, "ids", CLI::AppFormatMode::Normal));
    } catch (const CLI::CallForHelp&) {
      tell(app_.help());
    } catch (const CLI::ParseError& e) {
      refuse(e.what(), "'help' tells what can be said");
    } catch (const std::exception&) {
      refuse("this line cannot be understood", "'help' tells what can be said");
    }
  }

  void refuse(std::string what, const std::string& next) {
    out_.what = request::verb::told;
    out_.told = {{}, common::exit_usage, std::move(what) + "\n  " + next};
  }

 private:
  CLI::App* add(const std::string& name, const std::string& help, request::verb what) {
    CLI::App* const sub = app_.add_subcommand(name, help);
    add_forms(*sub, out_.wanted);
    sub->callback([this, what] { out_.what = what; });
    return sub;
  }

  void tell(std::string text) {
    out_.what = request::verb::told;
    while (text.ends_with('\n')) text.pop_back();
    out_.told = answered(out_.wanted.form, [&](const output& out) {
      out.put(text, {{"help", text}});
      return 0;
    });
  }

  request& out_;
  CLI::App app_{"Looks into guests. A line is a command; its answer ends with 'ok', 'alert' or 'error: ...'.",
                "ids"};
};

}  // namespace

request parse_line(std::string line) {
  request out;
  // what cannot be parsed is answered in the form that was wanted, too
  if (line.find("--json") != line.npos) out.wanted.form = output_form::json;
  if (line.find("--cbor") != line.npos) out.wanted.form = output_form::cbor;
  client_grammar grammar{out};
  const bool printable = std::ranges::all_of(line, [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
  if (!printable) {
    grammar.refuse("this line has characters that no command has", "'help' tells what can be said");
    return out;
  }
  const std::size_t begin = line.find_first_not_of(" \t");
  if (begin == line.npos) return out;
  line.erase(0, begin);
  if (line.starts_with("ids ")) line.erase(0, 4);
  grammar.parse(line);
  return out;
}
