// What `import Glibc` does not show Swift: epoll, eventfd, flock, accept4, unshare and thread names, and the processor's
// CRC-32C and prefetch instructions. Header only: nothing here is compiled into a library of its own.
#ifndef KVD_CLINUX_H
#define KVD_CLINUX_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>

// Declared here because glibc shows them only under _GNU_SOURCE, which must be set before any header.
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
// For the crash harness, whose small disks shall go when it does.
extern int unshare(int flags);
#define KVD_CLONE_NEWNS 0x00020000

// Asks for the cache line of any address, valid or not, without waiting for it.
static inline void kvd_prefetch(const void *address) { __builtin_prefetch(address); }

#if defined(__x86_64__)
// Leaf 1 of CPUID, bit 20 of ECX, is SSE 4.2.
static inline int kvd_has_crc32c(void) {
  unsigned a = 1, b, c = 0, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return (int)((c >> 20) & 1);
}

// Advances a raw (not inverted) CRC-32C register over `count` bytes. Call only where
// `kvd_has_crc32c` answered 1.
__attribute__((target("sse4.2")))
static inline uint32_t kvd_crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
  const unsigned char *next = (const unsigned char *)bytes;
  uint64_t wide = crc;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, next, 8);
    wide = __builtin_ia32_crc32di(wide, word);
    next += 8;
    count -= 8;
  }
  uint32_t narrow = (uint32_t)wide;
  while (count--) narrow = __builtin_ia32_crc32qi(narrow, *next++);
  return narrow;
}
#else
// On other processors the table in CRC32C.swift serves.
static inline int kvd_has_crc32c(void) { return 0; }
static inline uint32_t kvd_crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
  (void)bytes; (void)count;
  return crc;
}
#endif

#endif
