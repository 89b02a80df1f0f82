// Sets the wall clock of a process, forward and back, while it runs.
//
// Preloaded with LD_PRELOAD. KVD_CLOCK_FILE holds one 64-bit integer in the machine's order, the seconds to
// add; whoever writes it in place sets the clock. Only the wall clock moves: CLOCK_MONOTONIC is what it
// always is, and so are waits, which a wait for an instant of the wall clock would show by hanging.
//
// (libfaketime would do, but it changes the environment before `main`, and Swift, which finds a program's
// arguments from where the environment lies, then finds none.)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("KVD_CLOCK_FILE");
  if (!path) return;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
  if (map == MAP_FAILED) {
    fprintf(stderr, "clock: cannot map %s\n", path);
    abort();
  }
  close(file);
  offset = map;
}

static int64_t seconds(void) { return offset ? __atomic_load_n(offset, __ATOMIC_RELAXED) : 0; }

int clock_gettime(clockid_t id, struct timespec *result) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int code = real(id, result);
  if (code == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) result->tv_sec += seconds();
  return code;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone) {
  (void)zone;
  struct timespec time;
  int code = clock_gettime(CLOCK_REALTIME, &time);
  if (code == 0) *result = (struct timeval){time.tv_sec, time.tv_nsec / 1000};
  return code;
}

time_t time(time_t *result) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return (time_t)-1;
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec *result, int base) {
  if (base != TIME_UTC) return 0;
  return clock_gettime(CLOCK_REALTIME, result) ? 0 : base;
}
