// Pattern matching of Lua 5.1 (lstrlib.c) with two additions. It counts its steps and checks the script's time,
// because some patterns backtrack for years and Lua calls no hooks while matching. And it limits the length of
// patterns, because each pattern item takes a stack frame.
//
// Copyright (C) 1994-2012 Lua.org, PUC-Rio.
//
// Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
// associated documentation files (the "Software"), to deal in the Software without restriction, including
// without limitation the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to the
// following conditions:
//
// The above copyright notice and this permission notice shall be included in all copies or substantial
// portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT
// LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO
// EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER
// IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR
// THE USE OR OTHER DEALINGS IN THE SOFTWARE.
#ifndef KVD_LUA_PATTERNS_H
#define KVD_LUA_PATTERNS_H

#include "machine.h"

#include <ctype.h>
#include <string.h>

#define KVD_LUA_PATTERN_LIMIT 4096
#define KVD_LUA_BYTE(c) ((unsigned char)(c))

static inline ptrdiff_t kvd_lua_posrelat(ptrdiff_t pos, size_t len) {
  if (pos < 0) pos += (ptrdiff_t)len + 1;
  return pos >= 0 ? pos : 0;
}

#define KVD_LUA_CAP_UNFINISHED (-1)
#define KVD_LUA_CAP_POSITION (-2)

typedef struct kvd_lua_matching {
  const char *src_init;  /* init of source string */
  const char *src_end;  /* end (`\0') of source string */
  lua_State *L;
  int level;  /* total number of captures (finished or unfinished) */
  size_t steps;  /* since the last time check */
  struct {
    const char *init;
    ptrdiff_t len;
  } capture[LUA_MAXCAPTURES];
} kvd_lua_matching;

#define KVD_LUA_L_ESC  '%'
#define KVD_LUA_SPECIALS "^$*+?.([%-"

/* Counts steps, and periodically checks the script's time, which may end the script. */
static inline void kvd_lua_spend (kvd_lua_matching *ms, size_t steps) {
  if ((ms->steps += steps) < 16384) return;
  ms->steps = 0;
  kvd_lua_check(ms->L);
}

static int kvd_lua_check_capture (kvd_lua_matching *ms, int l) {
  l -= '1';
  if (l < 0 || l >= ms->level || ms->capture[l].len == KVD_LUA_CAP_UNFINISHED)
    return luaL_error(ms->L, "invalid capture index");
  return l;
}

static int kvd_lua_capture_to_close (kvd_lua_matching *ms) {
  int level = ms->level;
  for (level--; level>=0; level--)
    if (ms->capture[level].len == KVD_LUA_CAP_UNFINISHED) return level;
  return luaL_error(ms->L, "invalid pattern capture");
}

static const char *kvd_lua_classend (kvd_lua_matching *ms, const char *p) {
  switch (*p++) {
    case KVD_LUA_L_ESC: {
      if (*p == '\0')
        luaL_error(ms->L, "malformed pattern (ends with " LUA_QL("%%") ")");
      return p+1;
    }
    case '[': {
      if (*p == '^') p++;
      do {  /* look for a `]' */
        if (*p == '\0')
          luaL_error(ms->L, "malformed pattern (missing " LUA_QL("]") ")");
        if (*(p++) == KVD_LUA_L_ESC && *p != '\0')
          p++;  /* skip escapes (e.g. `%]') */
      } while (*p != ']');
      return p+1;
    }
    default: {
      return p;
    }
  }
}

static int kvd_lua_match_class (int c, int cl) {
  int res;
  switch (tolower(cl)) {
    case 'a' : res = isalpha(c); break;
    case 'c' : res = iscntrl(c); break;
    case 'd' : res = isdigit(c); break;
    case 'l' : res = islower(c); break;
    case 'p' : res = ispunct(c); break;
    case 's' : res = isspace(c); break;
    case 'u' : res = isupper(c); break;
    case 'w' : res = isalnum(c); break;
    case 'x' : res = isxdigit(c); break;
    case 'z' : res = (c == 0); break;
    default: return (cl == c);
  }
  return (islower(cl) ? res : !res);
}

static int kvd_lua_matchbracketclass (int c, const char *p, const char *ec) {
  int sig = 1;
  if (*(p+1) == '^') {
    sig = 0;
    p++;  /* skip the `^' */
  }
  while (++p < ec) {
    if (*p == KVD_LUA_L_ESC) {
      p++;
      if (kvd_lua_match_class(c, KVD_LUA_BYTE(*p)))
        return sig;
    }
    else if ((*(p+1) == '-') && (p+2 < ec)) {
      p+=2;
      if (KVD_LUA_BYTE(*(p-2)) <= c && c <= KVD_LUA_BYTE(*p))
        return sig;
    }
    else if (KVD_LUA_BYTE(*p) == c) return sig;
  }
  return !sig;
}

static int kvd_lua_singlematch (int c, const char *p, const char *ep) {
  switch (*p) {
    case '.': return 1;  /* matches any char */
    case KVD_LUA_L_ESC: return kvd_lua_match_class(c, KVD_LUA_BYTE(*(p+1)));
    case '[': return kvd_lua_matchbracketclass(c, p, ep-1);
    default:  return (KVD_LUA_BYTE(*p) == c);
  }
}

static const char *kvd_lua_match (kvd_lua_matching *ms, const char *s, const char *p);

static const char *kvd_lua_matchbalance (kvd_lua_matching *ms, const char *s,
                                   const char *p) {
  if (*p == 0 || *(p+1) == 0)
    luaL_error(ms->L, "unbalanced pattern");
  if (*s != *p) return NULL;
  else {
    int b = *p;
    int e = *(p+1);
    int cont = 1;
    while (++s < ms->src_end) {
      kvd_lua_spend(ms, 1);
      if (*s == e) {
        if (--cont == 0) return s+1;
      }
      else if (*s == b) cont++;
    }
  }
  return NULL;  /* string ends out of balance */
}

static const char *kvd_lua_max_expand (kvd_lua_matching *ms, const char *s,
                                 const char *p, const char *ep) {
  ptrdiff_t i = 0;  /* counts maximum expand for item */
  while ((s+i)<ms->src_end && kvd_lua_singlematch(KVD_LUA_BYTE(*(s+i)), p, ep))
  {
    i++;
    kvd_lua_spend(ms, (size_t)(ep - p));
  }
  /* keeps trying to match with the maximum repetitions */
  while (i>=0) {
    const char *res = kvd_lua_match(ms, (s+i), ep+1);
    if (res) return res;
    i--;  /* else didn't match; reduce 1 repetition to try again */
  }
  return NULL;
}

static const char *kvd_lua_min_expand (kvd_lua_matching *ms, const char *s,
                                 const char *p, const char *ep) {
  for (;;) {
    const char *res = kvd_lua_match(ms, s, ep+1);
    if (res != NULL)
      return res;
    kvd_lua_spend(ms, (size_t)(ep - p));
    if (s<ms->src_end && kvd_lua_singlematch(KVD_LUA_BYTE(*s), p, ep))
      s++;  /* try with one more repetition */
    else return NULL;
  }
}

static const char *kvd_lua_start_capture (kvd_lua_matching *ms, const char *s,
                                    const char *p, int what) {
  const char *res;
  int level = ms->level;
  if (level >= LUA_MAXCAPTURES) luaL_error(ms->L, "too many captures");
  ms->capture[level].init = s;
  ms->capture[level].len = what;
  ms->level = level+1;
  if ((res=kvd_lua_match(ms, s, p)) == NULL)  /* match failed? */
    ms->level--;  /* undo capture */
  return res;
}

static const char *kvd_lua_end_capture (kvd_lua_matching *ms, const char *s,
                                  const char *p) {
  int l = kvd_lua_capture_to_close(ms);
  const char *res;
  ms->capture[l].len = s - ms->capture[l].init;  /* close capture */
  if ((res = kvd_lua_match(ms, s, p)) == NULL)  /* match failed? */
    ms->capture[l].len = KVD_LUA_CAP_UNFINISHED;  /* undo capture */
  return res;
}

static const char *kvd_lua_match_capture (kvd_lua_matching *ms, const char *s, int l) {
  size_t len;
  l = kvd_lua_check_capture(ms, l);
  len = ms->capture[l].len;
  if ((size_t)(ms->src_end-s) < len) return NULL;  /* also for a position capture */
  kvd_lua_spend(ms, len);
  if (
      memcmp(ms->capture[l].init, s, len) == 0)
    return s+len;
  else return NULL;
}

static const char *kvd_lua_match (kvd_lua_matching *ms, const char *s, const char *p) {
  init: /* using goto's to optimize tail recursion */
  kvd_lua_spend(ms, 1);
  switch (*p) {
    case '(': {  /* start capture */
      if (*(p+1) == ')')  /* position capture? */
        return kvd_lua_start_capture(ms, s, p+2, KVD_LUA_CAP_POSITION);
      else
        return kvd_lua_start_capture(ms, s, p+1, KVD_LUA_CAP_UNFINISHED);
    }
    case ')': {  /* end capture */
      return kvd_lua_end_capture(ms, s, p+1);
    }
    case KVD_LUA_L_ESC: {
      switch (*(p+1)) {
        case 'b': {  /* balanced string? */
          s = kvd_lua_matchbalance(ms, s, p+2);
          if (s == NULL) return NULL;
          p+=4; goto init;  /* else return kvd_lua_match(ms, s, p+4); */
        }
        case 'f': {  /* frontier? */
          const char *ep; char previous;
          p += 2;
          if (*p != '[')
            luaL_error(ms->L, "missing " LUA_QL("[") " after "
                               LUA_QL("%%f") " in pattern");
          ep = kvd_lua_classend(ms, p);  /* points to what is next */
          previous = (s == ms->src_init) ? '\0' : *(s-1);
          kvd_lua_spend(ms, (size_t)(ep - p));
          if (kvd_lua_matchbracketclass(KVD_LUA_BYTE(previous), p, ep-1) ||
             !kvd_lua_matchbracketclass(KVD_LUA_BYTE(*s), p, ep-1)) return NULL;
          p=ep; goto init;  /* else return kvd_lua_match(ms, s, ep); */
        }
        default: {
          if (isdigit(KVD_LUA_BYTE(*(p+1)))) {  /* capture results (%0-%9)? */
            s = kvd_lua_match_capture(ms, s, KVD_LUA_BYTE(*(p+1)));
            if (s == NULL) return NULL;
            p+=2; goto init;  /* else return kvd_lua_match(ms, s, p+2) */
          }
          goto dflt;  /* case default */
        }
      }
    }
    case '\0': {  /* end of pattern */
      return s;  /* match succeeded */
    }
    case '$': {
      if (*(p+1) == '\0')  /* is the `$' the last char in pattern? */
        return (s == ms->src_end) ? s : NULL;  /* check end of string */
      else goto dflt;
    }
    default: dflt: {  /* it is a pattern item */
      const char *ep = kvd_lua_classend(ms, p);  /* points to what is next */
      int m = s<ms->src_end && kvd_lua_singlematch(KVD_LUA_BYTE(*s), p, ep);
      kvd_lua_spend(ms, (size_t)(ep - p));  /* a class may be long */
      switch (*ep) {
        case '?': {  /* optional */
          const char *res;
          if (m && ((res=kvd_lua_match(ms, s+1, ep+1)) != NULL))
            return res;
          p=ep+1; goto init;  /* else return kvd_lua_match(ms, s, ep+1); */
        }
        case '*': {  /* 0 or more repetitions */
          return kvd_lua_max_expand(ms, s, p, ep);
        }
        case '+': {  /* 1 or more repetitions */
          return (m ? kvd_lua_max_expand(ms, s+1, p, ep) : NULL);
        }
        case '-': {  /* 0 or more repetitions (minimum) */
          return kvd_lua_min_expand(ms, s, p, ep);
        }
        default: {
          if (!m) return NULL;
          s++; p=ep; goto init;  /* else return kvd_lua_match(ms, s+1, ep); */
        }
      }
    }
  }
}

#endif
