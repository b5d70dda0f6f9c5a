// SPDX-License-Identifier: BSL-1.0
//
// The guests of 'serve'.
#include "service.hpp"

#include <functional>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <shoal/detail/asio.hpp>
#include <shoal/monitor/event_text.hpp>

#include "../common/message.hpp"

namespace {

std::vector<field> state_fields(const std::string& name, const guest_state& state) {
  const bool away = state.banner.empty();
  std::vector<field> out{{"guest", name},
                         {"state", std::string{state.looked == 0 ? "unknown"
                                               : away            ? "away"
                                                                 : "here"}},
                         {"banner", state.banner},
                         {"looks", state.looks},
                         {"alerts", std::uint64_t{state.open.size()}}};
  if (state.looked != 0) out.push_back({"looked", shoal::monitor::utc_text(state.looked)});
  if (!state.away.empty()) out.push_back({"problem", state.away});
  return out;
}

}  // namespace

ids_service::ids_service(asio::any_io_executor executor, const std::vector<named_guest>& guests,
                         std::chrono::nanoseconds every)
    : executor_(std::move(executor)), every_(every) {
  for (const named_guest& each : guests) guests_.push_back(std::make_unique<watched>(each, executor_));
}

void ids_service::start() {
  for (const auto& each : guests_) asio::co_spawn(executor_, watch_over(*this, *each), asio::detached);
}

void ids_service::stop() {
  stopped_ = true;
  for (const auto& each : guests_) each->pause.cancel();
  news_.notify();
}

asio::awaitable<void> ids_service::watch_over(ids_service& self, watched& each) {
  while (!self.stopped_) {
    const std::function<look_result()> work = [&each] { return each.keeper.look(); };
    look_result seen = co_await each.thread.run(work);
    each.state = std::move(seen.state);
    for (guest_alert& alert : seen.news) self.log_.put(std::move(alert));
    if (!seen.news.empty()) self.news_.notify();
    if (self.stopped_) break;
    each.pause.expires_after(self.every_);
    [[maybe_unused]] const auto waited = co_await each.pause.async_wait(shoal::detail::no_throw);
  }
}

ids_service::watched* ids_service::find_watched(const std::string& guest) const {
  for (const auto& each : guests_) {
    if (each->name == guest) return each.get();
  }
  return nullptr;
}

const guest_state* ids_service::find(const std::string& guest) const {
  const watched* const found = find_watched(guest);
  return found != nullptr ? &found->state : nullptr;
}

asio::awaitable<answer> ids_service::ask(const request& wanted) {
  using verb = request::verb;
  const output_form form = wanted.wanted.form;
  if (wanted.what == verb::guests) {
    co_return answered(form, [this](const output& out) { return list_guests(out); });
  }
  if (wanted.what == verb::alerts) {
    co_return answered(form, [this](const output& out) { return list_alerts(out); });
  }
  if (wanted.what != verb::look) co_return wanted.told;
  watched* const found = find_watched(wanted.wanted.guest.name);
  if (found == nullptr) {
    answer unknown;
    unknown.code = common::exit_usage;
    unknown.problem = "there is no guest '" + wanted.wanted.guest.name + "'\n  'guests' tells which there are";
    co_return unknown;
  }
  const std::function<answer()> work = [found, &wanted] { return found->keeper.ask(wanted.wanted); };
  answer said = co_await found->thread.run(work);
  co_return said;
}

std::vector<guest_alert> ids_service::open(const std::string& guest) const {
  std::vector<guest_alert> out;
  for (const auto& each : guests_) {
    if (guest.empty() || guest == each->name)
      out.insert(out.end(), each->state.open.begin(), each->state.open.end());
  }
  return out;
}

int ids_service::list_guests(const output& out) const {
  bool alerts = false;
  for (const auto& each : guests_) {
    const guest_state& state = each->state;
    alerts = alerts || !state.open.empty();
    std::string line = each->name + "  ";
    if (state.looked == 0) {
      line += "not looked at yet";
    } else if (!state.away.empty()) {
      line += "away: " + shoal::vmi::printable(state.away);
    } else {
      line += std::to_string(state.open.size()) + " alerts in " + std::to_string(state.looks) + " looks; " +
              state.banner;
    }
    out.put(line, state_fields(each->name, state));
  }
  return alerts ? exit_alerts : 0;
}

int ids_service::list_alerts(const output& out) const {
  for (std::uint64_t i = log_.begin(); i < log_.end(); ++i) tell(log_.at(i), out);
  return open({}).empty() ? 0 : exit_alerts;
}

std::string ids_service::guests_as_json() const {
  std::string out = "[";
  for (const auto& each : guests_) {
    if (out.size() > 1) out += ',';
    out += to_json(state_fields(each->name, each->state));
  }
  return out + "]";
}
