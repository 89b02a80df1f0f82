// string.find, match, gmatch and gsub of Lua 5.1 (lstrlib.c), using the matcher in patterns.h, under the same
// licence.
#ifndef KVD_LUA_SEARCH_H
#define KVD_LUA_SEARCH_H

#include "patterns.h"

static const char *kvd_lua_lmemfind (kvd_lua_matching *ms, const char *s1, size_t l1,
                               const char *s2, size_t l2) {
  if (l2 == 0) return s1;  /* empty strings are everywhere */
  else if (l2 > l1) return NULL;  /* avoids a negative `l1' */
  else {
    const char *init;  /* to search for a `*s2' inside `s1' */
    l2--;  /* 1st char will be checked by `memchr' */
    l1 = l1-l2;  /* `s2' cannot be found after that */
    while (l1 > 0 && (init = (const char *)memchr(s1, *s2, l1)) != NULL) {
      init++;   /* 1st char is already checked */
      kvd_lua_spend(ms, l2 + 1);
      if (memcmp(init, s2+1, l2) == 0)
        return init-1;
      else {  /* correct `l1' and `s1' to try again */
        l1 -= init-s1;
        s1 = init;
      }
    }
    return NULL;  /* not found */
  }
}

static void kvd_lua_push_onecapture (kvd_lua_matching *ms, int i, const char *s,
                                                    const char *e) {
  if (i >= ms->level) {
    if (i == 0)  /* ms->level == 0, too */
      lua_pushlstring(ms->L, s, e - s);  /* add whole match */
    else
      luaL_error(ms->L, "invalid capture index");
  }
  else {
    ptrdiff_t l = ms->capture[i].len;
    if (l == KVD_LUA_CAP_UNFINISHED) luaL_error(ms->L, "unfinished capture");
    if (l == KVD_LUA_CAP_POSITION)
      lua_pushinteger(ms->L, ms->capture[i].init - ms->src_init + 1);
    else
      lua_pushlstring(ms->L, ms->capture[i].init, l);
  }
}

static int kvd_lua_push_captures (kvd_lua_matching *ms, const char *s, const char *e) {
  int i;
  int nlevels = (ms->level == 0 && s) ? 1 : ms->level;
  luaL_checkstack(ms->L, nlevels, "too many captures");
  for (i = 0; i < nlevels; i++)
    kvd_lua_push_onecapture(ms, i, s, e);
  return nlevels;  /* number of strings pushed */
}

/* Matching recurses once for each item of the pattern. */
static void kvd_lua_check_length (lua_State *L, size_t length) {
  if (length > KVD_LUA_PATTERN_LIMIT) luaL_error(L, "pattern too long");
}

static int kvd_lua_str_find_aux (lua_State *L, int find) {
  size_t l1, l2;
  const char *s = luaL_checklstring(L, 1, &l1);
  const char *p = luaL_checklstring(L, 2, &l2);
  ptrdiff_t init = kvd_lua_posrelat(luaL_optinteger(L, 3, 1), l1) - 1;
  if (init < 0) init = 0;
  else if ((size_t)(init) > l1) init = (ptrdiff_t)l1;
  if (find && (lua_toboolean(L, 4) ||  /* explicit request? */
      strpbrk(p, KVD_LUA_SPECIALS) == NULL)) {  /* or no special characters? */
    /* do a plain search */
    kvd_lua_matching ms;
    const char *s2;
    ms.L = L;
    ms.steps = 0;
    s2 = kvd_lua_lmemfind(&ms, s+init, l1-init, p, l2);
    if (s2) {
      lua_pushinteger(L, s2-s+1);
      lua_pushinteger(L, s2-s+l2);
      return 2;
    }
  }
  else {
    kvd_lua_matching ms;
    int anchor = (*p == '^') ? (p++, 1) : 0;
    const char *s1=s+init;
    kvd_lua_check_length(L, l2);
    ms.L = L;
    ms.steps = 0;
    ms.src_init = s;
    ms.src_end = s+l1;
    do {
      const char *res;
      ms.level = 0;
      if ((res=kvd_lua_match(&ms, s1, p)) != NULL) {
        if (find) {
          lua_pushinteger(L, s1-s+1);  /* start */
          lua_pushinteger(L, res-s);   /* end */
          return kvd_lua_push_captures(&ms, NULL, 0) + 2;
        }
        else
          return kvd_lua_push_captures(&ms, s1, res);
      }
    } while (s1++ < ms.src_end && !anchor);
  }
  lua_pushnil(L);  /* not found */
  return 1;
}

static int kvd_lua_str_find (lua_State *L) {
  return kvd_lua_str_find_aux(L, 1);
}

static int kvd_lua_str_match (lua_State *L) {
  return kvd_lua_str_find_aux(L, 0);
}

static int kvd_lua_gmatch_aux (lua_State *L) {
  kvd_lua_matching ms;
  size_t ls;
  const char *s = lua_tolstring(L, lua_upvalueindex(1), &ls);
  const char *p = lua_tostring(L, lua_upvalueindex(2));
  const char *src;
  ms.L = L;
  ms.steps = 0;
  ms.src_init = s;
  ms.src_end = s+ls;
  for (src = s + (size_t)lua_tointeger(L, lua_upvalueindex(3));
       src <= ms.src_end;
       src++) {
    const char *e;
    ms.level = 0;
    if ((e = kvd_lua_match(&ms, src, p)) != NULL) {
      lua_Integer newstart = e-s;
      if (e == src) newstart++;  /* empty match? go at least one position */
      lua_pushinteger(L, newstart);
      lua_replace(L, lua_upvalueindex(3));
      return kvd_lua_push_captures(&ms, src, e);
    }
  }
  return 0;  /* not found */
}

static int kvd_lua_gmatch (lua_State *L) {
  size_t length;
  luaL_checkstring(L, 1);
  luaL_checklstring(L, 2, &length);
  kvd_lua_check_length(L, length);
  lua_settop(L, 2);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, kvd_lua_gmatch_aux, 3);
  return 1;
}

static void kvd_lua_add_s (kvd_lua_matching *ms, luaL_Buffer *b, const char *s,
                                                   const char *e) {
  size_t l, i;
  const char *news = lua_tolstring(ms->L, 3, &l);
  kvd_lua_spend(ms, l);
  for (i = 0; i < l; i++) {
    if (news[i] != KVD_LUA_L_ESC)
      luaL_addchar(b, news[i]);
    else {
      i++;  /* skip ESC */
      if (!isdigit(KVD_LUA_BYTE(news[i])))
        luaL_addchar(b, news[i]);
      else if (news[i] == '0')
          luaL_addlstring(b, s, e - s);
      else {
        kvd_lua_push_onecapture(ms, news[i] - '1', s, e);
        luaL_addvalue(b);  /* add capture to accumulated result */
      }
    }
  }
}

static void kvd_lua_add_value (kvd_lua_matching *ms, luaL_Buffer *b, const char *s,
                                                       const char *e) {
  lua_State *L = ms->L;
  switch (lua_type(L, 3)) {
    case LUA_TNUMBER:
    case LUA_TSTRING: {
      kvd_lua_add_s(ms, b, s, e);
      return;
    }
    case LUA_TFUNCTION: {
      int n;
      lua_pushvalue(L, 3);
      n = kvd_lua_push_captures(ms, s, e);
      lua_call(L, n, 1);
      break;
    }
    case LUA_TTABLE: {
      kvd_lua_push_onecapture(ms, 0, s, e);
      lua_gettable(L, 3);
      break;
    }
  }
  if (!lua_toboolean(L, -1)) {  /* nil or false? */
    lua_pop(L, 1);
    lua_pushlstring(L, s, e - s);  /* keep original text */
  }
  else if (!lua_isstring(L, -1))
    luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  luaL_addvalue(b);  /* add result to accumulator */
}

static int kvd_lua_str_gsub (lua_State *L) {
  size_t srcl;
  const char *src = luaL_checklstring(L, 1, &srcl);
  size_t pl;
  const char *p = luaL_checklstring(L, 2, &pl);
  int  tr = lua_type(L, 3);
  int max_s = luaL_optint(L, 4, srcl+1);
  int anchor = (*p == '^') ? (p++, 1) : 0;
  int n = 0;
  kvd_lua_matching ms;
  luaL_Buffer b;
  luaL_argcheck(L, tr == LUA_TNUMBER || tr == LUA_TSTRING ||
                   tr == LUA_TFUNCTION || tr == LUA_TTABLE, 3,
                      "string/function/table expected");
  kvd_lua_check_length(L, pl);
  luaL_buffinit(L, &b);
  ms.L = L;
  ms.steps = 0;
  ms.src_init = src;
  ms.src_end = src+srcl;
  while (n < max_s) {
    const char *e;
    ms.level = 0;
    e = kvd_lua_match(&ms, src, p);
    if (e) {
      n++;
      kvd_lua_add_value(&ms, &b, src, e);
    }
    if (e && e>src) /* non empty match? */
      src = e;  /* skip it */
    else if (src < ms.src_end)
      luaL_addchar(&b, *src++);
    else break;
    if (anchor) break;
  }
  luaL_addlstring(&b, src, ms.src_end-src);
  luaL_pushresult(&b);
  lua_pushinteger(L, n);  /* number of substitutions */
  return 2;
}

#endif
