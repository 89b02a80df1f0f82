// The machine that runs scripts: one Lua 5.1 state with limits on its memory and on each script's time.
//
// Lua raises errors with long jumps. None may cross a Swift frame: everything that can fail runs inside
// `lua_cpcall`, and the server functions that Lua calls (`kvd_lua_host`) return a status and never raise.
#ifndef KVD_LUA_MACHINE_H
#define KVD_LUA_MACHINE_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KVD_LUA_FUNCTION __attribute__((noinline, unused)) static

typedef struct {
  const char *base;
  size_t count;
} kvd_lua_bytes;

// The type of a value as a client sees it.
typedef enum {
  KVD_LUA_STRING, KVD_LUA_INTEGER, KVD_LUA_NULL, KVD_LUA_BOOLEAN, KVD_LUA_STATUS, KVD_LUA_ERROR,
  KVD_LUA_DOUBLE, KVD_LUA_BIG_NUMBER, KVD_LUA_VERBATIM, KVD_LUA_ARRAY, KVD_LUA_MAP, KVD_LUA_SET
} kvd_lua_kind;

typedef struct {
  kvd_lua_kind kind;
  kvd_lua_bytes bytes;
  kvd_lua_bytes format;  // of verbatim text
  int64_t number;        // a container's element count; for an error, whether the failed command already counted it
} kvd_lua_value;

// The server as seen by scripts. `context` belongs to the current run.
typedef struct {
  // Executes a command; with `only_asks`, returns as an integer reply whether the user may execute it. The reply,
  // in protocol version `resp`, is valid until the next call. Returning 0 ends the script.
  int (*call)(void *context, const kvd_lua_bytes *arguments, size_t count, int resp, int only_asks,
              kvd_lua_bytes *reply);
  // Receives the next part of the reply. The elements of a container follow it.
  void (*emit)(void *context, const kvd_lua_value *value);
  // Receives the reason why there is no reply.
  void (*fail)(void *context, kvd_lua_bytes text, int is_counted);
  // Whether the script has been asked to stop.
  int (*is_killed)(void *context);
  void (*log)(void *context, int level, kvd_lua_bytes text);
  // Computes the SHA-1 in hexadecimal.
  void (*digest)(kvd_lua_bytes bytes, char text[40]);
} kvd_lua_host;

// Options set by functions of cjson.
typedef struct {
  int sparse_convert, sparse_ratio, sparse_safe;
  int encode_depth, decode_depth;
  int precision, keeps_buffer;
  int encode_invalid;  // 2: as null
  int decode_invalid;
} kvd_lua_json_options;

#define KVD_LUA_JSON_DEPTH 1000

typedef struct {
  lua_State *state;
  const kvd_lua_host *host;
  void *context;
  size_t used, limit;
  int64_t deadline;  // nanoseconds of the monotonic clock; 0 while no script runs
  int is_over;       // the deadline passed, or the server ended the script
  int is_late;       // the deadline passed
  int resp;
  unsigned short seed[3];
  kvd_lua_json_options json;
} kvd_lua_machine;

static inline int64_t kvd_lua_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// A block of at least this size may be the work of one instruction that takes milliseconds.
#define KVD_LUA_LARGE_BLOCK (1 << 16)

// Lua's allocator, which counts memory. Once the deadline has passed, large blocks are refused: an instruction that
// builds a string or grows a table takes time in proportion, and many can run before the instruction count is
// checked.
KVD_LUA_FUNCTION void *kvd_lua_allocate(void *context, void *block, size_t old, size_t size) {
  kvd_lua_machine *machine = (kvd_lua_machine *)context;
  void *moved;
  if (size == 0) {
    free(block);
    machine->used -= old;
    return NULL;
  }
  if (size > old && (machine->used > machine->limit || size - old > machine->limit - machine->used)) return NULL;
  if (size > old && size >= KVD_LUA_LARGE_BLOCK && machine->deadline) {
    if (!machine->is_over && kvd_lua_now() >= machine->deadline) machine->is_over = machine->is_late = 1;
    if (machine->is_over) return NULL;
  }
  moved = realloc(block, size);
  if (moved) machine->used = machine->used - old + size;
  return moved;
}

// The machine, stored as the allocator's context.
static inline kvd_lua_machine *kvd_lua_of(lua_State *L) {
  void *machine = NULL;
  lua_getallocf(L, &machine);
  return (kvd_lua_machine *)machine;
}

static void kvd_lua_hook(lua_State *L, lua_Debug *activation);

// Raises an error once the script must end. From then on every instruction raises it again, so a script that
// catches errors makes no progress.
KVD_LUA_FUNCTION void kvd_lua_check(lua_State *L) {
  kvd_lua_machine *machine = kvd_lua_of(L);
  if (!machine->is_over) {
    machine->is_late = kvd_lua_now() >= machine->deadline;
    if (!machine->is_late && !machine->host->is_killed(machine->context)) return;
    machine->is_over = 1;
  }
  lua_sethook(L, kvd_lua_hook, LUA_MASKCALL | LUA_MASKCOUNT, 1);
  lua_pushnil(L);
  lua_error(L);
}

// Instructions between two checks of the time. A single one may take milliseconds: for example, comparing long
// strings, or taking the length of a table built to make that slow.
#define KVD_LUA_INSTRUCTIONS 200

// Runs every KVD_LUA_INSTRUCTIONS instructions and at every call. A call may take long by itself, and coroutines
// that create coroutines could each end before their instructions are counted.
static void kvd_lua_hook(lua_State *L, lua_Debug *activation) {
  (void)activation;
  kvd_lua_check(L);
}

// MARK: Compiling

// A chunk being passed to Lua's compiler.
typedef struct {
  const char *at;
  size_t left;
} kvd_lua_chunk;

// Bytes compiled between two checks of the time.
#define KVD_LUA_PIECE 256

static const char *kvd_lua_read_piece(lua_State *L, void *context, size_t *count) {
  kvd_lua_chunk *chunk = (kvd_lua_chunk *)context;
  const char *piece = chunk->at;
  kvd_lua_check(L);
  *count = chunk->left < KVD_LUA_PIECE ? chunk->left : KVD_LUA_PIECE;
  chunk->at += *count;
  chunk->left -= *count;
  return *count ? piece : NULL;
}

// Compiles `text` and leaves the function or the error message on the stack. Compilation is not always linear: for
// every jump out of a loop, a condition or a chain of `or`, Lua's compiler walks the list of all of them. So the
// text is passed in pieces, with a time check before each.
//
// The chunk's name is kept on the stack during compilation, because Lua 5.1 holds the only reference to it where
// its collector does not see it (CVE-2025-49844). No code of the script runs that early, and after the last piece
// the reader reports only the end.
KVD_LUA_FUNCTION int kvd_lua_compile(lua_State *L, kvd_lua_bytes text, const char *name) {
  kvd_lua_chunk chunk = {text.base, text.count};
  int failed;
  luaL_checkstack(L, 4, "chunk");
  lua_pushstring(L, name);
  failed = lua_load(L, kvd_lua_read_piece, &chunk, lua_tostring(L, -1));
  lua_remove(L, -2);
  if (failed && kvd_lua_of(L)->is_over) kvd_lua_check(L);
  return failed;
}

// Pushes what redis.pcall returns for an error: `{err = "CODE text"}`. A text without a code gets the code ERR.
KVD_LUA_FUNCTION void kvd_lua_push_error(lua_State *L, const char *text, size_t count) {
  const char *space;
  while (count && (text[count - 1] == '\n' || text[count - 1] == '\r')) count--;
  lua_createtable(L, 0, 1);
  if (count && *text == '-') {
    text++;
    count--;
    space = (const char *)memchr(text, ' ', count);
    lua_pushstring(L, space ? "" : "ERR ");
  } else {
    lua_pushstring(L, "ERR ");
  }
  lua_pushlstring(L, text, count);
  lua_concat(L, 2);
  lua_setfield(L, -2, "err");
}

// Raises such an error.
KVD_LUA_FUNCTION int kvd_lua_refuse(lua_State *L, const char *text) {
  kvd_lua_push_error(L, text, strlen(text));
  return lua_error(L);
}

#endif
