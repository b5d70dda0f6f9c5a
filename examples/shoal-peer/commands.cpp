// SPDX-License-Identifier: BSL-1.0
#include "commands.hpp"

#include <csignal>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <asio/co_spawn.hpp>
#include <asio/signal_set.hpp>

#include "../common/message.hpp"

int run_interruptible(asio::io_context& context, asio::awaitable<void> work) {
  std::optional<int> code;
  std::exception_ptr thrown;
  asio::signal_set signals{context, SIGINT, SIGTERM, SIGHUP};
  signals.async_wait([&](std::error_code cancelled, int) {
    if (!cancelled) code = common::exit_interrupted;
  });
  asio::co_spawn(context, std::move(work), [&](std::exception_ptr e) {
    thrown = e;
    code = 0;
  });
  while (!code && context.run_one() != 0) {
  }
  if (thrown) std::rethrow_exception(thrown);
  return code.value_or(common::exit_failed);
}

void refuse_empty_values(CLI::App& app) {
  const CLI::Validator not_empty{
      [](const std::string& value) { return value.empty() ? std::string{"is empty"} : std::string{}; }, ""};
  for (CLI::Option* option :
       app.get_options([](const CLI::Option* o) { return o->get_items_expected_max() > 0; }))
    option->check(not_empty);
}
