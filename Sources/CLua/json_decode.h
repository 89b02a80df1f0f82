// cjson.decode: converts JSON to a Lua value.
#ifndef KVD_LUA_JSON_DECODE_H
#define KVD_LUA_JSON_DECODE_H

#include "machine.h"

#include <stdio.h>
#include <strings.h>

// The text is the first value on the stack. Lua keeps a zero byte after it, and as in lua-cjson it ends at the
// first zero byte. The second stack value is a scratch block for strings with escapes, once one was needed.
typedef struct {
  lua_State *L;
  const char *base, *at;
  size_t count;
  char *scratch;
  int depth;
  unsigned tokens;
} kvd_lua_json_reader;

typedef struct {
  // One of `{}[],:`; `"` for a string, `0` for a number, `t` or `f`, `n`; 0 at the end, `!` if invalid.
  char kind;
  long long index;
  const char *text;  // the string's bytes, or the error
  size_t count;
  double number;
} kvd_lua_json_token;

static inline const char *kvd_lua_json_token_name(const kvd_lua_json_token *token) {
  switch (token->kind) {
    case '{': return "T_OBJ_BEGIN";
    case '}': return "T_OBJ_END";
    case '[': return "T_ARR_BEGIN";
    case ']': return "T_ARR_END";
    case '"': return "T_STRING";
    case '0': return "T_NUMBER";
    case 't': case 'f': return "T_BOOLEAN";
    case 'n': return "T_NULL";
    case ':': return "T_COLON";
    case ',': return "T_COMMA";
    case 0: return "T_END";
    default: return token->text;
  }
}

KVD_LUA_FUNCTION void kvd_lua_json_expected(
    kvd_lua_json_reader *reader, const char *what, const kvd_lua_json_token *token) {
  luaL_error(
      reader->L, "Expected %s but found %s at character %d", what, kvd_lua_json_token_name(token),
      (int)token->index + 1);
}

static inline void kvd_lua_json_wrong(kvd_lua_json_reader *reader, kvd_lua_json_token *token, const char *what) {
  token->kind = '!';
  token->text = what;
  token->index = reader->at - reader->base;
}

// The value of the four hexadecimal digits at `at`, or -1 if they are not hexadecimal digits.
static inline int kvd_lua_json_unit(const char *at) {
  int unit = 0, index;
  for (index = 0; index < 4; index++) {
    int digit = at[index];
    if (digit >= '0' && digit <= '9') digit -= '0';
    else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') digit = (digit | 0x20) - 'a' + 10;
    else return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

// Decodes `\uXXXX`, or a surrogate pair of them, to UTF-8. Returns the end of the output, or NULL if it is invalid.
static inline char *kvd_lua_json_character(kvd_lua_json_reader *reader, char *to) {
  const char *at = reader->at;
  int low, code = kvd_lua_json_unit(at + 2);
  if (code < 0) return NULL;
  at += 6;
  if ((code & 0xF800) == 0xD800) {
    if (code & 0x400 || at[0] != '\\' || at[1] != 'u') return NULL;
    low = kvd_lua_json_unit(at + 2);
    if ((low & ~0x3FF) != 0xDC00) return NULL;
    at += 6;
    code = ((code & 0x3FF) << 10 | (low & 0x3FF)) + 0x10000;
  }
  reader->at = at;
  if (code < 0x80) {
    *to++ = (char)code;
  } else if (code < 0x800) {
    *to++ = (char)(0xC0 | code >> 6);
    *to++ = (char)(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *to++ = (char)(0xE0 | code >> 12);
    *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    *to++ = (char)(0x80 | (code & 0x3F));
  } else {
    *to++ = (char)(0xF0 | code >> 18);
    *to++ = (char)(0x80 | (code >> 12 & 0x3F));
    *to++ = (char)(0x80 | (code >> 6 & 0x3F));
    *to++ = (char)(0x80 | (code & 0x3F));
  }
  return to;
}

// Reads a string; `at` points to its opening quote.
KVD_LUA_FUNCTION void kvd_lua_json_read_string(kvd_lua_json_reader *reader, kvd_lua_json_token *token) {
  const char *start = ++reader->at;
  char *to;
  size_t plain = strcspn(start, "\"\\");
  reader->at += plain;
  token->kind = '"';
  token->text = start;
  token->count = plain;
  if (*reader->at == '"') {
    reader->at++;
    return;
  }
  if (!reader->scratch) {
    // No string is longer than the whole text.
    reader->scratch = (char *)lua_newuserdata(reader->L, reader->count + 1);
    lua_replace(reader->L, 2);
  }
  memcpy(reader->scratch, start, plain);
  to = reader->scratch + plain;
  for (; *reader->at != '"'; reader->at++) {
    char byte = *reader->at;
    if (!byte) return kvd_lua_json_wrong(reader, token, "unexpected end of string");
    if (byte == '\\') {
      byte = reader->at[1];
      switch (byte) {
        case '"': case '\\': case '/': break;
        case 'b': byte = '\b'; break;
        case 't': byte = '\t'; break;
        case 'n': byte = '\n'; break;
        case 'f': byte = '\f'; break;
        case 'r': byte = '\r'; break;
        case 'u': {
          char *next = kvd_lua_json_character(reader, to);
          if (!next) return kvd_lua_json_wrong(reader, token, "invalid unicode escape code");
          to = next;
          reader->at--;
          continue;
        }
        default: return kvd_lua_json_wrong(reader, token, "invalid escape code");
      }
      reader->at++;
    }
    *to++ = byte;
  }
  reader->at++;
  token->text = reader->scratch;
  token->count = (size_t)(to - reader->scratch);
}

// Whether C accepts a number that JSON does not have: hexadecimal, infinite, NaN, or with a plus or leading zeros.
static inline int kvd_lua_json_is_odd_number(const char *at) {
  if (*at == '+') return 1;
  if (*at == '-') at++;
  if (*at == '0') return (at[1] | 0x20) == 'x' || (at[1] >= '0' && at[1] <= '9');
  return strncasecmp(at, "inf", 3) == 0 || strncasecmp(at, "nan", 3) == 0;
}

static inline int kvd_lua_json_skip(kvd_lua_json_reader *reader, const char *word) {
  size_t count = strlen(word);
  if (strncmp(reader->at, word, count)) return 0;
  reader->at += count;
  return 1;
}

KVD_LUA_FUNCTION void kvd_lua_json_next(kvd_lua_json_reader *reader, kvd_lua_json_token *token) {
  char *end;
  int takes_odd = kvd_lua_of(reader->L)->json.decode_invalid, is_odd;
  if (++reader->tokens % 1024 == 0) kvd_lua_check(reader->L);
  reader->at += strspn(reader->at, " \t\n\r");
  token->index = reader->at - reader->base;
  token->kind = *reader->at;
  switch (token->kind) {
    case 0: return;
    case '{': case '}': case '[': case ']': case ',': case ':':
      reader->at++;
      return;
    case '"': return kvd_lua_json_read_string(reader, token);
    default: break;
  }
  if (kvd_lua_json_skip(reader, "true") || kvd_lua_json_skip(reader, "false") || kvd_lua_json_skip(reader, "null")) return;
  is_odd = kvd_lua_json_is_odd_number(reader->at);
  if (token->kind == '-' || (token->kind >= '0' && token->kind <= '9')) {
    if (is_odd && !takes_odd) return kvd_lua_json_wrong(reader, token, "invalid number");
  } else if (!is_odd || !takes_odd) {
    return kvd_lua_json_wrong(reader, token, "invalid token");
  }
  token->number = strtod(reader->at, &end);
  if (end == reader->at) return kvd_lua_json_wrong(reader, token, "invalid number");
  reader->at = end;
  token->kind = '0';
}

static inline void kvd_lua_json_descend(kvd_lua_json_reader *reader) {
  if (++reader->depth > kvd_lua_of(reader->L)->json.decode_depth)
    luaL_error(
        reader->L, "Found too many nested data structures (%d) at character %d", reader->depth,
        (int)(reader->at - reader->base));
  luaL_checkstack(reader->L, 6, "JSON");
  lua_newtable(reader->L);
}

KVD_LUA_FUNCTION void kvd_lua_json_read_value(kvd_lua_json_reader *reader, kvd_lua_json_token *token);

static inline void kvd_lua_json_read_object(kvd_lua_json_reader *reader) {
  kvd_lua_json_token token;
  kvd_lua_json_descend(reader);
  kvd_lua_json_next(reader, &token);
  for (int is_first = 1; !is_first || token.kind != '}'; is_first = 0) {
    if (token.kind != '"') kvd_lua_json_expected(reader, "object key string", &token);
    lua_pushlstring(reader->L, token.text, token.count);
    kvd_lua_json_next(reader, &token);
    if (token.kind != ':') kvd_lua_json_expected(reader, "colon", &token);
    kvd_lua_json_next(reader, &token);
    kvd_lua_json_read_value(reader, &token);
    lua_rawset(reader->L, -3);
    kvd_lua_json_next(reader, &token);
    if (token.kind == '}') break;
    if (token.kind != ',') kvd_lua_json_expected(reader, "comma or object end", &token);
    kvd_lua_json_next(reader, &token);
  }
  reader->depth--;
}

static inline void kvd_lua_json_read_array(kvd_lua_json_reader *reader) {
  kvd_lua_json_token token;
  int index;
  kvd_lua_json_descend(reader);
  kvd_lua_json_next(reader, &token);
  for (index = 1; index > 1 || token.kind != ']'; index++) {
    kvd_lua_json_read_value(reader, &token);
    lua_rawseti(reader->L, -2, index);
    kvd_lua_json_next(reader, &token);
    if (token.kind == ']') break;
    if (token.kind != ',') kvd_lua_json_expected(reader, "comma or array end", &token);
    kvd_lua_json_next(reader, &token);
  }
  reader->depth--;
}

// Pushes the value that begins with `token`.
KVD_LUA_FUNCTION void kvd_lua_json_read_value(kvd_lua_json_reader *reader, kvd_lua_json_token *token) {
  switch (token->kind) {
    case '"': lua_pushlstring(reader->L, token->text, token->count); return;
    case '0': lua_pushnumber(reader->L, token->number); return;
    case 't': case 'f': lua_pushboolean(reader->L, token->kind == 't'); return;
    case '{': kvd_lua_json_read_object(reader); return;
    case '[': kvd_lua_json_read_array(reader); return;
    case 'n': lua_pushlightuserdata(reader->L, NULL); return;
    default: kvd_lua_json_expected(reader, "value", token);
  }
}

static int kvd_lua_json_decode(lua_State *L) {
  kvd_lua_json_reader reader = {L, NULL, NULL, 0, NULL, 0, 0};
  kvd_lua_json_token token;
  luaL_argcheck(L, lua_gettop(L) == 1, 1, "expected 1 argument");
  reader.base = reader.at = luaL_checklstring(L, 1, &reader.count);
  lua_pushnil(L);
  if (reader.count >= 2 && (!reader.base[0] || !reader.base[1]))
    luaL_error(L, "JSON parser does not support UTF-16 or UTF-32");
  kvd_lua_json_next(&reader, &token);
  kvd_lua_json_read_value(&reader, &token);
  kvd_lua_json_next(&reader, &token);
  if (token.kind) kvd_lua_json_expected(&reader, "the end", &token);
  return 1;
}

#endif
