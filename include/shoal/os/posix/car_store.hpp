// SPDX-License-Identifier: BSL-1.0
//
// car_store: a CAR file as a block store that is only read.
//
//     auto store = posix::car_store<openssl::digester>::open("image.car", &pool);
//     const cid root = store->roots().front();
//     result<block> b = co_await store->get(root);
#pragma once

#include <shoal/crypto/hasher.hpp>
#include <shoal/os/posix/car_file.hpp>
#include <shoal/os/posix/file_store.hpp>
#include <shoal/store/observer.hpp>

namespace shoal::posix {

template <digester Digester, store_observer Observer = no_store_observer>
using car_store = file_store<car_file, Digester, Observer>;

}  // namespace shoal::posix
