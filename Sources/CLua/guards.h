// Functions of Lua 5.1 with which a script could run for minutes or crash the process, reimplemented with the same
// results and the same errors.
//
//   unpack              counts its results in an int that overflows, and then writes past the end of the stack
//                       (CVE-2025-46817)
//   string.rep          repeats even the empty string as often as requested
//   table.insert        moves as many elements as its position argument or a false border demands
//   table.remove        the same
//   table.concat        takes time in proportion to the table without checking the time
//
// All other Lua functions that a script may call take time in proportion to what the script holds in memory, and
// allocate no memory that is not counted.
#ifndef KVD_LUA_GUARDS_H
#define KVD_LUA_GUARDS_H

#include "machine.h"

#include <limits.h>

// Elements moved between two checks of the time.
#define KVD_LUA_GUARD_STEPS 4096

static int kvd_lua_unpack(lua_State *L) {
  long long first, last, index;
  luaL_checktype(L, 1, LUA_TTABLE);
  first = luaL_optint(L, 2, 1);
  last = luaL_opt(L, luaL_checkint, 3, (int)lua_objlen(L, 1));
  if (first > last) return 0;
  if (last - first >= INT_MAX || !lua_checkstack(L, (int)(last - first + 1)))
    return luaL_error(L, "too many results to unpack");
  for (index = first; index <= last; index++) lua_rawgeti(L, 1, (int)index);
  return (int)(last - first + 1);
}

// The result is built in a block that Lua counts, so a result that does not fit is refused before it is filled.
static int kvd_lua_rep(lua_State *L) {
  size_t length, total, done;
  const char *text = luaL_checklstring(L, 1, &length);
  int count = luaL_checkint(L, 2);
  char *block;
  if (count <= 0 || length == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  if (length > (SIZE_MAX >> 1) / (size_t)count) return luaL_error(L, "resulting string too large");
  total = length * (size_t)count;
  block = (char *)lua_newuserdata(L, total);
  memcpy(block, text, length);
  for (done = length; done < total; done += length) {
    // Doubles what is there by copying it after itself, up to a piece that fits into the processor's cache.
    if (done <= 1 << 16) length = done;
    if (length > total - done) length = total - done;
    memcpy(block + done, block, length);
  }
  lua_pushlstring(L, block, total);
  return 1;
}

static int kvd_lua_insert(lua_State *L) {
  long long end, position, index;
  luaL_checktype(L, 1, LUA_TTABLE);
  end = (long long)lua_objlen(L, 1) + 1;
  switch (lua_gettop(L)) {
    case 2: position = end; break;
    case 3: position = luaL_checkint(L, 2); break;
    default: return luaL_error(L, "wrong number of arguments to " LUA_QL("insert"));
  }
  for (index = end; index > position; index--) {
    if (index % KVD_LUA_GUARD_STEPS == 0) kvd_lua_check(L);
    lua_rawgeti(L, 1, (int)(index - 1));
    lua_rawseti(L, 1, (int)index);
  }
  lua_rawseti(L, 1, (int)position);
  return 0;
}

static int kvd_lua_remove(lua_State *L) {
  long long end, position;
  luaL_checktype(L, 1, LUA_TTABLE);
  end = (long long)lua_objlen(L, 1);
  position = luaL_optint(L, 2, (int)end);
  if (position < 1 || position > end) return 0;
  lua_rawgeti(L, 1, (int)position);
  for (; position < end; position++) {
    if (position % KVD_LUA_GUARD_STEPS == 0) kvd_lua_check(L);
    lua_rawgeti(L, 1, (int)(position + 1));
    lua_rawseti(L, 1, (int)position);
  }
  lua_pushnil(L);
  lua_rawseti(L, 1, (int)end);
  return 1;
}

static void kvd_lua_add_element(lua_State *L, luaL_Buffer *text, long long index) {
  if (index % KVD_LUA_GUARD_STEPS == 0) kvd_lua_check(L);
  lua_rawgeti(L, 1, (int)index);
  if (!lua_isstring(L, -1))
    luaL_error(
        L, "invalid value (%s) at index %d in table for " LUA_QL("concat"), luaL_typename(L, -1), (int)index);
  luaL_addvalue(text);
}

static int kvd_lua_concat(lua_State *L) {
  luaL_Buffer text;
  size_t length;
  long long index, last;
  const char *separator = luaL_optlstring(L, 2, "", &length);
  luaL_checktype(L, 1, LUA_TTABLE);
  index = luaL_optint(L, 3, 1);
  last = luaL_opt(L, luaL_checkint, 4, (int)lua_objlen(L, 1));
  luaL_buffinit(L, &text);
  for (; index < last; index++) {
    kvd_lua_add_element(L, &text, index);
    luaL_addlstring(&text, separator, length);
  }
  if (index == last) kvd_lua_add_element(L, &text, index);
  luaL_pushresult(&text);
  return 1;
}

#endif
