// SPDX-License-Identifier: BSL-1.0
//
// Guests of 'serve'.
#include "keeper.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <utility>

#include <shoal/vmi/linux/kernel_clock.hpp>

#include "../common/message.hpp"
#include "checks.hpp"

namespace {

/// "what" and "what to do next" of a failure.
std::pair<std::string, std::string> parted(const std::string& problem) {
  const std::size_t end = problem.find("\n  ");
  if (end == problem.npos) return {problem, ""};
  return {problem.substr(0, end), problem.substr(end + 3)};
}

}  // namespace

std::string answer::whole(output_form form) && {
  const auto [what, next] = parted(problem);
  const std::string how = !problem.empty()      ? "error"
                          : code == exit_alerts ? "alert"
                          : code == 0           ? "ok"
                                                : "unreadable";
  std::vector<field> fields{{"end", how}, {"code", static_cast<std::uint64_t>(code)}};
  if (!what.empty()) fields.push_back({"problem", what});
  if (!next.empty()) fields.push_back({"advice", next});
  std::string line = how + (what.empty() ? "" : ": " + shoal::vmi::printable(what));
  if (!next.empty()) line += "; " + shoal::vmi::printable(next);
  output{form, [this](std::string_view bytes) { body += bytes; }}.put(line, std::move(fields));
  return std::move(body);
}

answer answered(output_form form, const std::function<int(const output& out)>& work) {
  answer out;
  const auto keep = [&out](std::string_view bytes) {
    if (bytes.size() > answer::max_size - out.body.size()) {
      throw common::failure{"the answer is too long", "what is above is its beginning"};
    }
    out.body += bytes;
  };
  try {
    out.code = work(output{form, keep});
    return out;
  } catch (const common::failure& e) {
    out.code = e.exit_code();
    out.problem = e.what();
  } catch (const std::exception& e) {
    out.code = common::exit_failed;
    out.problem = e.what();
  }
  return out;
}

answer guest_keeper::ask(const action& wanted) {
  return answered(wanted.form, [&](const output& out) {
    guest* const found = find();
    if (found == nullptr) {
      const auto [what, next] = parted(away_);
      throw common::failure{name_ + " is not there: " + what, next};
    }
    found->kernel().look_again();
    return run(wanted.run, *found, out);
  });
}

void guest_keeper::lose() {
  constexpr std::size_t most = shoal::vmi::max_kernel_places;
  if (guest_->has_memory()) {
    if (gone_.size() == most) gone_.erase(gone_.begin());
    static_cast<void>(guest_->look_at_clock());
    gone_.push_back({guest_->kernel().place(), guest_->ticks()});
  } else {
    gone_.clear();
  }
  guest_.reset();
  book_ = {};  // of a boot that has ended
  lost_ = true;
  away_ = "it has ended, or boots again";
  tried_ = {};
}

bool guest_keeper::has_gone(guest& found) const {
  static_cast<void>(found.look_at_clock());
  const shoal::vmi::kernel_place& here = found.kernel().place();
  return std::ranges::any_of(gone_, [&](const gone_kernel& each) {
    const bool same = each.place.text == here.text && each.place.text_at == here.text_at;
    const bool moved = found.ticks() != each.ticks && shoal::vmi::may_be_ticks(found.ticks());
    return same && each.ticks != 0 && !moved;
  });
}

guest* guest_keeper::find() {
  if (guest_ && !guest_->is_there()) lose();
  if (guest_) return guest_.get();
  // who asks again and again is no reason to search again and again
  const auto now = std::chrono::steady_clock::now();
  if (now - tried_ < std::chrono::seconds{1}) return nullptr;
  tried_ = now;
  try {
    if (!process_ || process_->has_ended()) process_ = process_of(options_.name);
    auto found = std::make_unique<guest>(options_, process_);
    if (has_gone(*found)) throw common::failure{"no kernel runs in it yet"};
    found->baseline() = baseline_of(*found);
    guest_ = std::move(found);
  } catch (const std::exception& e) {
    away_ = e.what();
  }
  return guest_.get();
}

guest_alert guest_keeper::away(bool ended) const {
  return {unix_now(), {}, "away", {}, {}, parted(away_).first, ended};
}

std::vector<guest_alert> guest_keeper::check() {
  std::vector<guest_alert> news;
  if (guest* const found = find()) {
    const std::vector<shoal::vmi::finding> findings = look_while_it_runs(*found);
    if (found->is_there()) {  // else what was found while it went away is no finding
      news = book_.update(findings, unix_now());
      renew_rights(*found);
      ++looks_;
    } else {
      find();
    }
  }
  const bool is_away = !guest_;
  std::vector<guest_alert> moves;
  if ((is_away || lost_) && !told_away_) moves.push_back(away(false));
  if (!is_away && (told_away_ || lost_)) moves.push_back(away(true));
  told_away_ = is_away;
  lost_ = false;
  news.insert(news.begin(), moves.begin(), moves.end());
  return news;
}

look_result guest_keeper::look() noexcept {
  look_result out;
  try {
    out.news = check();
  } catch (const std::exception& e) {  // memory, perhaps; the next look may have it
    out.news.push_back({unix_now(), {}, "unreadable", {}, "anything", e.what(), false});
  }
  out.state = {guest_ ? shoal::vmi::printable(guest_->kernel().banner()) : "",
               guest_ ? "" : parted(away_).first, looks_, unix_now(), book_.open()};
  if (!guest_) out.state.open.push_back(away(false));
  for (guest_alert& each : out.news) each.guest = name_;
  for (guest_alert& each : out.state.open) each.guest = name_;
  return out;
}
