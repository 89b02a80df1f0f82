// The machine that scripts run in: one state of Lua 5.1 with a bound on its memory and on a script's time.
//
// Lua's errors are long jumps. None crosses a frame of Swift: everything that may fail runs inside
// `lua_cpcall`, and what Lua calls of the server's (`kvd_lua_host`) returns a status and never raises.
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

// What a value is for a client.
typedef enum {
  KVD_LUA_STRING, KVD_LUA_INTEGER, KVD_LUA_NULL, KVD_LUA_BOOLEAN, KVD_LUA_STATUS, KVD_LUA_ERROR,
  KVD_LUA_DOUBLE, KVD_LUA_BIG_NUMBER, KVD_LUA_VERBATIM, KVD_LUA_ARRAY, KVD_LUA_MAP, KVD_LUA_SET
} kvd_lua_kind;

typedef struct {
  kvd_lua_kind kind;
  kvd_lua_bytes bytes;
  kvd_lua_bytes format;  // of verbatim text
  int64_t number;        // of elements, if it has any; of an error, whether it was counted when a command failed
} kvd_lua_value;

// The server, as scripts see it. `context` is that of the run.
typedef struct {
  // Carries out a command, or with `only_asks` tells whether the user may: then the reply is an integer.
  // The reply, in the protocol's version `resp`, stays until the next call. 0 ends the script.
  int (*call)(void *context, const kvd_lua_bytes *arguments, size_t count, int resp, int only_asks,
              kvd_lua_bytes *reply);
  // The next part of the reply, those of containers behind them.
  void (*emit)(void *context, const kvd_lua_value *value);
  // Why there is no reply.
  void (*fail)(void *context, kvd_lua_bytes text, int is_counted);
  // Whether somebody wants the script to end.
  int (*is_killed)(void *context);
  void (*log)(void *context, int level, kvd_lua_bytes text);
  // The SHA-1 in hexadecimal.
  void (*digest)(kvd_lua_bytes bytes, char text[40]);
} kvd_lua_host;

// What cjson's functions for it set.
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
  int is_over;       // the time is up, or the server ended the script
  int is_late;       // the time is up
  int resp;
  unsigned short seed[3];
  kvd_lua_json_options json;
} kvd_lua_machine;

static inline int64_t kvd_lua_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// A block of so many bytes may be the work of one instruction that takes milliseconds.
#define KVD_LUA_LARGE_BLOCK (1 << 16)

// Lua's memory, counted. A large block is refused once the time is up: an instruction that builds a string or
// enlarges a table takes as long as what it builds, and many run before their number is checked.
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

// The machine is what the allocator works for.
static inline kvd_lua_machine *kvd_lua_of(lua_State *L) {
  void *machine = NULL;
  lua_getallocf(L, &machine);
  return (kvd_lua_machine *)machine;
}

static void kvd_lua_hook(lua_State *L, lua_Debug *activation);

// Raises an error once the script is to end, and has every instruction from then on raise it again: a script
// that catches errors gets no further.
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

// Instructions between two checks of the time. One may take milliseconds: that compares long strings, or asks
// for the length of a table made for it.
#define KVD_LUA_INSTRUCTIONS 200

// Every so many instructions, and at every call: one may take long by itself, and coroutines that make
// coroutines could end each before its instructions are counted.
static void kvd_lua_hook(lua_State *L, lua_Debug *activation) {
  (void)activation;
  kvd_lua_check(L);
}

// MARK: Compiling

// A chunk as Lua's compiler is given it.
typedef struct {
  const char *at;
  size_t left;
} kvd_lua_chunk;

// Bytes that are compiled between two checks of the time.
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

// Compiles text, and leaves the function or what is wrong on the stack. What a compiler does is not all linear:
// Lua's walks all jumps that leave a loop, a condition or a chain of `or` for each of them. So it gets its text
// in pieces, and the time is checked at each.
//
// The chunk's name stays on the stack until then. Lua 5.1 keeps the only reference to it where its collector
// does not see it (CVE-2025-49844); here nothing of a script's runs that early, and no piece is asked for again
// after the last one with anything but its end.
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

// Pushes what redis.pcall returns for an error: `{err = "CODE text"}`. A text without a code is an ERR.
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
