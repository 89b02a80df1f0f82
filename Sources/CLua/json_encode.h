// cjson.encode: converts a Lua value to JSON.
#ifndef KVD_LUA_JSON_ENCODE_H
#define KVD_LUA_JSON_ENCODE_H

#include "machine.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

// The output so far, in a block at stack position `index` that Lua counts and collects.
typedef struct {
  lua_State *L;
  int index;
  char *base;
  size_t count, capacity;
} kvd_lua_json_text;

// Makes room for `more` bytes. Needs one free stack slot.
static inline char *kvd_lua_json_room(kvd_lua_json_text *text, size_t more) {
  if (more > text->capacity - text->count) {
    size_t capacity = text->capacity ? text->capacity : 256;
    while (capacity - text->count < more) capacity *= 2;
    char *base = (char *)lua_newuserdata(text->L, capacity);
    if (text->count) memcpy(base, text->base, text->count);
    lua_replace(text->L, text->index);
    text->base = base;
    text->capacity = capacity;
  }
  return text->base + text->count;
}

static inline void kvd_lua_json_put(kvd_lua_json_text *text, const char *bytes, size_t count) {
  memcpy(kvd_lua_json_room(text, count), bytes, count);
  text->count += count;
}

KVD_LUA_FUNCTION int kvd_lua_json_refuse(lua_State *L, int index, const char *reason) {
  return luaL_error(L, "Cannot serialise %s: %s", luaL_typename(L, index), reason);
}

KVD_LUA_FUNCTION void kvd_lua_json_put_string(kvd_lua_json_text *text, int index) {
  static const char digits[] = "0123456789abcdef";
  size_t left, piece;
  const char *at = lua_tolstring(text->L, index, &left);
  char *to;
  kvd_lua_json_put(text, "\"", 1);
  for (; left; left -= piece) {
    size_t done;
    piece = left < 4096 ? left : 4096;
    kvd_lua_check(text->L);
    to = kvd_lua_json_room(text, 6 * piece);
    for (done = 0; done < piece; done++) {
      unsigned char byte = (unsigned char)*at++;
      char escape = 0;
      switch (byte) {
        case '"': case '\\': case '/': escape = (char)byte; break;
        case '\b': escape = 'b'; break;
        case '\t': escape = 't'; break;
        case '\n': escape = 'n'; break;
        case '\f': escape = 'f'; break;
        case '\r': escape = 'r'; break;
        default: break;
      }
      if (escape) {
        *to++ = '\\';
        *to++ = escape;
      } else if (byte < 0x20 || byte == 0x7F) {
        memcpy(to, "\\u00", 4);
        to[4] = digits[byte >> 4];
        to[5] = digits[byte & 15];
        to += 6;
      } else {
        *to++ = (char)byte;
      }
    }
    text->count = (size_t)(to - text->base);
  }
  kvd_lua_json_put(text, "\"", 1);
}

KVD_LUA_FUNCTION void kvd_lua_json_put_number(kvd_lua_json_text *text, int index) {
  const kvd_lua_json_options *options = &kvd_lua_of(text->L)->json;
  double number = lua_tonumber(text->L, index);
  char digits[40];
  if (isnan(number) || isinf(number)) {
    if (options->encode_invalid == 0) kvd_lua_json_refuse(text->L, index, "must not be NaN or Inf");
    if (options->encode_invalid == 2) return kvd_lua_json_put(text, "null", 4);
    // C may write "-nan".
    if (isnan(number)) return kvd_lua_json_put(text, "nan", 3);
  }
  kvd_lua_json_put(text, digits, (size_t)snprintf(digits, sizeof digits, "%.*g", options->precision, number));
}

// The greatest index of the table on top, or -1 if it is not an array. An array may have gaps.
KVD_LUA_FUNCTION int kvd_lua_json_array_count(lua_State *L) {
  const kvd_lua_json_options *options = &kvd_lua_of(L)->json;
  double greatest = 0, count = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    double key = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
    if (key < 1 || floor(key) != key) {
      lua_pop(L, 2);
      return -1;
    }
    if (key > greatest) greatest = key;
    count++;
  }
  if (greatest > INT_MAX) return -1;
  if (options->sparse_ratio > 0 && greatest > count * options->sparse_ratio && greatest > options->sparse_safe) {
    if (options->sparse_convert) return -1;
    kvd_lua_json_refuse(L, -1, "excessively sparse array");
  }
  return (int)greatest;
}

KVD_LUA_FUNCTION void kvd_lua_json_put_value(kvd_lua_json_text *text, int depth);

KVD_LUA_FUNCTION void kvd_lua_json_put_table(kvd_lua_json_text *text, int depth) {
  lua_State *L = text->L;
  int count;
  long long index;
  if (depth > kvd_lua_of(L)->json.encode_depth) luaL_error(L, "Cannot serialise, excessive nesting (%d)", depth);
  luaL_checkstack(L, 6, "JSON");
  // A table that contains another one many times can produce unlimited output.
  kvd_lua_check(L);
  count = kvd_lua_json_array_count(L);
  if (count > 0) {
    for (index = 1; index <= count; index++) {
      // An array with gaps may contain millions of nulls.
      if (index % 4096 == 0) kvd_lua_check(L);
      kvd_lua_json_put(text, index == 1 ? "[" : ",", 1);
      lua_rawgeti(L, -1, (int)index);
      kvd_lua_json_put_value(text, depth);
      lua_pop(L, 1);
    }
    return kvd_lua_json_put(text, "]", 1);
  }
  kvd_lua_json_put(text, "{", 1);
  index = 0;
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    if (index++) kvd_lua_json_put(text, ",", 1);
    switch (lua_type(L, -2)) {
      case LUA_TNUMBER:
        kvd_lua_json_put(text, "\"", 1);
        kvd_lua_json_put_number(text, -2);
        kvd_lua_json_put(text, "\":", 2);
        break;
      case LUA_TSTRING:
        kvd_lua_json_put_string(text, -2);
        kvd_lua_json_put(text, ":", 1);
        break;
      default: kvd_lua_json_refuse(L, -2, "table key must be a number or string");
    }
    kvd_lua_json_put_value(text, depth);
  }
  kvd_lua_json_put(text, "}", 1);
}

// Encodes the value on top of the stack and leaves it there.
KVD_LUA_FUNCTION void kvd_lua_json_put_value(kvd_lua_json_text *text, int depth) {
  lua_State *L = text->L;
  switch (lua_type(L, -1)) {
    case LUA_TSTRING: return kvd_lua_json_put_string(text, -1);
    case LUA_TNUMBER: return kvd_lua_json_put_number(text, -1);
    case LUA_TBOOLEAN:
      return lua_toboolean(L, -1) ? kvd_lua_json_put(text, "true", 4) : kvd_lua_json_put(text, "false", 5);
    case LUA_TTABLE: return kvd_lua_json_put_table(text, depth + 1);
    case LUA_TNIL: return kvd_lua_json_put(text, "null", 4);
    case LUA_TLIGHTUSERDATA:
      if (!lua_touserdata(L, -1)) return kvd_lua_json_put(text, "null", 4);
      break;
    default: break;
  }
  kvd_lua_json_refuse(L, -1, "type not supported");
}

static int kvd_lua_json_encode(lua_State *L) {
  kvd_lua_json_text text = {L, 1, NULL, 0, 0};
  luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
  lua_pushnil(L);
  lua_insert(L, 1);
  kvd_lua_json_put_value(&text, 0);
  lua_pushlstring(L, text.base, text.count);
  return 1;
}

#endif
