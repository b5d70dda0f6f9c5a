// SPDX-License-Identifier: BSL-1.0
//
// Prints words of a kernel's memory as the kernel shows them to root, in /proc/kcore: what a detector outside
// is held against.
//
//     kernel_words HEXADECIMAL_ADDRESS COUNT
#include <elf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

template <class T>
bool read_at(int file, std::uint64_t at, T& to) {
  return pread(file, &to, sizeof to, static_cast<off_t>(at)) == static_cast<ssize_t>(sizeof to);
}

/// Where an address is in the file; 0 when it is not.
std::uint64_t place_of(int core, std::uint64_t address) {
  Elf64_Ehdr head{};
  if (!read_at(core, 0, head)) return 0;
  for (std::uint64_t i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr part{};
    if (!read_at(core, head.e_phoff + i * sizeof part, part)) return 0;
    const bool here = address >= part.p_vaddr && address - part.p_vaddr < part.p_memsz;
    if (part.p_type == PT_LOAD && here) return part.p_offset + (address - part.p_vaddr);
  }
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  const int core = open("/proc/kcore", O_RDONLY);
  const std::uint64_t at = place_of(core, std::strtoull(words[1], nullptr, 16));
  const std::uint64_t wanted = std::strtoull(words[2], nullptr, 10);
  for (std::uint64_t i = 0; i < wanted; ++i) {
    std::uint64_t word = 0;
    if (at == 0 || !read_at(core, at + 8 * i, word)) return 1;
    std::printf("0x%llx\n", static_cast<unsigned long long>(word));
  }
}
