// Records what a process does to the files below one directory, for power-loss images.
//
// Preloaded with LD_PRELOAD. KVD_TRACE_DIRECTORY is the absolute path that is watched, KVD_TRACE_FILE the
// trace that is appended to. An entry is written after its call has returned and before the caller goes
// on, with the monotonic time before and after the call; bytes are taken then. A close is written before
// it is done, so that nobody can have got the number again. The layout is little-endian:
//
//     u32 kind, i32 fd, u64 start, u64 end, u64 offset, u64 length, u32 flags, u32 byte count, bytes
//
// Bytes that are all zero are left out, and flag bit 31 says so. What an image builder could not follow
// (copy_file_range, link and the like) is written as kind UNSUPPORTED, and the builder then refuses.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind {
  OPEN = 1, CLOSE, WRITE, SYNC, DATASYNC, TRUNCATE, ALLOCATE, RENAME, UNLINK, MKDIR, RMDIR, DUPLICATE,
  MAP, UNSUPPORTED
};

struct entry {
  uint32_t kind;
  int32_t fd;
  uint64_t start, end, offset, length;
  uint32_t flags, byte_count;
} __attribute__((packed));

#define ALL_ZERO 0x80000000u
#define FD_LIMIT 65536

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;
static char directory[PATH_MAX];
static size_t directory_length;
static unsigned char watched[FD_LIMIT];
// For proving that the images can fail: of the syncs of files whose path holds this text (or ends with what
// stands before a final '$'), every so many-th is left out.
static const char *forgotten_syncs;
static unsigned forgotten_each = 1;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("KVD_TRACE_DIRECTORY"), *file = getenv("KVD_TRACE_FILE");
  if (!path || !file || strlen(path) >= sizeof directory) return;
  forgotten_syncs = getenv("KVD_TRACE_FORGET");
  const char *each = getenv("KVD_TRACE_FORGET_EACH");
  if (each && atoi(each) > 0) forgotten_each = (unsigned)atoi(each);
  strcpy(directory, path);
  directory_length = strlen(directory);
  trace = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static int below(const char *path) {
  return trace >= 0 && path && !strncmp(path, directory, directory_length)
    && (path[directory_length] == 0 || path[directory_length] == '/');
}

static int is_watched(int fd) { return trace >= 0 && fd >= 0 && fd < FD_LIMIT && watched[fd]; }

static void die(const char *why) {
  fprintf(stderr, "recorder: %s\n", why);
  abort();
}

static void put(const void *bytes, size_t count) {
  const char *next = bytes;
  while (count) {
    long done = syscall(SYS_write, trace, next, count);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) die("cannot write the trace");
    next += done;
    count -= (size_t)done;
  }
}

static int all_zero(const unsigned char *bytes, size_t count) {
  return count && !bytes[0] && !memcmp(bytes, bytes + 1, count - 1);
}

static void emit(enum kind kind, int fd, uint64_t start, uint64_t offset, uint64_t length, uint32_t flags,
                 const void *bytes, size_t count) {
  int saved = errno;
  struct entry entry = {kind, fd, start, 0, offset, length, flags, (uint32_t)count};
  if (kind == WRITE && all_zero(bytes, count)) {
    entry.flags |= ALL_ZERO;
    entry.byte_count = 0;
    count = 0;
  }
  pthread_mutex_lock(&lock);
  entry.end = now();
  put(&entry, sizeof entry);
  if (count) put(bytes, count);
  pthread_mutex_unlock(&lock);
  errno = saved;
}

static void emit_paths(enum kind kind, uint64_t start, const char *first, const char *second) {
  char text[2 * PATH_MAX + 2];
  size_t count = (size_t)snprintf(text, sizeof text, "%s%s%s", first, second ? "\n" : "", second ? second : "");
  emit(kind, -1, start, 0, 0, 0, text, count);
}

static void unsupported(const char *name) { emit(UNSUPPORTED, -1, now(), 0, 0, 0, name, strlen(name)); }

#define REAL(result, name, ...) \
  static result (*real)(__VA_ARGS__); \
  if (!real) { \
    real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name); \
    if (!real) die(name); \
  }

// MARK: Opening and closing

static int opened(int fd, const char *path, int flags, uint64_t start) {
  if (fd >= 0 && fd < FD_LIMIT && below(path)) {
    watched[fd] = 1;
    emit(OPEN, fd, start, 0, 0, (uint32_t)flags, path, strlen(path));
  } else if (fd >= 0 && fd < FD_LIMIT) {
    watched[fd] = 0;
  }
  return fd;
}

#define MODE(flags) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | __O_TMPFILE)) { \
    va_list list; \
    va_start(list, flags); \
    mode = va_arg(list, mode_t); \
    va_end(list); \
  }

int open(const char *path, int flags, ...) {
  MODE(flags)
  REAL(int, "open", const char *, int, ...)
  uint64_t start = now();
  return opened(real(path, flags, mode), path, flags, start);
}

int open64(const char *path, int flags, ...) {
  MODE(flags)
  REAL(int, "open64", const char *, int, ...)
  uint64_t start = now();
  return opened(real(path, flags, mode), path, flags, start);
}

static void check_relative(int at, const char *path) {
  if (path && path[0] != '/' && is_watched(at)) unsupported("a path relative to a descriptor");
}

int openat(int at, const char *path, int flags, ...) {
  MODE(flags)
  REAL(int, "openat", int, const char *, int, ...)
  check_relative(at, path);
  uint64_t start = now();
  return opened(real(at, path, flags, mode), path, flags, start);
}

int openat64(int at, const char *path, int flags, ...) {
  MODE(flags)
  REAL(int, "openat64", int, const char *, int, ...)
  check_relative(at, path);
  uint64_t start = now();
  return opened(real(at, path, flags, mode), path, flags, start);
}

int creat(const char *path, mode_t mode) { return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int __open_2(const char *path, int flags) { return open(path, flags); }
int __open64_2(const char *path, int flags) { return open64(path, flags); }

int close(int fd) {
  REAL(int, "close", int)
  if (is_watched(fd)) {
    watched[fd] = 0;
    emit(CLOSE, fd, now(), 0, 0, 0, NULL, 0);
  }
  return real(fd);
}

static int duplicated(int from, int to, uint64_t start) {
  if (to >= 0 && to < FD_LIMIT) {
    watched[to] = (unsigned char)is_watched(from);
    if (watched[to]) emit(DUPLICATE, from, start, (uint64_t)to, 0, 0, NULL, 0);
  }
  return to;
}

int dup(int fd) {
  REAL(int, "dup", int)
  uint64_t start = now();
  return duplicated(fd, real(fd), start);
}

int dup2(int from, int to) {
  REAL(int, "dup2", int, int)
  uint64_t start = now();
  return duplicated(from, real(from, to), start);
}

int dup3(int from, int to, int flags) {
  REAL(int, "dup3", int, int, int)
  uint64_t start = now();
  return duplicated(from, real(from, to, flags), start);
}

static int controlled(int fd, int command, int result, uint64_t start) {
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) return duplicated(fd, result, start);
  if (command == F_SETFL && is_watched(fd)) unsupported("fcntl(F_SETFL)");
  return result;
}

#define CONTROL(name) \
  va_list list; \
  va_start(list, command); \
  void *argument = va_arg(list, void *); \
  va_end(list); \
  REAL(int, name, int, int, ...) \
  uint64_t start = now(); \
  return controlled(fd, command, real(fd, command, argument), start);

int fcntl(int fd, int command, ...) { CONTROL("fcntl") }
int fcntl64(int fd, int command, ...) { CONTROL("fcntl64") }

// MARK: Writing

static ssize_t wrote(int fd, const void *bytes, ssize_t count, int64_t offset, uint64_t start) {
  if (count > 0 && is_watched(fd)) {
    if (offset < 0) offset = (int64_t)lseek(fd, 0, SEEK_CUR) - count;
    emit(WRITE, fd, start, (uint64_t)offset, (uint64_t)count, 0, bytes, (size_t)count);
  }
  return count;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  REAL(ssize_t, "write", int, const void *, size_t)
  uint64_t start = now();
  return wrote(fd, bytes, real(fd, bytes, count), -1, start);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  REAL(ssize_t, "pwrite", int, const void *, size_t, off_t)
  uint64_t start = now();
  return wrote(fd, bytes, real(fd, bytes, count, offset), offset, start);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)
  uint64_t start = now();
  return wrote(fd, bytes, real(fd, bytes, count, offset), offset, start);
}

static ssize_t gathered(int fd, const struct iovec *parts, int count, ssize_t done, int64_t offset,
                        uint64_t start) {
  if (done <= 0 || !is_watched(fd)) return done;
  char *bytes = malloc((size_t)done);
  if (!bytes) die("out of memory");
  size_t filled = 0;
  for (int i = 0; i < count && filled < (size_t)done; i++) {
    size_t length = parts[i].iov_len;
    if (length > (size_t)done - filled) length = (size_t)done - filled;
    memcpy(bytes + filled, parts[i].iov_base, length);
    filled += length;
  }
  wrote(fd, bytes, done, offset, start);
  free(bytes);
  return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  REAL(ssize_t, "writev", int, const struct iovec *, int)
  uint64_t start = now();
  return gathered(fd, parts, count, real(fd, parts, count), -1, start);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  REAL(ssize_t, "pwritev", int, const struct iovec *, int, off_t)
  uint64_t start = now();
  return gathered(fd, parts, count, real(fd, parts, count, offset), offset, start);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off64_t)
  uint64_t start = now();
  return gathered(fd, parts, count, real(fd, parts, count, offset), offset, start);
}

static int sized(enum kind kind, int fd, uint64_t offset, uint64_t length, uint32_t flags, int result,
                 uint64_t start) {
  if (result == 0 && is_watched(fd)) emit(kind, fd, start, offset, length, flags, NULL, 0);
  return result;
}

int ftruncate(int fd, off_t length) {
  REAL(int, "ftruncate", int, off_t)
  uint64_t start = now();
  return sized(TRUNCATE, fd, 0, (uint64_t)length, 0, real(fd, length), start);
}

int ftruncate64(int fd, off64_t length) {
  REAL(int, "ftruncate64", int, off64_t)
  uint64_t start = now();
  return sized(TRUNCATE, fd, 0, (uint64_t)length, 0, real(fd, length), start);
}

int fallocate(int fd, int mode, off_t offset, off_t length) {
  REAL(int, "fallocate", int, int, off_t, off_t)
  uint64_t start = now();
  if (mode && is_watched(fd)) unsupported("fallocate with a mode");
  return sized(ALLOCATE, fd, (uint64_t)offset, (uint64_t)length, 0, real(fd, mode, offset, length), start);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }

int posix_fallocate(int fd, off_t offset, off_t length) {
  REAL(int, "posix_fallocate", int, off_t, off_t)
  uint64_t start = now();
  return sized(ALLOCATE, fd, (uint64_t)offset, (uint64_t)length, 0, real(fd, offset, length), start);
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }

// MARK: Syncing

static int forgets(int fd) {
  if (!forgotten_syncs) return 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t count = readlink(link, path, sizeof path - 1);
  if (count < 0) return 0;
  path[count] = 0;
  size_t length = strlen(forgotten_syncs);
  if (length && forgotten_syncs[length - 1] == '$') {
    length--;
    if ((size_t)count < length || strncmp(path + count - length, forgotten_syncs, length)) return 0;
  } else if (!strstr(path, forgotten_syncs)) {
    return 0;
  }
  static unsigned seen;
  return __atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED) % forgotten_each == 0;
}

int fsync(int fd) {
  REAL(int, "fsync", int)
  uint64_t start = now();
  int result = real(fd);
  return is_watched(fd) && forgets(fd) ? result : sized(SYNC, fd, 0, 0, 0, result, start);
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int)
  uint64_t start = now();
  int result = real(fd);
  return is_watched(fd) && forgets(fd) ? result : sized(DATASYNC, fd, 0, 0, 0, result, start);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  REAL(void *, "mmap", void *, size_t, int, int, int, off_t)
  uint64_t start = now();
  void *result = real(address, length, protection, flags, fd, offset);
  if (result != MAP_FAILED && !(flags & MAP_ANONYMOUS) && (flags & MAP_SHARED) && (protection & PROT_WRITE)
      && is_watched(fd))
    emit(MAP, fd, start, (uint64_t)offset, length, 0, NULL, 0);
  return result;
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
  return mmap(address, length, protection, flags, fd, offset);
}

// MARK: Names

static int named(enum kind kind, const char *first, const char *second, int result, uint64_t start) {
  if (result == 0 && (below(first) || below(second))) emit_paths(kind, start, first, second);
  return result;
}

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *)
  uint64_t start = now();
  return named(RENAME, from, to, real(from, to), start);
}

int renameat(int from_at, const char *from, int to_at, const char *to) {
  REAL(int, "renameat", int, const char *, int, const char *)
  check_relative(from_at, from);
  check_relative(to_at, to);
  uint64_t start = now();
  return named(RENAME, from, to, real(from_at, from, to_at, to), start);
}

int unlink(const char *path) {
  REAL(int, "unlink", const char *)
  uint64_t start = now();
  return named(UNLINK, path, NULL, real(path), start);
}

int unlinkat(int at, const char *path, int flags) {
  REAL(int, "unlinkat", int, const char *, int)
  int kind = flags & AT_REMOVEDIR ? RMDIR : UNLINK;
  uint64_t start = now();
  if (path[0] == '/' || !is_watched(at)) return named(kind, path, NULL, real(at, path, flags), start);
  // Of an open folder: its name is that of the descriptor.
  char link[64], whole[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", at);
  ssize_t count = readlink(link, whole, sizeof whole);
  if (count < 0 || (size_t)count + strlen(path) + 2 > sizeof whole) {
    unsupported("a path relative to a descriptor");
    return real(at, path, flags);
  }
  snprintf(whole + count, sizeof whole - (size_t)count, "/%s", path);
  return named(kind, whole, NULL, real(at, path, flags), start);
}

int remove(const char *path) {
  struct stat status;
  if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) return rmdir(path);
  return unlink(path);
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, "mkdir", const char *, mode_t)
  uint64_t start = now();
  return named(MKDIR, path, NULL, real(path, mode), start);
}

int rmdir(const char *path) {
  REAL(int, "rmdir", const char *)
  uint64_t start = now();
  return named(RMDIR, path, NULL, real(path), start);
}

// MARK: What the builder could not follow

#define REFUSE_FD(result, name, declaration, types, call, fd) \
  result name declaration { \
    REAL(result, #name, types) \
    if (is_watched(fd)) unsupported(#name); \
    return real call; \
  }
#define LIST(...) __VA_ARGS__

REFUSE_FD(ssize_t, copy_file_range, (int in, off64_t *a, int out, off64_t *b, size_t n, unsigned f),
          LIST(int, off64_t *, int, off64_t *, size_t, unsigned), (in, a, out, b, n, f), out)
REFUSE_FD(ssize_t, sendfile, (int out, int in, off_t *a, size_t n), LIST(int, int, off_t *, size_t),
          (out, in, a, n), out)
REFUSE_FD(ssize_t, pwritev2, (int fd, const struct iovec *p, int c, off_t o, int f),
          LIST(int, const struct iovec *, int, off_t, int), (fd, p, c, o, f), fd)

// A sync of a part promises nothing about what is needed to find it again, so it counts for nothing.
// msync is of no use without a writable map, and those are recorded as MAP.

int link(const char *from, const char *to) {
  REAL(int, "link", const char *, const char *)
  if (below(to)) unsupported("link");
  return real(from, to);
}

int symlink(const char *from, const char *to) {
  REAL(int, "symlink", const char *, const char *)
  if (below(to)) unsupported("symlink");
  return real(from, to);
}

int truncate(const char *path, off_t length) {
  REAL(int, "truncate", const char *, off_t)
  if (below(path)) unsupported("truncate");
  return real(path, length);
}

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
  REAL(int, "renameat2", int, const char *, int, const char *, unsigned)
  if (below(from) || below(to)) unsupported("renameat2");
  return real(from_at, from, to_at, to, flags);
}
