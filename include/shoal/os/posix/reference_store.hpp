// SPDX-License-Identifier: BSL-1.0
//
// reference_store: the blocks of a disk image straight out of the image, with only an index beside it: no
// second copy.
//
//     auto store = posix::reference_store<openssl::digester>::open("disk.ref", &pool);
//     const cid root = store->roots().front();
//     result<block> b = co_await store->get(root);
//
// Who changes the image under it makes blocks disappear with errc::block_mismatch; no reader ever sees wrong
// bytes. Made by os/posix/reference_writer.hpp.
#pragma once

#include <shoal/crypto/hasher.hpp>
#include <shoal/os/posix/file_store.hpp>
#include <shoal/os/posix/reference_file.hpp>
#include <shoal/store/observer.hpp>

namespace shoal::posix {

template <digester Digester, store_observer Observer = no_store_observer>
using reference_store = file_store<reference_file, Digester, Observer>;

}  // namespace shoal::posix
