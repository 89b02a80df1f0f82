// The library `cjson` for scripts, as documented in the manual of lua-cjson 2.1.0, with identical error messages.
//
// Not lua-cjson itself, which allocates memory outside the limit and aborts the process when there is none.
// Settings last for the run that makes them. Nesting deeper than 1000 is refused whatever they say.
#ifndef KVD_LUA_JSON_H
#define KVD_LUA_JSON_H

#include "json_decode.h"
#include "json_encode.h"

static inline void kvd_lua_json_reset(kvd_lua_machine *machine) {
  const kvd_lua_json_options defaults = {0, 2, 10, KVD_LUA_JSON_DEPTH, KVD_LUA_JSON_DEPTH, 14, 1, 0, 1};
  machine->json = defaults;
}

static inline kvd_lua_json_options *kvd_lua_json_arguments(lua_State *L, int count) {
  luaL_argcheck(L, lua_gettop(L) <= count, count + 1, "found too many arguments");
  lua_settop(L, count);
  return &kvd_lua_of(L)->json;
}

// Sets an option if the argument is given, and pushes its resulting value.
KVD_LUA_FUNCTION int kvd_lua_json_set_number(lua_State *L, int index, int *option, int least, int greatest) {
  char text[64];
  if (!lua_isnil(L, index)) {
    lua_Integer value = luaL_checkinteger(L, index);
    snprintf(text, sizeof text, "expected integer between %d and %d", least, greatest);
    luaL_argcheck(L, value >= least && value <= greatest, 1, text);
    *option = (int)value;
  }
  lua_pushinteger(L, *option);
  return 1;
}

KVD_LUA_FUNCTION int kvd_lua_json_set_choice(lua_State *L, int index, int *option, const char *const *choices) {
  if (lua_isboolean(L, index)) *option = lua_toboolean(L, index);
  else if (!lua_isnil(L, index)) *option = luaL_checkoption(L, index, NULL, choices);
  if (*option < 2) lua_pushboolean(L, *option);
  else lua_pushstring(L, choices[*option]);
  return 1;
}

static const char *const kvd_lua_json_choices[] = {"off", "on", NULL};
static const char *const kvd_lua_json_number_choices[] = {"off", "on", "null", NULL};

static int kvd_lua_json_sparse_array(lua_State *L) {
  kvd_lua_json_options *options = kvd_lua_json_arguments(L, 3);
  kvd_lua_json_set_choice(L, 1, &options->sparse_convert, kvd_lua_json_choices);
  kvd_lua_json_set_number(L, 2, &options->sparse_ratio, 0, INT_MAX);
  kvd_lua_json_set_number(L, 3, &options->sparse_safe, 0, INT_MAX);
  return 3;
}

static int kvd_lua_json_encode_depth(lua_State *L) {
  return kvd_lua_json_set_number(L, 1, &kvd_lua_json_arguments(L, 1)->encode_depth, 1, KVD_LUA_JSON_DEPTH);
}

static int kvd_lua_json_decode_depth(lua_State *L) {
  return kvd_lua_json_set_number(L, 1, &kvd_lua_json_arguments(L, 1)->decode_depth, 1, KVD_LUA_JSON_DEPTH);
}

static int kvd_lua_json_precision(lua_State *L) {
  return kvd_lua_json_set_number(L, 1, &kvd_lua_json_arguments(L, 1)->precision, 1, 14);
}

// Accepted without effect: there is no buffer to keep.
static int kvd_lua_json_keep_buffer(lua_State *L) {
  return kvd_lua_json_set_choice(L, 1, &kvd_lua_json_arguments(L, 1)->keeps_buffer, kvd_lua_json_choices);
}

static int kvd_lua_json_encode_invalid(lua_State *L) {
  return kvd_lua_json_set_choice(L, 1, &kvd_lua_json_arguments(L, 1)->encode_invalid, kvd_lua_json_number_choices);
}

static int kvd_lua_json_decode_invalid(lua_State *L) {
  return kvd_lua_json_set_choice(L, 1, &kvd_lua_json_arguments(L, 1)->decode_invalid, kvd_lua_json_choices);
}

static const luaL_Reg kvd_lua_json_functions[] = {
  {"encode", kvd_lua_json_encode}, {"decode", kvd_lua_json_decode},
  {"encode_sparse_array", kvd_lua_json_sparse_array}, {"encode_max_depth", kvd_lua_json_encode_depth},
  {"decode_max_depth", kvd_lua_json_decode_depth}, {"encode_number_precision", kvd_lua_json_precision},
  {"encode_keep_buffer", kvd_lua_json_keep_buffer}, {"encode_invalid_numbers", kvd_lua_json_encode_invalid},
  {"decode_invalid_numbers", kvd_lua_json_decode_invalid}, {NULL, NULL},
};

// Pushes the library table.
static inline void kvd_lua_push_json(lua_State *L) {
  lua_newtable(L);
  luaL_register(L, NULL, kvd_lua_json_functions);
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
  lua_pushliteral(L, "cjson");
  lua_setfield(L, -2, "_NAME");
  lua_pushliteral(L, "2.1.0");
  lua_setfield(L, -2, "_VERSION");
}

#endif
