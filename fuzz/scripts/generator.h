// Scripts made from a seed: calls of every function that a script can reach, with the numbers, sizes and values
// at which C code goes wrong, and operators, metamethods, callbacks and coroutines around them.
#ifndef KVD_FUZZ_GENERATOR_H
#define KVD_FUZZ_GENERATOR_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SCRIPT_LIMIT (1 << 16)
#define COUNT_OF(array) (sizeof array / sizeof *array)

// The names of the functions, as `string.rep`, found in the machine itself.
typedef struct {
  char names[256][64];
  size_t count;
} functions;

typedef struct {
  uint64_t state;
  const functions *functions;
  char text[SCRIPT_LIMIT + 1];
  size_t count;
} generator;

static uint64_t pick(generator *g, uint64_t below) {
  // SplitMix64.
  uint64_t z = (g->state += 0x9E3779B97F4A7C15u);
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return (z ^ z >> 31) % below;
}

static void put(generator *g, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  g->count += (size_t)vsnprintf(g->text + g->count, SCRIPT_LIMIT + 1 - g->count, format, arguments);
  if (g->count > SCRIPT_LIMIT) g->count = SCRIPT_LIMIT;
  va_end(arguments);
}

#define PUT_ONE_OF(g, list) put(g, "%s", list[pick(g, COUNT_OF(list))])

static void put_number(generator *g) {
  static const char *const numbers[] = {
    "0", "1", "-1", "2", "3", "7", "10", "36", "100", "255", "256", "4096", "4097", "7999", "8000", "8001", "65536",
    "2^20", "2^24", "2^30", "2^31-1", "2^31", "-2^31", "-2^31-1", "1-2^31", "2^32", "2^32-1", "2^53", "-2^53",
    "2^63", "-2^63", "2^64", "1e308", "-1e308", "5e-324", "0.5", "-0.5", "1/0", "-1/0", "0/0",
  };
  static const char *const edges[] = {"0", "1", "-1", "2^31-1", "-2^31", "2^31"};
  if (pick(g, 2)) PUT_ONE_OF(g, edges);
  else PUT_ONE_OF(g, numbers);
}

static void put_string(generator *g) {
  static const char *const strings[] = {
    "''", "'a'", "'abc'", "'\\0'", "'a\\0b'", "'\\r\\n'", "'-ERR a'", "'\\27Lua'", "'\\255\\254'", "('x'):rep(100)",
    "('x'):rep(8192)", "('x'):rep(2^20)", "('9'):rep(2^20)", "('ab'):rep(30000)", "('('):rep(300)", "('['):rep(5000)",
    "('1,'):rep(9000)", "('['):rep(1200)", "'0x1p99999'", "'1e999'", "'  12  '", "'nan'", "'-inf'",
    // Patterns and what they replace with.
    "'.-.-.-.-b'", "'(.*)(.*)(.*)'", "'%b()'", "'%f[%a]'", "'%f'", "'%'", "'[%a-'", "'[^]'", "'()'", "'(()'", "'%1'",
    "'(.)%1'", "'^a*$'", "'%1%1%0'", "('%1'):rep(20000)", "('a?'):rep(2000)", "('(a)'):rep(40)",
    "'[' .. ('a-z'):rep(1000) .. ']*b'",
    // Formats.
    "'%d'", "'%99.99f'", "'%100d'", "'%+-#0 +d'", "'%s'", "'%.99s'", "'%q'", "'%c'", "'%5$s'", "'%i%u%x%X%o%e%g'",
    "('%s'):rep(300)",
    // JSON, and chunks.
    "'{\"a\":[1,2,{\"b\":null}]}'", "'[1e999,-0,\"\\\\u0041\\\\ud800\"]'", "'{\"a\"'", "'\"\\\\u12'", "'[1,]'",
    "'return 1'", "'local a return ' .. ('a or '):rep(3000) .. '1'", "('if a then break end '):rep(3000)",
    "('['):rep(1) .. ('='):rep(50000) .. '['", "'return ' .. ('{'):rep(250)", "'return ...'",
    "('a='):rep(300) .. '1'",
    "'local function f() return f() end f()'",
    // Names of commands and options.
    "'get'", "'set'", "'nosuch'", "'count'", "'collect'", "'n'", "'#'", "'off'", "'null'",
  };
  static const char *const edges[] = {
    "''", "''", "'a'", "('x'):rep(8192)", "('x'):rep(2^20)", "'.-.-.-.-b'", "'(.*)(.*)(.*)b'"
  };
  if (pick(g, 2)) PUT_ONE_OF(g, edges);
  else PUT_ONE_OF(g, strings);
}

static void put_value(generator *g, int depth);

static void put_function(generator *g, int depth) {
  static const char *const functions[] = {
    "function(...) return ... end", "function() return nil end", "function(a, b) return a end",
    "function() error({}) end",
    "function() error() end", "function() return 1, 2, 3 end", "function() while true do end end",
    "function(...) return select('#', ...) end", "function(a) return {a} end", "coroutine.yield",
    "coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end)",
    "function() return true end", "function(a, b) return tostring(a) < tostring(b) end", "function(s) return s end",
    "(function() local n = 0 return function() n = n + 1 return n < 5 and 'x' or nil end end)()",
    "(function() local function f() return pcall(f) end return f end)()",
    "function() collectgarbage() return 'a' end",
  };
  if (pick(g, 3) == 0 && g->functions->count) {
    put(g, "%s", g->functions->names[pick(g, g->functions->count)]);
  } else {
    (void)depth;
    PUT_ONE_OF(g, functions);
  }
}

static void put_table(generator *g, int depth) {
  static const char *const tables[] = {
    "{}", "{1, 2, 3}", "{'a', 'b', 'c'}", "{[1] = 1, [2] = 2, [4] = 4}", "KEYS", "ARGV", "string", "redis", "_G",
    "{err = 'a b'}",
    "{ok = 'a\\r\\n'}", "{double = 1/0}", "{big_number = '1\\r\\n'}", "{map = {a = {set = {b = true}}}}",
    "{verbatim_string = {format = 'x', string = 'y'}}",
    // A border far beyond what is there.
    "(function() local t = {} for k = 0, 29 do t[2^k] = 'x' end return t end)()", "{[2^31-1] = 1, [-2^31] = 2}",
    "{[2^53] = 1, [0.5] = 2}",
    "(function() local t = {} for i = 1, 9000 do t[i] = i end return t end)()",
    "(function() local t = {} for i = 1, 2^16 do t[i] = i % 7 end return t end)()",
    "(function() local t = {} for i = 1, 7000 do t[i] = ('x'):rep(2^16) end return t end)()",
    "(function() local t = {} t[1] = t t.a = t return t end)()",
    "(function() local t = 1 for i = 1, 300 do t = {t} end return t end)()",
    "(function() local t = {1} for i = 1, 60 do t = {t, t} end return t end)()",
  };
  static const char *const events[] = {
    "__index", "__newindex", "__call", "__tostring", "__concat", "__lt", "__le", "__eq", "__len", "__unm", "__add",
    "__mode", "__gc", "__metatable",
  };
  if (depth < 3 && pick(g, 4) == 0) {
    put(g, "setmetatable({");
    if (pick(g, 2)) put_value(g, depth + 1);
    put(g, "}, {%s = ", events[pick(g, COUNT_OF(events))]);
    put_value(g, depth + 1);
    put(g, ", %s = ", events[pick(g, COUNT_OF(events))]);
    put_function(g, depth + 1);
    put(g, "})");
  } else if (depth < 3 && pick(g, 4) == 0) {
    put(g, "{");
    for (uint64_t left = pick(g, 4); left; left--) {
      put_value(g, depth + 1);
      put(g, ", ");
    }
    put(g, "[");
    put_number(g);
    put(g, " ~= 0/0 and 5 or 6] = ");
    put_value(g, depth + 1);
    put(g, "}");
  } else {
    PUT_ONE_OF(g, tables);
  }
}

static void put_value(generator *g, int depth) {
  static const char *const others[] = {
    "nil", "true", "false", "cjson.null", "coroutine.create(function(...) coroutine.yield(...) end)",
    "coroutine.running()",
    "unpack({1, 2, 3})", "select(2, pcall(error))",
  };
  switch (pick(g, 10)) {
    case 0: case 1: case 2: case 3: put_number(g); return;
    case 4: case 5: put_string(g); return;
    case 6: put_table(g, depth); return;
    case 7: put_function(g, depth); return;
    case 8: put(g, "v[%d]", (int)pick(g, 6) + 1); return;
    default: PUT_ONE_OF(g, others);
  }
}

// The first argument decides most calls, so it is often of the kind that the library wants.
static void put_arguments(generator *g, const char *name) {
  static const int counts[] = {0, 1, 2, 2, 3, 3, 3, 4, 5};
  int count = counts[pick(g, COUNT_OF(counts))];
  for (int index = 0; index < count; index++) {
    if (index) put(g, ", ");
    if (index && (*name == 't' || *name == 'u' || *name == 's') && pick(g, 2)) {
      if (*name == 's' && pick(g, 2)) put_string(g);
      else put_number(g);
      continue;
    }
    if (index == 0 && pick(g, 4)) {
      switch (*name) {
        case 's': put_string(g); continue;
        case 't': case 'u': put_table(g, 0); continue;
        case 'm': case 'b': put_number(g); continue;
        default: break;
      }
    }
    put_value(g, 0);
  }
}

static void put_operation(generator *g) {
  static const char *const operators[] = {
    " .. ", " < ", " <= ", " == ", " + ", " - ", " * ", " / ", " % ", " ^ ", " and ", " or "
  };
  put(g, "pcall(function() return ");
  switch (pick(g, 4)) {
    case 0:
      put(g, "#(");
      put_value(g, 0);
      put(g, ")");
      break;
    case 1:
      put(g, "(");
      put_value(g, 0);
      put(g, ")[");
      put_value(g, 0);
      put(g, "]");
      break;
    case 2:
      put(g, "(");
      put_value(g, 0);
      put(g, ")(");
      put_value(g, 0);
      put(g, ")");
      break;
    default:
      put(g, "(");
      put_value(g, 0);
      put(g, ")");
      PUT_ONE_OF(g, operators);
      put(g, "(");
      put_value(g, 0);
      put(g, ")");
  }
  put(g, " end)");
}

// Makes the script of that seed and number.
static void make_script(generator *g, uint64_t seed, uint64_t number) {
  static const char *const ways[] = {
    "pcall(", "coroutine.resume(coroutine.create(pcall), ", "coroutine.wrap(function(...) return pcall(...) end)(",
    "pcall(pcall, "
  };
  g->state = seed * 0x2545F4914F6CDD1Du + number * 0x9E3779B97F4A7C15u;
  g->count = 0;
  put(g, "local v = {}\n");
  for (uint64_t left = 1 + pick(g, 5); left; left--) {
    put(g, "v[%d] = select(2, ", (int)pick(g, 6) + 1);
    if (pick(g, 6) == 0) {
      put_operation(g);
    } else {
      const char *name = g->functions->names[pick(g, g->functions->count)];
      PUT_ONE_OF(g, ways);
      put(g, "%s, ", name);
      size_t before = g->count;
      put_arguments(g, name);
      if (g->count == before) g->count -= 2;
      put(g, ")");
    }
    put(g, ")\n");
  }
  put(g, "return v[%d]\n", (int)pick(g, 6) + 1);
}

#endif
