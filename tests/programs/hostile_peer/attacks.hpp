// SPDX-License-Identifier: BSL-1.0
//
// What strangers try to make a peer spend its memory or its time. Each attack runs for a while, from many
// identities, and says what came of it on standard output.
#pragma once

#include <string>
#include <string_view>

#include <asio/ip/tcp.hpp>

/// @param kind   oversized, streams, window, wants, deaf or strangers
/// @param image  for deaf: a file that the victim serves in leaves of 64 KiB
/// @return false: there is no such attack
bool attack(std::string_view kind, const asio::ip::tcp::endpoint& victim, const std::string& image);
