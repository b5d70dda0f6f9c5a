// SPDX-License-Identifier: BSL-1.0
//
// collect: receives recordings from elsewhere, each into a file of its own.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <shoal/net/listener.hpp>
#include <shoal/net/recording_collector.hpp>
#include <shoal/net/secured_stream.hpp>
#include <shoal/openssl/tls_server.hpp>
#include <shoal/os/posix/recording_folder.hpp>

#include "../common/message.hpp"
#include "../common/size.hpp"
#include "commands.hpp"

namespace {

using common::failure;

struct collect_command {
  static constexpr std::uint16_t default_port = 7411;

  std::string folder;
  std::string bind;
  std::uint16_t port = default_port;
  std::string certificate;
  std::string key;
  std::string most = "1G";

  int run() const {
    std::error_code why;
    std::filesystem::create_directories(folder, why);
    if (why) throw failure{"cannot make " + folder, why, "name a folder that can be written"};
    const std::optional<std::uint64_t> limit = common::parse_size(most);
    if (!limit)
      throw failure{"'" + most + "' is not a size", "sizes look like 4096, 64M or 1.5G", common::exit_usage};
    shoal::posix::recording_folder place{folder, {.max_file = *limit}};

    asio::io_context context{1};
    shoal::net::recording_collector collector{context.get_executor(), place, options()};
    auto sockets = shoal::net::listen_tcp(context.get_executor(), bind, port);
    if (!sockets) {
      throw failure{"cannot listen on " + (bind.empty() ? "port " + std::to_string(port) : bind),
                    sockets.error(), "choose another --port or --bind"};
    }
    for (auto& socket : *sockets) {
      std::printf("%s://%s\n", certificate.empty() ? "tcp" : "tls", socket.address.c_str());
      collector.serve(std::move(socket));
    }
    std::fflush(stdout);
    asio::signal_set signals{context, SIGINT, SIGTERM, SIGHUP};
    signals.async_wait([&](std::error_code cancelled, int) {
      if (!cancelled) collector.stop();
    });
    context.run();
    return 0;
  }

 private:
  shoal::net::recording_collector_options options() const {
    shoal::net::recording_collector_options out;
    out.ended = [](const std::filesystem::path& file, std::uint64_t records, std::error_code why) {
      const bool usual = why == shoal::errc::closed;
      std::fprintf(stderr, "%s: %llu records%s%s\n", file.empty() ? "a stranger" : file.c_str(),
                   static_cast<unsigned long long>(records),
                   usual ? "" : "; cut off: ", usual ? "" : why.message().c_str());
    };
    if (certificate.empty() && key.empty()) return out;
    const auto identity = shoal::openssl::tls_identity::of_files(certificate, key.empty() ? certificate : key);
    if (!identity) {
      throw failure{"cannot use the certificate " + certificate + " with its key",
                    "--certificate and --key take PEM files that belong together"};
    }
    using session = shoal::openssl::tls_session;
    using stream = std::unique_ptr<shoal::net::byte_stream>;
    out.secure = [identity = *identity](stream carrier) -> shoal::result<stream> {
      shoal::result<session> made = identity.accept();
      if (!made) return made.error();
      return stream{
          std::make_unique<shoal::net::secured_stream<session>>(std::move(carrier), std::move(*made))};
    };
    return out;
  }
};

}  // namespace

void add_collect(CLI::App& app, action& chosen) {
  CLI::App* const sub = app.add_subcommand("collect", "receive recordings into the files of a folder");
  auto command = std::make_shared<collect_command>();
  sub->add_option("FOLDER", command->folder, "where the files go, NAME-SESSION.rec; made if it is not there")
      ->required();
  sub->add_option("--bind", command->bind, "listen on this address; default: all")->type_name("ADDRESS");
  sub->add_option("--port", command->port, "listen on this port; 0: any; default: 7411")->type_name("N");
  sub->add_option("--certificate", command->certificate, "speak TLS, with this certificate")->type_name("PEM");
  sub->add_option("--key", command->key, "its key; default: in the same file")->type_name("PEM");
  sub->add_option("--max-file", command->most, "refuse more of a recording than this; default: 1G")
      ->type_name("SIZE");
  sub->footer(
      "Prints where it listens, then receives until SIGTERM or Ctrl-C, and exits with 0. Senders that lose it "
      "go\n"
      "on where they were when it comes back. Anybody who reaches the port may send.\n\n"
      "Example:\n"
      "  shoal-record collect recordings --certificate server.pem --key server.key");
  sub->callback([command, &chosen] { chosen = [command] { return command->run(); }; });
}
