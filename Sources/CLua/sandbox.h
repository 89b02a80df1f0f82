// What scripts can access, and what they cannot.
//
// The state outlives scripts and is shared by users who must not see each other's data. So no script can obtain a
// table that another script sees: the global table of each run is new, empty and read-only; it looks names up in
// tables that scripts cannot reach, and provides copies of libraries. Excluded are: what could run or remain after
// a script ends (finalizers: newproxy), what runs long without being counted (a full garbage collection), and byte
// code, which Lua executes without verifying it.
#ifndef KVD_LUA_SANDBOX_H
#define KVD_LUA_SANDBOX_H

#include "bit.h"
#include "guards.h"
#include "json.h"
#include "redis.h"
#include "search.h"

// Registry keys of the functions outside libraries, the libraries, the scripts by digest, and the global variables
// of the running script.
#define KVD_LUA_BASE "kvd.base"
#define KVD_LUA_LIBRARIES "kvd.libraries"
#define KVD_LUA_SCRIPTS "kvd.scripts"
#define KVD_LUA_OWN "kvd.own"

// Maximum size of a chunk compiled at once, in bytes. Lua counts the `=` signs of a long bracket in an int, which
// overflows at 2 GiB of them (CVE-2025-46819).
#define KVD_LUA_SOURCE_LIMIT (1 << 20)

// MARK: Replacements for functions of Lua

// As in Redis, an error table with an `err` string is returned as that string.
static int kvd_lua_pcall(lua_State *L) {
  int failed;
  luaL_checkany(L, 1);
  failed = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  kvd_lua_check(L);
  luaL_checkstack(L, 4, "results");
  if (failed && lua_istable(L, -1) && kvd_lua_field(L, "err", LUA_TSTRING)) lua_replace(L, -2);
  lua_pushboolean(L, !failed);
  lua_insert(L, 1);
  return lua_gettop(L);
}

// The handler is called after the stack was unwound. If it ran inside, after an error raised by a hook, no hook
// would be called any more, and a handler that never returns could not be stopped.
static int kvd_lua_xpcall(lua_State *L) {
  int failed;
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  lua_insert(L, 1);
  failed = lua_pcall(L, 0, LUA_MULTRET, 0);
  kvd_lua_check(L);
  if (failed) lua_call(L, 1, LUA_MULTRET);
  else lua_remove(L, 1);
  luaL_checkstack(L, 2, "results");
  lua_pushboolean(L, !failed);
  lua_insert(L, 1);
  return lua_gettop(L);
}

KVD_LUA_FUNCTION int kvd_lua_load_text(lua_State *L, kvd_lua_bytes text, const char *name) {
  if (text.count && *text.base == LUA_SIGNATURE[0]) lua_pushliteral(L, "bytecode is not allowed");
  else if (text.count > KVD_LUA_SOURCE_LIMIT) lua_pushliteral(L, "the chunk is too long");
  else if (kvd_lua_compile(L, text, name) == 0) return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

static int kvd_lua_loadstring(lua_State *L) {
  kvd_lua_bytes text;
  text.base = luaL_checklstring(L, 1, &text.count);
  return kvd_lua_load_text(L, text, luaL_optstring(L, 2, text.base));
}

static int kvd_lua_load(lua_State *L) {
  const char *name = luaL_optstring(L, 2, "=(load)");
  luaL_Buffer text;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 2);
  luaL_buffinit(L, &text);
  for (;;) {
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (!lua_isstring(L, -1) && !lua_isnil(L, -1)) return luaL_error(L, "reader function must return a string");
    if (lua_isnil(L, -1) || lua_objlen(L, -1) == 0) break;
    luaL_addvalue(&text);
  }
  lua_pop(L, 1);
  luaL_pushresult(&text);
  return kvd_lua_load_text(L, kvd_lua_string_at(L, -1), name);
}

static int kvd_lua_collectgarbage(lua_State *L) {
  const char *option = luaL_optstring(L, 1, "collect");
  lua_pushnumber(L, strcmp(option, "count") == 0 ? (lua_Number)kvd_lua_of(L)->used / 1024 : 0);
  return 1;
}

// Different numbers in every run, as in Redis, unless the script sets the seed.
static int kvd_lua_random(lua_State *L) {
  double share = erand48(kvd_lua_of(L)->seed);
  int low = 1, high;
  switch (lua_gettop(L)) {
    case 0:
      lua_pushnumber(L, share);
      return 1;
    case 1: high = luaL_checkint(L, 1); break;
    case 2:
      low = luaL_checkint(L, 1);
      high = luaL_checkint(L, 2);
      break;
    default: return luaL_error(L, "wrong number of arguments");
  }
  luaL_argcheck(L, low <= high, lua_gettop(L), "interval is empty");
  lua_pushnumber(L, floor(share * ((double)high - low + 1)) + low);
  return 1;
}

static inline void kvd_lua_seed(kvd_lua_machine *machine, unsigned int seed) {
  machine->seed[0] = 0x330E;
  machine->seed[1] = (unsigned short)seed;
  machine->seed[2] = (unsigned short)(seed >> 16);
}

static int kvd_lua_randomseed(lua_State *L) {
  kvd_lua_seed(kvd_lua_of(L), (unsigned int)luaL_checkint(L, 1));
  return 0;
}

static int kvd_lua_clock(lua_State *L) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  lua_pushnumber(L, (lua_Number)time.tv_sec + (lua_Number)time.tv_nsec / 1e9);
  return 1;
}

static int kvd_lua_less(lua_State *L) {
  lua_pushboolean(L, lua_lessthan(L, 1, 2));
  return 1;
}

// Lua's own table.sort (the upvalue), always with a comparison function: the time is checked at each call of it.
// For some orders of the elements sorting takes quadratic time.
static int kvd_lua_sort(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) {
    lua_pushcfunction(L, kvd_lua_less);
    lua_replace(L, 2);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 0);
  return 0;
}

// MARK: Global variables

static int kvd_lua_global(lua_State *L) {
  const char *tables[] = {KVD_LUA_OWN, KVD_LUA_BASE, KVD_LUA_LIBRARIES};
  const char *name;
  int index;
  lua_settop(L, 2);
  for (index = 0; index < 3; index++) {
    lua_getfield(L, LUA_REGISTRYINDEX, tables[index]);
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    if (!lua_isnil(L, -1)) break;
    lua_settop(L, 2);
  }
  if (index < 2) return 1;
  if (index == 3) {
    name = lua_tostring(L, 2);
    return luaL_error(L, "Script attempted to access nonexistent global variable '%s'", name ? name : "?");
  }
  lua_newtable(L);
  for (lua_pushnil(L); lua_next(L, -3);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
  lua_getfield(L, LUA_REGISTRYINDEX, KVD_LUA_OWN);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -3);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  return 1;
}

static int kvd_lua_locked(lua_State *L) { return luaL_error(L, "Attempt to modify a readonly table"); }

// Pushes the global table of a run, with KEYS and ARGV.
KVD_LUA_FUNCTION void kvd_lua_push_globals(
    lua_State *L, const kvd_lua_bytes *keys, size_t key_count, const kvd_lua_bytes *arguments, size_t argument_count) {
  size_t index;
  lua_newtable(L);
  luaL_getmetatable(L, "kvd.globals");
  lua_setmetatable(L, -2);
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "_G");
  lua_createtable(L, (int)key_count, 0);
  for (index = 0; index < key_count; index++) {
    lua_pushlstring(L, keys[index].base, keys[index].count);
    lua_rawseti(L, -2, (int)index + 1);
  }
  lua_setfield(L, -2, "KEYS");
  lua_createtable(L, (int)argument_count, 0);
  for (index = 0; index < argument_count; index++) {
    lua_pushlstring(L, arguments[index].base, arguments[index].count);
    lua_rawseti(L, -2, (int)index + 1);
  }
  lua_setfield(L, -2, "ARGV");
  lua_setfield(L, LUA_REGISTRYINDEX, KVD_LUA_OWN);
  lua_pushvalue(L, -1);
  lua_replace(L, LUA_GLOBALSINDEX);
}

// MARK: Set-up

static const luaL_Reg kvd_lua_base_functions[] = {
  {"pcall", kvd_lua_pcall}, {"xpcall", kvd_lua_xpcall}, {"loadstring", kvd_lua_loadstring}, {"load", kvd_lua_load},
  {"collectgarbage", kvd_lua_collectgarbage}, {"unpack", kvd_lua_unpack}, {NULL, NULL},
};

static const char *const kvd_lua_base_names[] = {
  "assert", "error", "getfenv", "getmetatable", "ipairs", "next", "pairs", "rawequal", "rawget", "rawset", "select",
  "setfenv", "setmetatable", "tonumber", "tostring", "type", "_VERSION", NULL,
};

static const luaL_Reg kvd_lua_string_functions[] = {
  {"find", kvd_lua_str_find}, {"match", kvd_lua_str_match}, {"gmatch", kvd_lua_gmatch}, {"gsub", kvd_lua_str_gsub},
  {"rep", kvd_lua_rep}, {NULL, NULL},
};

static const luaL_Reg kvd_lua_table_functions[] = {
  {"concat", kvd_lua_concat}, {"insert", kvd_lua_insert}, {"remove", kvd_lua_remove}, {NULL, NULL},
};

static const luaL_Reg kvd_lua_math_functions[] = {
  {"random", kvd_lua_random}, {"randomseed", kvd_lua_randomseed}, {NULL, NULL},
};

// Copies Lua's library `name` from the global table to the libraries table on top of the stack, and pushes it.
static inline void kvd_lua_take_library(lua_State *L, const char *name) {
  lua_getglobal(L, name);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, name);
}

// Sets up a new state. Called once, in protected mode.
static int kvd_lua_set_up(lua_State *L) {
  static const lua_CFunction openers[] = {luaopen_base, luaopen_table, luaopen_string, luaopen_math, NULL};
  int index;
  for (index = 0; openers[index]; index++) {
    lua_pushcfunction(L, openers[index]);
    lua_call(L, 0, 0);
  }
  lua_newtable(L);
  lua_setfield(L, LUA_REGISTRYINDEX, KVD_LUA_SCRIPTS);
  lua_newtable(L);
  luaL_register(L, NULL, kvd_lua_base_functions);
  for (index = 0; kvd_lua_base_names[index]; index++) {
    lua_getglobal(L, kvd_lua_base_names[index]);
    lua_setfield(L, -2, kvd_lua_base_names[index]);
  }
  lua_setfield(L, LUA_REGISTRYINDEX, KVD_LUA_BASE);

  lua_newtable(L);
  kvd_lua_take_library(L, "coroutine");
  lua_pop(L, 1);
  kvd_lua_take_library(L, "math");
  luaL_register(L, NULL, kvd_lua_math_functions);
  lua_pop(L, 1);
  kvd_lua_take_library(L, "string");
  luaL_register(L, NULL, kvd_lua_string_functions);
  lua_pushnil(L);
  lua_setfield(L, -2, "dump");
  lua_pushnil(L);
  lua_setfield(L, -2, "gfind");
  lua_pop(L, 1);
  kvd_lua_take_library(L, "table");
  lua_getfield(L, -1, "sort");
  lua_pushcclosure(L, kvd_lua_sort, 1);
  lua_setfield(L, -2, "sort");
  luaL_register(L, NULL, kvd_lua_table_functions);
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushcfunction(L, kvd_lua_clock);
  lua_setfield(L, -2, "clock");
  lua_setfield(L, -2, "os");
  lua_newtable(L);
  luaL_register(L, NULL, kvd_lua_bit_functions);
  lua_setfield(L, -2, "bit");
  kvd_lua_push_json(L);
  lua_setfield(L, -2, "cjson");
  kvd_lua_push_redis(L);
  lua_setfield(L, -2, "redis");
  lua_setfield(L, LUA_REGISTRYINDEX, KVD_LUA_LIBRARIES);

  // Hides the metatables of strings and of global tables from scripts.
  lua_pushliteral(L, "");
  lua_getmetatable(L, -1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  luaL_newmetatable(L, "kvd.globals");
  lua_pushcfunction(L, kvd_lua_global);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, kvd_lua_locked);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  return 0;
}

#endif
