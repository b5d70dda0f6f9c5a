// SPDX-License-Identifier: BSL-1.0
//
// vhost_user_connection: serves one monitor's guest with a virtio device, over vhost-user: moves messages
// between a socket and the protocol (virtio/vhost_user_session.hpp), maps the guest's memory, and runs the
// device's queues when their eventfds say so. vhost_user_server makes one for each monitor.
//
// What the monitor and the guest behind it say is checked; when the monitor breaks the rules, it is hung up on.
// One strand.
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/posix/descriptor_base.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/post.hpp>

#include <shoal/base/bytes.hpp>
#include <shoal/base/error.hpp>
#include <shoal/base/status.hpp>
#include <shoal/detail/asio.hpp>
#include <shoal/os/linux/descriptor_socket.hpp>
#include <shoal/os/linux/guest_mapping.hpp>
#include <shoal/os/posix/unique_fd.hpp>
#include <shoal/task/signal.hpp>
#include <shoal/task/task.hpp>
#include <shoal/virtio/device.hpp>
#include <shoal/virtio/queue_runner.hpp>
#include <shoal/virtio/vhost_user_message.hpp>
#include <shoal/virtio/vhost_user_session.hpp>

namespace shoal::linux_os {

/// What happens on a connection, for people.
enum class vhost_user_news : std::uint8_t {
  connected,     ///< a monitor is there
  running,       ///< its guest uses the device
  queue_broken,  ///< the guest's driver has broken the rules, and a queue with them
  refused,       ///< the monitor has said what cannot be done, and is hung up on
  left,          ///< the connection has ended
};

template <virtio::device D>
class vhost_user_connection : public std::enable_shared_from_this<vhost_user_connection<D>> {
 public:
  /// @param socket   connected
  /// @param observe  is told the news; may be empty
  vhost_user_connection(const asio::any_io_executor& executor, posix::unique_fd socket,
                        std::shared_ptr<D> device, std::function<void(vhost_user_news)> observe = {})
      : executor_(executor),
        socket_(executor, std::move(socket)),
        device_(std::move(device)),
        observe_(std::move(observe)),
        session_(
            {.features = device_->features(), .config = device_->config(), .queues = device_->queue_count()}),
        rings_(session_.ring_count()) {}

  /// Serves until the monitor leaves or close().
  asio::awaitable<void> run() {
    const auto self = this->shared_from_this();
    make_runners();
    tell(vhost_user_news::connected);
    while (!closed_) {
      const bool goes_on = co_await serve_message();
      if (!goes_on) break;
    }
    close();
    for (ring& r : rings_) r.runner->abandon();
    device_->reset();
    tell(vhost_user_news::left);
  }

  /// Gives back what the device had kept and is due: after something happened to it.
  void poll() {
    virtio::kept_return kept;
    while (device_->next_return(kept)) {
      if (kept.queue < rings_.size() && rings_[kept.queue].runner) rings_[kept.queue].runner->give_back(kept);
    }
  }

  /// Hangs up.
  void close() {
    closed_ = true;
    socket_.close();
    for (ring& r : rings_) drop_kick(r);
    changed_.notify();
  }

 private:
  using queue_runner = virtio::queue_runner<D, guest_mapping>;
  using kind = virtio::vhost_user_event::kind;

  struct ring {
    std::shared_ptr<queue_runner> runner;
    std::shared_ptr<asio::posix::stream_descriptor> kick;
    posix::unique_fd call;
    posix::unique_fd error;
    bool has_run = false;                  // since its base was told
    std::optional<std::uint16_t> left_at;  // where it stopped last
  };

  void tell(vhost_user_news news) {
    if (observe_) observe_(news);
  }

  /// Work that is under way when the monitor leaves ends later: nothing it holds keeps the connection.
  void make_runners() {
    const std::weak_ptr<vhost_user_connection> weak = this->weak_from_this();
    const virtio::queue_hooks hooks{.interrupt =
                                        [weak](std::uint16_t i) {
                                          if (const auto self = weak.lock()) notify(self->rings_[i].call);
                                        },
                                    .again =
                                        [weak](std::uint16_t i) {
                                          const auto self = weak.lock();
                                          if (!self) return;
                                          asio::post(self->executor_, [weak, i] {
                                            if (const auto later = weak.lock()) later->run_ring(i);
                                          });
                                        },
                                    .broken =
                                        [weak](std::uint16_t i) {
                                          const auto self = weak.lock();
                                          if (!self) return;
                                          notify(self->rings_[i].error);
                                          self->tell(vhost_user_news::queue_broken);
                                        },
                                    .idle =
                                        [weak](std::uint16_t) {
                                          if (const auto self = weak.lock()) self->changed_.notify();
                                        },
                                    .start =
                                        [executor = executor_](task<> work) {
                                          asio::co_spawn(executor, ignore_result(std::move(work)),
                                                         asio::detached);
                                        }};
    for (std::size_t i = 0; i < rings_.size(); ++i) {
      rings_[i].runner = std::make_shared<queue_runner>(device_, static_cast<std::uint16_t>(i), hooks);
    }
  }

  /// An eventfd that is full says already what it has to say.
  static void notify(const posix::unique_fd& event) noexcept {
    const std::uint64_t one = 1;
    if (event) [[maybe_unused]]
      const ssize_t written = ::write(event.get(), &one, sizeof one);
  }

  void run_ring(std::size_t index) {
    rings_[index].runner->run();
    poll();
  }

  // ---- messages

  asio::awaitable<bool> serve_message() {
    std::array<std::byte, virtio::vhost_user_header::size> head;
    std::vector<posix::unique_fd> files;
    const bool begun = co_await socket_.receive(head, files);
    if (!begun) co_return false;
    const virtio::vhost_user_header header = virtio::parse_vhost_user_header(head);
    std::array<std::byte, virtio::max_vhost_user_payload> room;
    if (check(header) != status::ok) co_return refuse();
    const bytes_span payload = bytes_span{room}.first(header.payload);
    const bool whole = co_await socket_.receive(payload, files);
    if (!whole) co_return false;
    const virtio::vhost_user_event event = session_.receive(header, payload, files.size());
    const bool done = co_await carry_out(event, files);
    if (!done) co_return refuse();
    const bytes_view reply = session_.reply();
    const bool sent = co_await socket_.send(reply);
    co_return sent;
  }

  bool refuse() {
    tell(vhost_user_news::refused);
    return false;
  }

  asio::awaitable<bool> carry_out(const virtio::vhost_user_event& event, std::vector<posix::unique_fd>& files) {
    ring* const r = event.ring < rings_.size() ? &rings_[event.ring] : nullptr;
    posix::unique_fd file = event.has_file && !files.empty() ? std::move(files.front()) : posix::unique_fd{};
    switch (event.what) {
      case kind::nothing: break;
      case kind::violation: co_return false;
      case kind::map_memory: co_return map_memory(event.memory, files);
      case kind::ring_call: r->call = non_blocking(std::move(file)); break;
      case kind::ring_error: r->error = non_blocking(std::move(file)); break;
      case kind::ring_kick:
        if (!set_kick(event.ring, non_blocking(std::move(file)))) co_return false;
        co_return update(event.ring);
      case kind::ring_changed:
        if (!session_.ring(event.ring).can_run() && r->has_run) {
          co_await halt(event.ring);
          session_.set_base(event.ring, next_of(event.ring));
        }
        co_return update(event.ring);
      case kind::stop_ring: {
        drop_kick(*r);
        co_await halt(event.ring);
        r->left_at = next_of(event.ring);
        session_.stopped(event.ring, *r->left_at);
        break;
      }
      case kind::reset:
        for (std::size_t i = 0; i < rings_.size(); ++i) {
          drop_kick(rings_[i]);
          co_await halt(i);
          rings_[i].has_run = false;
        }
        device_->reset();
        started_ = false;
        session_.complete(true);
        break;
    }
    co_return true;
  }

  static posix::unique_fd non_blocking(posix::unique_fd file) noexcept {
    if (file) (void)::fcntl(file.get(), F_SETFL, ::fcntl(file.get(), F_GETFL) | O_NONBLOCK);
    return file;
  }

  /// Rings that run go on in the new memory. Without an acknowledgement a monitor cannot know that it failed.
  bool map_memory(const virtio::vhost_user_memory_table& table, const std::vector<posix::unique_fd>& files) {
    result<std::shared_ptr<guest_mapping>> mapped = guest_mapping::map(table, files);
    if (!mapped) {
      session_.complete(false);
      return !session_.reply().empty();
    }
    memory_ = std::move(*mapped);
    for (std::size_t i = 0; i < rings_.size(); ++i) {
      if (!rings_[i].runner->is_enabled()) continue;
      const std::optional<virtio::queue_layout> layout = layout_of(i);
      if (!layout || rings_[i].runner->move_to(memory_, *layout) != status::ok) return false;
    }
    session_.complete(true);
    return true;
  }

  // ---- rings

  std::optional<virtio::queue_layout> layout_of(std::size_t index) const noexcept {
    if (!memory_) return std::nullopt;
    const auto& state = session_.ring(index);
    const auto descriptors = memory_->to_guest(state.addresses.descriptors);
    const auto available = memory_->to_guest(state.addresses.available);
    const auto used = memory_->to_guest(state.addresses.used);
    if (!descriptors || !available || !used) return std::nullopt;
    return virtio::queue_layout{
        .size = state.size, .descriptors = *descriptors, .available = *available, .used = *used};
  }

  /// Starts a ring that can run. False when it is nowhere in the guest's memory.
  bool update(std::size_t index) {
    if (!session_.ring(index).can_run() || rings_[index].runner->is_enabled()) return true;
    const std::optional<virtio::queue_layout> layout = layout_of(index);
    if (!layout) return false;
    forget_driver_before(index);
    if (!started_) {
      started_ = true;
      device_->start(session_.accepted());
      tell(vhost_user_news::running);
    }
    if (rings_[index].runner->enable(memory_, *layout, session_.options_of(index)) != status::ok) return false;
    rings_[index].has_run = true;
    run_ring(index);  // what came before the kick file
    return true;
  }

  /// A guest that was paused goes on where its rings stopped. One that does not has been reset, which the
  /// protocol does not tell.
  void forget_driver_before(std::size_t index) {
    const std::optional<std::uint16_t> left_at = std::exchange(rings_[index].left_at, std::nullopt);
    const bool is_first = std::ranges::none_of(rings_, [](const ring& r) { return r.runner->is_enabled(); });
    if (!started_ || !is_first || !left_at || *left_at == session_.ring(index).base) return;
    device_->reset();
    started_ = false;
  }

  /// Where a ring goes on that has been halted, or has never run.
  std::uint16_t next_of(std::size_t index) {
    const bool ran = std::exchange(rings_[index].has_run, false);
    return ran ? rings_[index].runner->next() : session_.ring(index).base;
  }

  asio::awaitable<void> halt(std::size_t index) {
    rings_[index].runner->stop();
    while (!rings_[index].runner->is_idle() && !closed_) co_await changed_.wait();
  }

  /// False when it cannot be watched.
  bool set_kick(std::size_t index, posix::unique_fd file) {
    drop_kick(rings_[index]);
    if (!file) return true;
    auto kick = std::make_shared<asio::posix::stream_descriptor>(executor_);
    std::error_code error;
    (void)kick->assign(file.get(), error);
    if (error) return false;
    (void)file.release();
    rings_[index].kick = kick;
    asio::co_spawn(executor_, watch(this->shared_from_this(), index, kick), asio::detached);
    return true;
  }
  static void drop_kick(ring& r) {
    if (r.kick) {
      std::error_code ignored;
      (void)r.kick->close(ignored);
    }
    r.kick.reset();
  }
  static asio::awaitable<void> watch(std::shared_ptr<vhost_user_connection> self, std::size_t index,
                                     std::shared_ptr<asio::posix::stream_descriptor> kick) {
    for (;;) {
      const auto [error] =
          co_await kick->async_wait(asio::posix::descriptor_base::wait_read, shoal::detail::no_throw);
      if (error || !kick->is_open()) co_return;
      std::uint64_t kicks = 0;
      const ssize_t n = ::read(kick->native_handle(), &kicks, sizeof kicks);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (n <= 0) co_return;
      self->run_ring(index);
    }
  }

  asio::any_io_executor executor_;
  descriptor_socket socket_;
  std::shared_ptr<D> device_;
  std::function<void(vhost_user_news)> observe_;
  virtio::vhost_user_session session_;
  std::vector<ring> rings_;
  std::shared_ptr<guest_mapping> memory_;
  signal changed_;
  bool started_ = false;
  bool closed_ = false;
};

}  // namespace shoal::linux_os
