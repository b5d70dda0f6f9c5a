// SPDX-License-Identifier: BSL-1.0
#include "nbd_disk.hpp"

#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

#include <shoal/block/filter/readonly.hpp>
#include <shoal/nbd/uri.hpp>
#include <shoal/net/nbd_client.hpp>
#include <shoal/openssl/tls_client.hpp>
#include <shoal/task/run.hpp>

#include "message.hpp"

namespace common {

namespace {

struct nbd_refusal {
  std::string reason;  ///< empty: as the error says itself
  std::string next;
};

/// What an error means for who wants to open an export.
nbd_refusal explain_nbd(const shoal::nbd::uri& where, std::error_code why) {
  using shoal::errc;
  if (why == errc::not_found) {
    const std::string name =
        where.export_name.empty() ? "default export" : "export '" + where.export_name + "'";
    shoal::nbd::uri server = where;
    server.export_name.clear();
    return {"the server has no " + name, "nbdinfo --list '" + server.text() + "' tells what it has"};
  }
  if (why == std::errc::wrong_protocol_type) {
    if (where.tls) return {"the server has no TLS", "write nbd instead of nbds, if the network can be trusted"};
    return {"the server wants TLS",
            "write nbds instead of nbd, with tls-certificates=FOLDER of its ca-cert.pem"};
  }
  if (why == errc::malformed) {
    return {"what answers there is no NBD server, or breaks the protocol", "give the address of an NBD server"};
  }
  if (why == errc::unsupported) {
    return {"the server speaks the oldstyle protocol alone",
            "start it with newstyle, which it has known since 2011"};
  }
  if (why == errc::timed_out) {
    return {"no answer in 10 seconds",
            "it may serve somebody else and nobody beside, or speak another protocol"};
  }
  if (why == errc::closed) return {"the server hung up", "its log should say why; it may be busy"};
  if (why == errc::shutting_down) return {"the server is being stopped", "try again when it is back"};
  if (why == errc::failed && where.tls) {
    return {"no agreement on TLS",
            "its certificate has to name the host; tls-certificates=FOLDER says where ca-cert.pem is"};
  }
  if (why == std::errc::connection_refused)
    return {"", "start the server, or give another port: nbd://HOST:PORT/EXPORT"};
  if (why == std::errc::no_such_file_or_directory)
    return {"", "start the server, or give the path of its socket"};
  if (why == std::errc::permission_denied)
    return {"", "the server, or the permissions of its socket, do not let you in"};
  if (why == std::errc::filename_too_long) return {"", "a socket's path has at most 107 bytes"};
  return {"", "is the server there, and reached from here?"};
}

void tell_nbd(const std::string& uri, const shoal::net::nbd_client_news& news) {
  using enum shoal::net::nbd_client_news::kind;
  const std::string why = news.detail.empty() ? news.why.message() : std::string{news.detail};
  switch (news.what) {
    case lost:
      std::fprintf(stderr, "%s: connection lost (%s); trying again\n", uri.c_str(), why.c_str());
      return;
    case regained: std::fprintf(stderr, "%s: connected again\n", uri.c_str()); return;
    case over:
      std::fprintf(
          stderr,
          news.why == shoal::errc::source_changed
              ? "%s: the export is another one now (%s); the disk fails from now on\n"
              : "%s: connection lost (%s) with writes that may not be stored; the disk fails from now on\n",
          uri.c_str(), why.c_str());
      return;
  }
}

shoal::net::nbd_route route_to(const shoal::nbd::uri& where) {
  if (!where.tls) return shoal::net::route_to(where);
  using shoal::openssl::tls_client;
  using shoal::openssl::tls_trust;
  const std::string& folder = where.tls_certificates;
  const shoal::result<tls_trust> trust =
      folder.empty() ? tls_trust::of_system() : tls_trust::of_file(folder + "/ca-cert.pem");
  if (!trust) {
    throw failure{"cannot read the certificate " + folder + "/ca-cert.pem",
                  "tls-certificates=FOLDER is a folder with it, in PEM"};
  }
  return shoal::net::route_to<tls_client>(
      where, [trust = *trust](const std::string& host) { return trust.connect(host); });
}

}  // namespace

shoal::any_device open_nbd(asio::io_context& context, const std::string& text, bool read_only) {
  const shoal::result<shoal::nbd::uri> where = shoal::nbd::uri::parse(text);
  if (!where) {
    throw failure{"'" + text + "' is not an export of an NBD server",
                  "write nbd://HOST:PORT/EXPORT or nbd+unix:///EXPORT?socket=PATH; nbds is with TLS",
                  exit_usage};
  }
  if (where->export_name.size() > shoal::nbd::max_string) {
    throw failure{"the name of the export is too long", "NBD takes at most 4096 bytes", exit_usage};
  }
  const shoal::net::nbd_route route = route_to(*where);
  const shoal::nbd::export_wish wish{.name = where->export_name, .tls = where->tls};
  shoal::net::nbd_client_options options;
  options.observe = [text](const shoal::net::nbd_client_news& news) { tell_nbd(text, news); };
  std::string said;
  shoal::result<shoal::net::nbd_client> opened =
      shoal::run(context, shoal::net::nbd_client::open(route, wish, options, &said));
  if (!opened) {
    const nbd_refusal refusal = explain_nbd(*where, opened.error());
    std::string what = "cannot open " + text + ": ";
    what += refusal.reason.empty() ? opened.error().message() : refusal.reason;
    if (!said.empty()) what += " (" + said + ")";
    throw failure{what, refusal.next};
  }
  if (read_only) return shoal::any_device{shoal::readonly{std::move(*opened)}};
  if (opened->info().read_only) {
    std::fprintf(stderr, "warning: %s is read-only; --overlay lets it be written to, in memory\n",
                 text.c_str());
  }
  return shoal::any_device{std::move(*opened)};
}

}  // namespace common
