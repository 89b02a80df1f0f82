// What `import Glibc` does not provide to Swift: epoll, eventfd, flock, accept4, unshare and thread names, the
// processor's CRC-32C and prefetch instructions; and long double, which Swift lacks on some processors. Header
// only: nothing is compiled into a library of its own.
#ifndef KVD_CLINUX_H
#define KVD_CLINUX_H

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>

// Declared here because glibc declares them only under _GNU_SOURCE, which must be defined before any header.
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
// Declared in <malloc.h>. Makes the allocator return unused memory to the system.
extern int malloc_trim(size_t keep);
// For the crash harness: the mounts of its small disks disappear when it ends.
extern int unshare(int flags);
#define KVD_CLONE_NEWNS 0x00020000

// Prefetches the cache line of any address, valid or not, without waiting for it.
static inline void kvd_prefetch(const void *address) { __builtin_prefetch(address); }

// Prefetches a line that is about to be written. In assembly because the compiler emits the instruction only for
// processors that announce it; older ones ignore it.
static inline void kvd_prefetch_for_writing(const void *address) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
  __builtin_prefetch(address, 1);
#endif
}

#if defined(__x86_64__)
// The processor's time-stamp counter. Reading it costs a third of reading the clock.
static inline uint64_t kvd_counter(void) { return __builtin_ia32_rdtsc(); }

// Whether that counter runs at a constant rate: leaf 0x80000007 of CPUID, bit 8 of EDX.
static inline int kvd_has_invariant_tsc(void) {
  unsigned a = 0x80000000u, b, c = 0, d;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  if (a < 0x80000007u) return 0;
  a = 0x80000007u;
  c = 0;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return (int)((d >> 8) & 1);
}

// ECX of leaf 1 of CPUID. Queried once and cached, because it is needed for every key.
static inline unsigned kvd_features(void) {
  static uint64_t known; // 0 = not queried yet
  uint64_t answer = __atomic_load_n(&known, __ATOMIC_RELAXED);
  if (__builtin_expect(answer == 0, 0)) {
    unsigned a = 1, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    answer = UINT64_C(1) << 32 | c;
    __atomic_store_n(&known, answer, __ATOMIC_RELAXED);
  }
  return (unsigned)answer;
}

// Bit 1 is PCLMULQDQ.
static inline int kvd_has_carryless_product(void) { return (int)(kvd_features() >> 1 & 1); }

// The upper half of the product of two polynomials over GF(2). Call only if `kvd_has_carryless_product` returned 1.
// (In assembly, so that it can be inlined into code built for any processor.)
static inline uint64_t kvd_carryless_product_high(uint64_t first, uint64_t second) {
  typedef uint64_t kvd_pair __attribute__((vector_size(16)));
  kvd_pair product = {first, 0}, factor = {second, 0};
  __asm__("pclmulqdq $0, %1, %0" : "+x"(product) : "x"(factor));
  return product[1];
}

// Bit 20 is SSE 4.2.
static inline int kvd_has_crc32c(void) { return (int)(kvd_features() >> 20 & 1); }

// Advances a raw (not inverted) CRC-32C register over `count` bytes. Call only if `kvd_has_crc32c` returned 1.
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

// The same over `first` and then `count` bytes.
__attribute__((target("sse4.2")))
static inline uint32_t kvd_crc32c_hardware_after(uint32_t crc, uint8_t first, const void *bytes,
                                                 size_t count) {
  return kvd_crc32c_hardware(__builtin_ia32_crc32qi(crc, first), bytes, count);
}
#else
static inline uint64_t kvd_counter(void) { return 0; }
static inline int kvd_has_invariant_tsc(void) { return 0; }

// Other processors use the table in SlotHash.swift.
static inline int kvd_has_carryless_product(void) { return 0; }
static inline uint64_t kvd_carryless_product_high(uint64_t first, uint64_t second) {
  (void)first; (void)second;
  return 0;
}

// Other processors use the table in CRC32C.swift.
static inline int kvd_has_crc32c(void) { return 0; }
static inline uint32_t kvd_crc32c_hardware(uint32_t crc, const void *bytes, size_t count) {
  (void)bytes; (void)count;
  return crc;
}
static inline uint32_t kvd_crc32c_hardware_after(uint32_t crc, uint8_t first, const void *bytes,
                                                 size_t count) {
  (void)first; (void)bytes; (void)count;
  return crc;
}
#endif

// Enough for the digits of any long double; the size that Redis uses.
#define KVD_LONG_DOUBLE_CHARS 5120
#define KVD_NOT_A_LONG_DOUBLE (-1)
#define KVD_INFINITE_LONG_DOUBLE (-2)

// Parses a number by the rules of Redis: strtold must accept all of it, without leading space, overflow or NaN.
static inline int kvd_parse_long_double(const void *text, size_t count, long double *value) {
  char buffer[KVD_LONG_DOUBLE_CHARS];
  char *end;
  if (count == 0 || count >= sizeof(buffer)) return 0;
  memcpy(buffer, text, count);
  buffer[count] = 0;
  if (isspace((unsigned char)buffer[0])) return 0;
  errno = 0;
  *value = strtold(buffer, &end);
  if (end != buffer + count || isnan(*value)) return 0;
  return !(errno == ERANGE && (isinf(*value) || *value == 0));
}

// Writes the sum of two numbers into `digits`, which has KVD_LONG_DOUBLE_CHARS bytes, in the format of Redis: 17
// digits after the point, without trailing zeros. Returns the length, or one of the two error codes above.
static inline int kvd_add_long_doubles(
    const void *first, size_t first_count, const void *second, size_t second_count, void *digits) {
  long double a, b;
  if (!kvd_parse_long_double(first, first_count, &a)) return KVD_NOT_A_LONG_DOUBLE;
  if (!kvd_parse_long_double(second, second_count, &b)) return KVD_NOT_A_LONG_DOUBLE;
  a += b;
  if (isnan(a) || isinf(a)) return KVD_INFINITE_LONG_DOUBLE;
  char *text = (char *)digits;
  int length = snprintf(text, KVD_LONG_DOUBLE_CHARS, "%.17Lf", a);
  while (text[length - 1] == '0') length--;
  if (text[length - 1] == '.') length--;
  if (length == 2 && text[0] == '-' && text[1] == '0') {
    text[0] = '0';
    length = 1;
  }
  return length;
}

#endif
