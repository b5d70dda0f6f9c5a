// SPDX-License-Identifier: BSL-1.0
//
// swarm_key: the secret that the peers of a private network share, and the file that holds it, which Kubo calls
// swarm.key (libp2p specs, pnet/Private-Networks-PSK-V1.md).
//
//     result<libp2p::swarm_key> key = libp2p::swarm_key::parse(contents);
//     write_file(path, key->to_file());
//
// What it is good for: libp2p/private_network.hpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/content/multibase.hpp>
#include <shoal/crypto/secret.hpp>

namespace shoal::libp2p {

/// 32 bytes, random ones if the network is to be private.
struct swarm_key {
  secret<32> bytes;

  /// The key in a file: "/key/swarm/psk/1.0.0/", then "/base16/", "/base64/" or "/bin/", then the key in that
  /// form, a line each. White space may follow a key that is text.
  ///
  /// errc::truncated for less than three lines, errc::unsupported for another first or second line,
  /// errc::malformed for digits that are none and for a key that has not 32 bytes.
  [[nodiscard]] static result<swarm_key> parse(std::string_view file) {
    const std::optional<std::string_view> kind = take_line(file);
    const std::optional<std::string_view> form = kind ? take_line(file) : std::nullopt;
    if (!form) return errc::truncated;
    if (*kind != file_kind) return errc::unsupported;
    if (*form == "/bin/") return from(as_bytes(file));
    const bool hex = *form == "/base16/";
    if (!hex && *form != "/base64/") return errc::unsupported;
    while (!file.empty() && (file.back() == '\n' || file.back() == '\r' || file.back() == ' '))
      file.remove_suffix(1);
    if (file.empty()) return errc::truncated;
    if (file.size() > longest_text) return errc::malformed;
    std::string text(1, static_cast<char>(hex ? multibase::base16 : multibase::base64pad));
    text += file;
    result<std::vector<std::byte>> decoded = decode_multibase(text);
    wipe(bytes_span{reinterpret_cast<std::byte*>(text.data()), text.size()});
    if (!decoded) return decoded.error();
    const result<swarm_key> key = from(*decoded);
    wipe(*decoded);
    return key;
  }

  /// The file, in base 16. The caller wipes it.
  [[nodiscard]] std::string to_file() const {
    const std::string digits = encode_multibase(multibase::base16, bytes.view());
    return std::string{file_kind} + "\n/base16/\n" + digits.substr(1) + '\n';
  }

 private:
  static constexpr std::string_view file_kind = "/key/swarm/psk/1.0.0/";
  static constexpr std::size_t longest_text = 64;  // in base 16

  static result<swarm_key> from(bytes_view bytes) noexcept {
    if (bytes.size() != 32) return errc::malformed;
    return swarm_key{secret<32>{bytes}};
  }

  static std::optional<std::string_view> take_line(std::string_view& text) noexcept {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return std::nullopt;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
};

}  // namespace shoal::libp2p
