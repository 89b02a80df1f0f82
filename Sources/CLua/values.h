// Converts between protocol replies and Lua values, as documented by Redis.
#ifndef KVD_LUA_VALUES_H
#define KVD_LUA_VALUES_H

#include "machine.h"

#include <math.h>
#include <stdio.h>

#define KVD_LUA_DEPTH_LIMIT 128

// Field of an error table: the error was counted when the command failed. The name is Redis's.
#define KVD_LUA_COUNTED "ignore_error_stats_update"

// MARK: Reply to Lua value

static inline const char *kvd_lua_line(const char *at, const char *end) {
  const char *line_end = (const char *)memchr(at, '\r', (size_t)(end - at));
  return line_end ? line_end : end;
}

static inline long long kvd_lua_integer(const char *at) { return strtoll(at, NULL, 10); }

// Pushes the value of the reply at `at`, and returns where the next one begins. The reply is well-formed, because
// the server wrote it.
KVD_LUA_FUNCTION const char *kvd_lua_push_reply(lua_State *L, const char *at, const char *end) {
  const char *line = kvd_lua_line(at, end), *next = line + 2;
  char kind = *at++;
  long long count, index;
  luaL_checkstack(L, 6, "reply");
  switch (kind) {
    case '+':
      lua_createtable(L, 0, 1);
      lua_pushlstring(L, at, (size_t)(line - at));
      lua_setfield(L, -2, "ok");
      return next;
    case '-':
      kvd_lua_push_error(L, at - 1, (size_t)(line - at) + 1);
      lua_pushboolean(L, 1);
      lua_setfield(L, -2, KVD_LUA_COUNTED);
      return next;
    case ':':
      lua_pushnumber(L, (lua_Number)kvd_lua_integer(at));
      return next;
    case '_':
      lua_pushnil(L);
      return next;
    case '#':
      lua_pushboolean(L, *at == 't');
      return next;
    case ',':
      lua_createtable(L, 0, 1);
      lua_pushnumber(L, strtod(at, NULL));
      lua_setfield(L, -2, "double");
      return next;
    case '(':
      lua_createtable(L, 0, 1);
      lua_pushlstring(L, at, (size_t)(line - at));
      lua_setfield(L, -2, "big_number");
      return next;
    case '$':
    case '=':
      count = kvd_lua_integer(at);
      if (count < 0) {
        lua_pushboolean(L, 0);
        return next;
      }
      if (kind == '$') {
        lua_pushlstring(L, next, (size_t)count);
      } else {
        lua_createtable(L, 0, 1);
        lua_createtable(L, 0, 2);
        lua_pushlstring(L, next + 4, (size_t)count - 4);
        lua_setfield(L, -2, "string");
        lua_pushlstring(L, next, 3);
        lua_setfield(L, -2, "format");
        lua_setfield(L, -2, "verbatim_string");
      }
      return next + count + 2;
    case '*':
      count = kvd_lua_integer(at);
      if (count < 0) {
        lua_pushboolean(L, 0);
        return next;
      }
      lua_newtable(L);
      for (index = 1; index <= count; index++) {
        next = kvd_lua_push_reply(L, next, end);
        lua_rawseti(L, -2, (int)index);
      }
      return next;
    default:  // a map or a set
      count = kvd_lua_integer(at);
      lua_createtable(L, 0, 1);
      lua_newtable(L);
      for (index = 0; index < count; index++) {
        next = kvd_lua_push_reply(L, next, end);
        if (kind == '%') next = kvd_lua_push_reply(L, next, end);
        else lua_pushboolean(L, 1);
        lua_rawset(L, -3);
      }
      lua_setfield(L, -2, kind == '%' ? "map" : "set");
      return next;
  }
}

// MARK: Lua value to reply

static inline kvd_lua_bytes kvd_lua_string_at(lua_State *L, int index) {
  kvd_lua_bytes bytes;
  bytes.base = lua_tolstring(L, index, &bytes.count);
  return bytes;
}

// Pushes the named field of the table on top, bypassing its metatable, and returns 1 if it has type `type`.
// Otherwise pushes nothing and returns 0.
static inline int kvd_lua_field(lua_State *L, const char *name, int type) {
  lua_pushstring(L, name);
  lua_rawget(L, -2);
  if (lua_type(L, -1) == type) return 1;
  lua_pop(L, 1);
  return 0;
}

KVD_LUA_FUNCTION void kvd_lua_emit(lua_State *L, int depth);

static inline void kvd_lua_put(lua_State *L, kvd_lua_value value) {
  kvd_lua_machine *machine = kvd_lua_of(L);
  machine->host->emit(machine->context, &value);
}

// Emits the keys of the table on top, and for a map also the values. KVD_LUA_DEPTH_LIMIT bounds the depth.
static inline void kvd_lua_emit_entries(lua_State *L, int depth, kvd_lua_kind kind) {
  kvd_lua_value value = {kind, {NULL, 0}, {NULL, 0}, 0};
  size_t index = 0;
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pop(L, 1);
    value.number++;
  }
  kvd_lua_put(L, value);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pushvalue(L, -2);
    if (++index % 4096 == 0) kvd_lua_check(L);
    kvd_lua_emit(L, depth + 1);
    if (kind == KVD_LUA_MAP) kvd_lua_emit(L, depth + 1);
    else lua_pop(L, 1);
  }
}

static inline void kvd_lua_emit_array(lua_State *L, int depth) {
  kvd_lua_value value = {KVD_LUA_ARRAY, {NULL, 0}, {NULL, 0}, 0};
  int index;
  for (;; value.number++) {
    lua_rawgeti(L, -1, (int)value.number + 1);
    int is_end = lua_isnil(L, -1);
    lua_pop(L, 1);
    if (is_end) break;
  }
  kvd_lua_put(L, value);
  for (index = 1; index <= value.number; index++) {
    if (index % 4096 == 0) kvd_lua_check(L);
    lua_rawgeti(L, -1, index);
    kvd_lua_emit(L, depth + 1);
  }
}

static inline void kvd_lua_emit_table(lua_State *L, int depth) {
  kvd_lua_value value = {KVD_LUA_NULL, {NULL, 0}, {NULL, 0}, 0};
  char text[64];
  int top = lua_gettop(L);
  if (depth > KVD_LUA_DEPTH_LIMIT) kvd_lua_refuse(L, "the script's reply is nested too deeply");
  // A reply that contains the same tables repeatedly at many levels can be huge: the time check ends it.
  kvd_lua_check(L);
  if (kvd_lua_field(L, "err", LUA_TSTRING)) {
    value.kind = KVD_LUA_ERROR;
    value.bytes = kvd_lua_string_at(L, -1);
    lua_pushvalue(L, -2);
    value.number = kvd_lua_field(L, KVD_LUA_COUNTED, LUA_TBOOLEAN);
    kvd_lua_put(L, value);
  } else if (kvd_lua_field(L, "ok", LUA_TSTRING)) {
    value.kind = KVD_LUA_STATUS;
    value.bytes = kvd_lua_string_at(L, -1);
    kvd_lua_put(L, value);
  } else if (kvd_lua_field(L, "double", LUA_TNUMBER)) {
    double number = lua_tonumber(L, -1);
    value.kind = KVD_LUA_DOUBLE;
    if (isinf(number)) value.bytes.count = (size_t)snprintf(text, sizeof text, "%s", number > 0 ? "inf" : "-inf");
    else value.bytes.count = (size_t)snprintf(text, sizeof text, "%.17g", number);
    value.bytes.base = text;
    kvd_lua_put(L, value);
  } else if (kvd_lua_field(L, "big_number", LUA_TSTRING)) {
    value.kind = KVD_LUA_BIG_NUMBER;
    value.bytes = kvd_lua_string_at(L, -1);
    kvd_lua_put(L, value);
  } else if (kvd_lua_field(L, "verbatim_string", LUA_TTABLE) && kvd_lua_field(L, "format", LUA_TSTRING)) {
    value.format = kvd_lua_string_at(L, -1);
    lua_pushvalue(L, -2);
    if (kvd_lua_field(L, "string", LUA_TSTRING)) {
      value.kind = KVD_LUA_VERBATIM;
      value.bytes = kvd_lua_string_at(L, -1);
      kvd_lua_put(L, value);
    } else {
      lua_settop(L, top);
      kvd_lua_emit_array(L, depth);
    }
  } else {
    lua_settop(L, top);
    if (kvd_lua_field(L, "map", LUA_TTABLE)) kvd_lua_emit_entries(L, depth, KVD_LUA_MAP);
    else if (kvd_lua_field(L, "set", LUA_TTABLE)) kvd_lua_emit_entries(L, depth, KVD_LUA_SET);
    else kvd_lua_emit_array(L, depth);
  }
  lua_settop(L, top);
}

// Pops the value on top and emits it to the server.
KVD_LUA_FUNCTION void kvd_lua_emit(lua_State *L, int depth) {
  kvd_lua_value value = {KVD_LUA_NULL, {NULL, 0}, {NULL, 0}, 0};
  lua_Number number;
  luaL_checkstack(L, 6, "reply");
  switch (lua_type(L, -1)) {
    case LUA_TSTRING:
      value.kind = KVD_LUA_STRING;
      value.bytes = kvd_lua_string_at(L, -1);
      break;
    case LUA_TNUMBER:
      number = lua_tonumber(L, -1);
      value.kind = KVD_LUA_INTEGER;
      // A number outside the range of an integer, or NaN, becomes the least integer, as in Redis on x86-64.
      value.number = number >= -9223372036854775808.0 && number < 9223372036854775808.0 ? (int64_t)number : INT64_MIN;
      break;
    case LUA_TBOOLEAN:
      value.number = lua_toboolean(L, -1);
      if (kvd_lua_of(L)->resp == 3) value.kind = KVD_LUA_BOOLEAN;
      else if (value.number) value.kind = KVD_LUA_INTEGER;
      break;
    case LUA_TTABLE:
      kvd_lua_emit_table(L, depth);
      lua_pop(L, 1);
      return;
    default: break;
  }
  kvd_lua_put(L, value);
  lua_pop(L, 1);
}

#endif
