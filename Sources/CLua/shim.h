// Lua 5.1 as the server uses it: a machine is created, runs scripts one after another, and is freed. Header only:
// nothing is compiled into a library of its own.
#ifndef KVD_CLUA_H
#define KVD_CLUA_H

#include "sandbox.h"

typedef enum {
  KVD_LUA_DONE,      // the complete reply was emitted
  KVD_LUA_FAILED,    // `fail` was called with the reason
  KVD_LUA_LATE,      // the deadline passed
  KVD_LUA_ENDED,     // the server ended the script
  KVD_LUA_STARVED,   // memory ran out
} kvd_lua_status;

typedef struct {
  kvd_lua_bytes digest;  // followed by a zero byte
  kvd_lua_bytes source;
  const kvd_lua_bytes *keys;
  size_t key_count;
  const kvd_lua_bytes *arguments;
  size_t argument_count;
  int only_compiles;
  kvd_lua_status status;
} kvd_lua_script;

// Turns any raised value into a table with the error text and its source line. If a C function raised it, this is
// the line of the script that called the function.
static int kvd_lua_explain(lua_State *L) {
  lua_Debug at;
  int is_known, level = 1;
  lua_settop(L, 1);
  if (kvd_lua_of(L)->is_over) return 1;
  if (!lua_istable(L, 1)) {
    lua_createtable(L, 0, 3);
    if (lua_isstring(L, 1)) {
      lua_pushliteral(L, "ERR ");
      lua_pushvalue(L, 1);
      lua_concat(L, 2);
    } else if (lua_isboolean(L, 1)) {
      lua_pushstring(L, lua_toboolean(L, 1) ? "ERR true" : "ERR false");
    } else if (lua_isnil(L, 1)) {
      lua_pushliteral(L, "ERR nil");
    } else {
      lua_pushfstring(L, "ERR %s: %p", luaL_typename(L, 1), lua_topointer(L, 1));
    }
    lua_setfield(L, -2, "err");
  }
  do {
    is_known = lua_getstack(L, level++, &at) && lua_getinfo(L, "Sl", &at);
  } while (is_known && *at.what == 'C');
  if (is_known) {
    lua_pushliteral(L, "source");
    lua_pushstring(L, at.source);
    lua_rawset(L, -3);
    lua_pushliteral(L, "line");
    lua_pushinteger(L, at.currentline);
    lua_rawset(L, -3);
  }
  return 1;
}

// Maximum length of an error sent to a client, in bytes.
#define KVD_LUA_ERROR_LIMIT (1 << 16)

static inline void kvd_lua_fail(lua_State *L, kvd_lua_script *script, int is_counted) {
  kvd_lua_machine *machine = kvd_lua_of(L);
  kvd_lua_bytes text = kvd_lua_string_at(L, -1);
  if (text.count > KVD_LUA_ERROR_LIMIT) text.count = KVD_LUA_ERROR_LIMIT;
  script->status = KVD_LUA_FAILED;
  machine->host->fail(machine->context, text, is_counted);
}

// Pushes the script's function, compiled now or earlier. Returns 0 if it cannot be compiled.
KVD_LUA_FUNCTION int kvd_lua_push_script(lua_State *L, kvd_lua_script *script) {
  lua_getfield(L, LUA_REGISTRYINDEX, KVD_LUA_SCRIPTS);
  lua_getfield(L, -1, script->digest.base);
  if (!lua_isnil(L, -1)) return 1;
  lua_pop(L, 1);
  int failed;
  if (script->source.count && *script->source.base == LUA_SIGNATURE[0]) {
    lua_pushliteral(L, "bytecode is not allowed");
    failed = 1;
  } else {
    failed = kvd_lua_compile(L, script->source, "@user_script");
  }
  if (failed) {
    if (failed == LUA_ERRMEM) lua_error(L);
    lua_pushliteral(L, "ERR Error compiling script (new function): ");
    lua_insert(L, -2);
    lua_concat(L, 2);
    kvd_lua_fail(L, script, 0);
    return 0;
  }
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, script->digest.base);
  return 1;
}

// Reports the error in the table on top of the stack to the server.
KVD_LUA_FUNCTION void kvd_lua_tell(lua_State *L, kvd_lua_script *script) {
  int table = lua_gettop(L), is_counted = 0;
  if (!lua_istable(L, table)) {
    // An error raised while Lua handled another error was not passed to `kvd_lua_explain`.
    lua_pushliteral(L, "ERR ");
    lua_pushstring(L, lua_isstring(L, table) ? lua_tostring(L, table) : "unknown error");
    lua_concat(L, 2);
    return kvd_lua_fail(L, script, 0);
  }
  if (kvd_lua_field(L, KVD_LUA_COUNTED, LUA_TBOOLEAN)) is_counted = 1;
  lua_pushliteral(L, "err");
  lua_rawget(L, table);
  if (!lua_isstring(L, -1)) lua_pushliteral(L, "ERR unknown error");
  lua_pushliteral(L, "source");
  lua_rawget(L, table);
  lua_pushliteral(L, "line");
  lua_rawget(L, table);
  if (lua_isstring(L, -2) && lua_isstring(L, -1)) {
    lua_pushfstring(
        L, "%s script: %s, on %s:%s.", lua_tostring(L, -3), script->digest.base, lua_tostring(L, -2),
        lua_tostring(L, -1));
  } else {
    lua_pop(L, 2);
  }
  kvd_lua_fail(L, script, is_counted);
}

static int kvd_lua_emit_protected(lua_State *L) {
  kvd_lua_emit(L, 0);
  return 0;
}

static int kvd_lua_run_protected(lua_State *L) {
  kvd_lua_script *script = (kvd_lua_script *)lua_touserdata(L, 1);
  int failed;
  lua_settop(L, 0);
  kvd_lua_push_globals(L, script->keys, script->key_count, script->arguments, script->argument_count);
  lua_pushcfunction(L, kvd_lua_explain);
  if (!kvd_lua_push_script(L, script) || script->only_compiles) return 0;
  lua_pushvalue(L, 1);
  lua_setfenv(L, -2);
  lua_sethook(L, kvd_lua_hook, LUA_MASKCALL | LUA_MASKCOUNT, KVD_LUA_INSTRUCTIONS);
  failed = lua_pcall(L, 0, 1, 2);
  if (!failed) {
    lua_pushcfunction(L, kvd_lua_emit_protected);
    lua_insert(L, -2);
    failed = lua_pcall(L, 1, 0, 2);
  }
  if (kvd_lua_of(L)->is_over) return 0;
  if (failed == LUA_ERRMEM) script->status = KVD_LUA_STARVED;
  else if (failed) kvd_lua_tell(L, script);
  return 0;
}

// Runs a script whose deadline has been set. The state remains usable after every outcome.
KVD_LUA_FUNCTION kvd_lua_status kvd_lua_run(kvd_lua_machine *machine, kvd_lua_script *script) {
  int failed;
  machine->is_over = machine->is_late = 0;
  machine->resp = 2;
  kvd_lua_json_reset(machine);
  kvd_lua_seed(machine, (unsigned int)kvd_lua_now() * 2654435761u);
  script->status = KVD_LUA_DONE;
  failed = lua_cpcall(machine->state, kvd_lua_run_protected, script);
  lua_sethook(machine->state, NULL, 0, 0);
  machine->deadline = 0;
  // Outside the script itself only lack of memory raises an error.
  if (failed) script->status = KVD_LUA_STARVED;
  lua_settop(machine->state, 0);
  if (machine->is_over) return machine->is_late ? KVD_LUA_LATE : KVD_LUA_ENDED;
  return script->status;
}

// Returns NULL if there is not enough memory.
KVD_LUA_FUNCTION kvd_lua_machine *kvd_lua_make(const kvd_lua_host *host, size_t limit) {
  kvd_lua_machine *machine = (kvd_lua_machine *)calloc(1, sizeof *machine);
  if (!machine) return NULL;
  machine->host = host;
  machine->limit = limit;
  machine->state = lua_newstate(kvd_lua_allocate, machine);
  if (machine->state && lua_cpcall(machine->state, kvd_lua_set_up, NULL) == 0) return machine;
  if (machine->state) lua_close(machine->state);
  free(machine);
  return NULL;
}

KVD_LUA_FUNCTION void kvd_lua_free(kvd_lua_machine *machine) {
  lua_close(machine->state);
  free(machine);
}

#endif
