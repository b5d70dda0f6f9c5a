// SPDX-License-Identifier: BSL-1.0
//
// Checks of a kernel whose memory is anything: each ends, after work that is bounded by how much memory there
// is. The input is the memory, from an address on that its own bytes can name; fields lie close together, so
// that it can be small.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <vector>

#include <shoal/base/bytes.hpp>
#include <shoal/vmi/address_space.hpp>
#include <shoal/vmi/linux/credentials.hpp>
#include <shoal/vmi/linux/hidden_modules.hpp>
#include <shoal/vmi/linux/hidden_tasks.hpp>
#include <shoal/vmi/linux/interrupt_table.hpp>
#include <shoal/vmi/linux/module_list.hpp>
#include <shoal/vmi/linux/open_files.hpp>
#include <shoal/vmi/linux/sockets.hpp>
#include <shoal/vmi/linux/system_calls.hpp>

namespace {

using namespace shoal;
using namespace shoal::vmi;

constexpr virtual_address base{0x1'0000};

class memory {
 public:
  explicit memory(bytes_view bytes) noexcept : bytes_(bytes) {}

  status read(virtual_address address, bytes_span out) noexcept {
    ++reads;
    const std::uint64_t at = value(address) - value(base);
    if (!contains(bytes_.size(), at, out.size())) return status::out_of_range;
    std::ranges::copy(bytes_.subspan(static_cast<std::size_t>(at), out.size()), out.begin());
    return status::ok;
  }
  static pointer_width width() noexcept { return pointer_width::eight; }

  std::size_t reads = 0;

 private:
  bytes_view bytes_;
};

/// Each field at the next eight bytes, in 64; a few are larger.
struct close_types {
  static std::optional<field_layout> layout(std::string_view type, std::string_view path) {
    const std::size_t place = (type.size() + 3 * path.size()) % 8;
    std::uint32_t size = 8;
    if (path == "pid" || path == "tgid" || path == "flags" || path == "max_fds" || path == "f_flags") size = 4;
    if (path.ends_with("d_name.len") || path == "len" || path == "f_mode") size = 4;
    if (path.ends_with("family") || path.ends_with("port") || path.ends_with("num")) size = 2;
    if (path == "comm" || path == "name") size = 16;
    if (path == "slots") size = 64;
    if (path == "shift" || path == "offset") size = 1;
    return field_layout{static_cast<std::uint32_t>(8 * place), size, 0, 0};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 64 || size > 1 << 16) return 0;
  memory space{{reinterpret_cast<const std::byte*>(data), size}};
  const auto tasks_layout = hidden_task_layout::resolve(close_types{});
  const auto modules_layout = module_layout::resolve(close_types{});
  const auto files_layout = open_file_layout::resolve(close_types{});
  const auto sockets_layout = socket_layout::resolve(close_types{});
  if (!tasks_layout || !modules_layout || !files_layout || !sockets_layout) std::abort();

  const task_list tasks = read_tasks(space, tasks_layout->tasks, base);
  const task_places places{base, {base + 64, base + 192, 4}, {base + 128}};
  std::vector<finding> found = find_hidden_tasks(space, *tasks_layout, places, tasks);
  hidden_task_layout older = *tasks_layout;  // with a hash of numbers, and no tree
  older.pids.tree = std::nullopt;
  older.pids.hash = *pid_hash_layout::resolve(close_types{});
  if (find_hidden_tasks(space, older, places, tasks).size() > max_findings + 16) std::abort();
  (void)find_shared_credentials(tasks);
  if (!find_changed_credentials(rights_of(tasks), tasks).empty()) std::abort();  // nothing has changed

  const module_list modules = read_modules(space, *modules_layout, base);
  const auto hidden =
      find_hidden_modules(space, *modules_layout, {base + 64, base + 128, {{base, base + size}}}, modules);
  symbol_table symbols;
  (void)symbols.add(base, 'D', "sys_call_table");
  (void)symbols.add(base + size, 'D', "end");
  const code_names names{symbols, &modules};
  if (const auto calls = read_system_calls(space, symbols)) (void)check_system_calls(*calls, names, symbols);
  if (const auto gates = read_interrupt_table(space, base)) (void)check_interrupt_table(*gates, names);

  constexpr std::size_t steps = 1000;  // of paths, each of which reads a dozen times
  const open_file_list files = read_open_files(space, *files_layout, {base, base + 8}, base, steps);
  for (const open_file& each : files.files) (void)read_socket(space, *sockets_layout, each);

  // A place in memory is a node of a list or tree once: reads for each byte, and for each level above it.
  if (space.reads > 1000 * size + 20 * steps) std::abort();
  if (found.size() > max_findings + 16 || hidden.size() > max_findings + 16) std::abort();
  return 0;
}
