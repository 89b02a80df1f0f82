// Tells the thread sanitizer what a contended Synchronization.Mutex orders. Linked into every program of
// a build with that sanitizer; without it the tests report races that are none.
//
// The sanitizer sees the quick ways of the lock, a compare-and-exchange that the compiler puts into the
// code that locks. Where two threads meet, though, the standard library asks the kernel (FUTEX_LOCK_PI),
// which then changes the word of the lock itself: no instrumented code acquires or releases anything. So
// the two functions of the slow way are put before the library's, which they call. The names are those of
// `_MutexHandle._lockSlow(_: UInt32)` and `_MutexHandle._unlockSlow()`; the handle is their `self`.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

typedef SWIFT void (*lock_function)(uint32_t thread, SELF void *handle);
typedef SWIFT void (*unlock_function)(SELF void *handle);

void __tsan_acquire(void *address);
void __tsan_release(void *address);
SWIFT void lock_slowly(uint32_t thread, SELF void *handle) __asm__(LOCK);
SWIFT void unlock_slowly(SELF void *handle) __asm__(UNLOCK);

static void *library(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (!function) abort();
  return function;
}

SWIFT void lock_slowly(uint32_t thread, SELF void *handle) {
  static _Atomic(lock_function) next;
  if (!next) next = (lock_function)library(LOCK);
  lock_function lock = next;
  lock(thread, handle);
  __tsan_acquire(handle);
}

SWIFT void unlock_slowly(SELF void *handle) {
  static _Atomic(unlock_function) next;
  if (!next) next = (unlock_function)library(UNLOCK);
  unlock_function unlock = next;
  __tsan_release(handle);
  unlock(handle);
}
