// SPDX-License-Identifier: BSL-1.0
//
// any_store: a block store whose type is chosen at run time, as programs do that open what a URI names.
//
//     any_store blocks{std::make_shared<posix::car_store<openssl::digester>>(std::move(*car))};
//     result<block> b = co_await blocks.get(id);
//
// One virtual call an operation: no coroutine frame of its own.
#pragma once

#include <concepts>
#include <memory>
#include <utility>

#include <shoal/content/cid.hpp>
#include <shoal/store/block.hpp>
#include <shoal/store/concepts.hpp>
#include <shoal/task/lease.hpp>
#include <shoal/task/task.hpp>

namespace shoal {

/// A shared handle to a store of any type. Models block_store and can_try_get: try_get of a store that has
/// none gives nothing.
class any_store {
 public:
  template <block_store S>
    requires(!std::same_as<S, any_store>)
  explicit any_store(std::shared_ptr<S> store) : store_(std::make_shared<model<S>>(std::move(store))) {}

  task<block> get(const cid& id) { return store_->get(id); }
  task<bool> has(const cid& id) { return store_->has(id); }
  task<> put(block b) { return store_->put(std::move(b)); }
  [[nodiscard]] lease try_get(const cid& id) noexcept { return store_->try_get(id); }

 private:
  struct contract {
    virtual ~contract() = default;
    virtual task<block> get(const cid& id) = 0;
    virtual task<bool> has(const cid& id) = 0;
    virtual task<> put(block b) = 0;
    virtual lease try_get(const cid& id) noexcept = 0;
  };

  template <block_store S>
  struct model final : contract {
    explicit model(std::shared_ptr<S> s) noexcept : store(std::move(s)) {}
    task<block> get(const cid& id) override { return store->get(id); }
    task<bool> has(const cid& id) override { return store->has(id); }
    task<> put(block b) override { return store->put(std::move(b)); }
    lease try_get(const cid& id) noexcept override {
      if constexpr (can_try_get<S>) {
        return store->try_get(id);
      } else {
        return {};
      }
    }
    std::shared_ptr<S> store;
  };

  std::shared_ptr<contract> store_;
};
static_assert(block_store<any_store> && can_try_get<any_store>);

}  // namespace shoal
