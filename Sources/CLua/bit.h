// The library `bit` for scripts: Lua BitOp 1.0.2 as documented at bitop.luajit.org. Numbers are taken modulo 2^32
// and returned as signed.
#ifndef KVD_LUA_BIT_H
#define KVD_LUA_BIT_H

#include "machine.h"

#include <stdio.h>

static inline uint32_t kvd_lua_word(lua_State *L, int index) {
  // In this sum the lowest fraction bit stands for 1, so the processor rounds the number to an integer.
  double shifted = luaL_checknumber(L, index) + 6755399441055744.0;  // 2^52 + 2^51
  uint64_t bits;
  memcpy(&bits, &shifted, sizeof bits);
  return (uint32_t)bits;
}

static inline int kvd_lua_push_word(lua_State *L, uint32_t word) {
  lua_pushnumber(L, (lua_Number)(int32_t)word);
  return 1;
}

static int kvd_lua_bit_tobit(lua_State *L) { return kvd_lua_push_word(L, kvd_lua_word(L, 1)); }
static int kvd_lua_bit_bnot(lua_State *L) { return kvd_lua_push_word(L, ~kvd_lua_word(L, 1)); }
static int kvd_lua_bit_bswap(lua_State *L) { return kvd_lua_push_word(L, __builtin_bswap32(kvd_lua_word(L, 1))); }

#define KVD_LUA_BIT_OF_ALL(name, operator)                                              \
  static int kvd_lua_bit_##name(lua_State *L) {                                         \
    uint32_t word = kvd_lua_word(L, 1);                                                 \
    int index;                                                                          \
    for (index = lua_gettop(L); index > 1; index--) word operator kvd_lua_word(L, index); \
    return kvd_lua_push_word(L, word);                                                  \
  }
KVD_LUA_BIT_OF_ALL(band, &=)
KVD_LUA_BIT_OF_ALL(bor, |=)
KVD_LUA_BIT_OF_ALL(bxor, ^=)

// Only the lower five bits of the count are used.
#define KVD_LUA_BIT_SHIFT(name, shifted)                                    \
  static int kvd_lua_bit_##name(lua_State *L) {                             \
    uint32_t word = kvd_lua_word(L, 1), count = kvd_lua_word(L, 2) & 31;    \
    return kvd_lua_push_word(L, shifted);                                   \
  }
KVD_LUA_BIT_SHIFT(lshift, word << count)
KVD_LUA_BIT_SHIFT(rshift, word >> count)
KVD_LUA_BIT_SHIFT(arshift, (uint32_t)((int32_t)word >> count))
KVD_LUA_BIT_SHIFT(rol, word << count | word >> (-count & 31))
KVD_LUA_BIT_SHIFT(ror, word >> count | word << (-count & 31))

// The last hexadecimal digits: as many as requested, at most eight; upper case if the number is negative.
static int kvd_lua_bit_tohex(lua_State *L) {
  uint32_t word = kvd_lua_word(L, 1);
  int32_t count = lua_isnone(L, 2) ? 8 : (int32_t)kvd_lua_word(L, 2);
  char text[9];
  uint32_t shown = count < 0 ? -(uint32_t)count : (uint32_t)count;
  snprintf(text, sizeof text, count < 0 ? "%08X" : "%08x", word);
  if (shown > 8) shown = 8;
  lua_pushlstring(L, text + 8 - shown, shown);
  return 1;
}

static const luaL_Reg kvd_lua_bit_functions[] = {
  {"tobit", kvd_lua_bit_tobit}, {"bnot", kvd_lua_bit_bnot}, {"bswap", kvd_lua_bit_bswap}, {"band", kvd_lua_bit_band},
  {"bor", kvd_lua_bit_bor}, {"bxor", kvd_lua_bit_bxor}, {"lshift", kvd_lua_bit_lshift}, {"rshift", kvd_lua_bit_rshift},
  {"arshift", kvd_lua_bit_arshift}, {"rol", kvd_lua_bit_rol}, {"ror", kvd_lua_bit_ror}, {"tohex", kvd_lua_bit_tohex},
  {NULL, NULL},
};

#endif
