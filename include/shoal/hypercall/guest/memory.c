// SPDX-License-Identifier: BSL-1.0
//
// The four functions that a compiler may call on its own, for a program that has no library to bring them. C11,
// and C++ for a build that has no C.
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
void* memcpy(void* to, const void* from, size_t size);
void* memmove(void* to, const void* from, size_t size);
void* memset(void* to, int value, size_t size);
int memcmp(const void* left, const void* right, size_t size);
#ifdef __cplusplus
}
#endif

// or the compiler sees what a loop is, and makes it a call of the very function that it is in
#define NOT_TO_BE_SEEN_THROUGH __asm__ volatile("" ::: "memory")

void* memcpy(void* to, const void* from, size_t size) {
  unsigned char* out = (unsigned char*)to;
  const unsigned char* in = (const unsigned char*)from;
  for (size_t i = 0; i < size; ++i) {
    out[i] = in[i];
    NOT_TO_BE_SEEN_THROUGH;
  }
  return to;
}

void* memmove(void* to, const void* from, size_t size) {
  unsigned char* out = (unsigned char*)to;
  const unsigned char* in = (const unsigned char*)from;
  if (out <= in) return memcpy(to, from, size);
  while (size-- > 0) {
    out[size] = in[size];
    NOT_TO_BE_SEEN_THROUGH;
  }
  return to;
}

void* memset(void* to, int value, size_t size) {
  unsigned char* out = (unsigned char*)to;
  for (size_t i = 0; i < size; ++i) {
    out[i] = (unsigned char)value;
    NOT_TO_BE_SEEN_THROUGH;
  }
  return to;
}

int memcmp(const void* left, const void* right, size_t size) {
  const unsigned char* a = (const unsigned char*)left;
  const unsigned char* b = (const unsigned char*)right;
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}
