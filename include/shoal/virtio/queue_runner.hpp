// SPDX-License-Identifier: BSL-1.0
//
// queue_runner: serves one queue of a device: takes what the driver has put there, asks the device, and gives
// it back.
//
//     auto runner = std::make_shared<queue_runner<gpio, memory>>(device, 0, hooks);
//     if (runner->enable(memory, layout, options) != status::ok) return refuse();
//     runner->run();                                                 // at each kick
//
// For transports. What takes time runs as tasks that keep the guest's memory alive; stop() and is_idle() tell
// when nothing of ours touches it any more. Belongs to one strand.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <shoal/base/bytes.hpp>
#include <shoal/base/result.hpp>
#include <shoal/base/status.hpp>
#include <shoal/hal/guest_memory.hpp>
#include <shoal/task/task.hpp>
#include <shoal/virtio/descriptor_chain.hpp>
#include <shoal/virtio/device.hpp>
#include <shoal/virtio/split_queue.hpp>

namespace shoal::virtio {

/// What a transport does for its queues. Each is told the queue's number.
struct queue_hooks {
  std::function<void(std::uint16_t)> interrupt;  ///< the driver wants to know that requests were given back
  std::function<void(std::uint16_t)> again;      ///< call run() soon, after others had a turn; not from inside
  std::function<void(std::uint16_t)> broken;     ///< the driver has broken the queue
  std::function<void(std::uint16_t)> idle;       ///< after stop() or abandon(): the last request has ended
  std::function<void(task<>)> start;             ///< run it, at once or soon, on the strand
};

template <device D, hal::guest_memory M>
class queue_runner : public std::enable_shared_from_this<queue_runner<D, M>> {
 public:
  /// Requests handled before others get a turn: a driver can make them as fast as they are served.
  static constexpr unsigned batch = 256;

  /// @param hooks  copied; may refer to the transport as long as that lives
  queue_runner(std::shared_ptr<D> device, std::uint16_t index, queue_hooks hooks)
      : device_(std::move(device)), hooks_(std::move(hooks)), index_(index) {}
  queue_runner(const queue_runner&) = delete;
  queue_runner& operator=(const queue_runner&) = delete;

  /// Errors of split_queue::enable(), and status::busy while requests are outstanding from before.
  status enable(std::shared_ptr<M> memory, const queue_layout& layout, const queue_options& options) noexcept {
    if (!is_idle()) return status::busy;
    memory_ = std::move(memory);
    accepting_ = true;
    return queue_.enable(*memory_, layout, options);
  }
  /// The guest's memory is elsewhere from now on, and the queue with it. Requests under way keep what they
  /// have. Errors of split_queue::move_to().
  status move_to(std::shared_ptr<M> memory, const queue_layout& layout) noexcept {
    memory_ = std::move(memory);
    return queue_.move_to(*memory_, layout);
  }

  /// Takes no more requests. Those under way end and are given back; hooks tell when the last one has, unless
  /// none is under way now.
  void stop() noexcept {
    accepting_ = false;
    if (is_idle()) queue_.disable();
  }
  /// Takes no more requests and gives none back: the driver has forgotten them. Those under way still end.
  void abandon() noexcept {
    accepting_ = false;
    queue_.disable();
  }

  [[nodiscard]] bool is_enabled() const noexcept { return accepting_ && queue_.is_enabled(); }
  /// No request is under way. Those that the device keeps do not count.
  [[nodiscard]] bool is_idle() const noexcept { return outstanding_ == 0; }
  /// Where another device would go on.
  [[nodiscard]] std::uint16_t next() const noexcept { return queue_.next(); }

  /// Serves what waits in the queue. After a kick, and when hooks ask for it; harmless at any other time.
  void run() {
    for (unsigned left = batch; accepting_ && queue_.is_enabled() && outstanding_ < queue_.size();) {
      const status_or<bool> popped = queue_.pop(*memory_, chain_);
      if (!popped) {
        hooks_.broken(index_);
        break;
      }
      if (!*popped) {
        if (queue_.want_kick(*memory_)) continue;
        break;
      }
      answer said = device_->handle(index_, chain_);
      if (said.is_later()) {
        ++outstanding_;
        hooks_.start(finish(this->shared_from_this(), memory_, said.take_work(), chain_.head()));
      } else if (!said.is_kept()) {
        queue_.push(*memory_, chain_.head(), said.written());
      }
      if (--left == 0) {
        hooks_.again(index_);
        break;
      }
    }
    if (memory_) notify();
  }

  /// Gives a request back that the device had kept.
  void give_back(const kept_return& kept) {
    if (!accepting_ || !queue_.is_enabled()) return;
    if (queue_.fetch(*memory_, kept.head, chain_) != status::ok) return;
    const bytes_view bytes = bytes_view{kept.bytes}.first(kept.size);
    const std::size_t written = scatter(chain_.writable(), 0, bytes);
    queue_.push(*memory_, kept.head, static_cast<std::uint32_t>(written));
    notify();
  }

 private:
  static task<> finish(std::shared_ptr<queue_runner> self, std::shared_ptr<M> memory, task<std::uint32_t> work,
                       std::uint16_t head) {
    const result<std::uint32_t> written = co_await std::move(work);
    // the buffers were in there
    memory.reset();
    self->ended(head, written ? *written : 0);
    co_return result<>{};
  }

  void ended(std::uint16_t head, std::uint32_t written) {
    const bool was_full = outstanding_ == queue_.size();
    --outstanding_;
    queue_.push(*memory_, head, written);
    notify();
    if (!accepting_ && is_idle()) {
      queue_.disable();
      hooks_.idle(index_);
    } else if (accepting_ && was_full) {
      hooks_.again(index_);
    }
  }

  void notify() {
    if (queue_.must_notify(*memory_)) hooks_.interrupt(index_);
  }

  std::shared_ptr<D> device_;
  queue_hooks hooks_;
  std::shared_ptr<M> memory_;
  split_queue queue_;
  descriptor_chain chain_;
  unsigned outstanding_ = 0;
  bool accepting_ = false;
  std::uint16_t index_;
};

}  // namespace shoal::virtio
