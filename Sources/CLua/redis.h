// The table `redis` for scripts.
#ifndef KVD_LUA_REDIS_H
#define KVD_LUA_REDIS_H

#include "values.h"

// Maximum total length of one command's arguments in bytes. The server copies them, as for a client's request.
#define KVD_LUA_REQUEST_LIMIT (65u << 20)

// Returns the arguments on the stack as an array in a block pushed on top. Returns NULL, with an error pushed, if
// one is neither a string nor a number, or if they are too long: the same string may be passed thousands of times.
KVD_LUA_FUNCTION const kvd_lua_bytes *kvd_lua_arguments(lua_State *L) {
  static const char *none = "Please specify at least one argument for this redis lib call";
  static const char *wrong = "Lua redis lib command arguments must be strings or integers";
  static const char *large = "the arguments of the command exceed the limit of 65 MiB";
  int count = lua_gettop(L), index;
  size_t total = 0;
  kvd_lua_bytes *arguments;
  char text[64];
  if (count == 0) {
    kvd_lua_push_error(L, none, strlen(none));
    return NULL;
  }
  luaL_checkstack(L, 8, "arguments");
  for (index = 1; index <= count; index++) {
    int type = lua_type(L, index);
    if (type != LUA_TNUMBER && type != LUA_TSTRING) {
      kvd_lua_push_error(L, wrong, strlen(wrong));
      return NULL;
    }
    if (type == LUA_TSTRING) continue;
    // Lua itself would write only 14 digits.
    lua_pushlstring(L, text, (size_t)snprintf(text, sizeof text, "%.17g", (double)lua_tonumber(L, index)));
    lua_replace(L, index);
  }
  arguments = (kvd_lua_bytes *)lua_newuserdata(L, (size_t)count * sizeof *arguments);
  for (index = 1; index <= count; index++) {
    arguments[index - 1] = kvd_lua_string_at(L, index);
    total += arguments[index - 1].count;
    if (total > KVD_LUA_REQUEST_LIMIT) {
      kvd_lua_push_error(L, large, strlen(large));
      return NULL;
    }
  }
  return arguments;
}

KVD_LUA_FUNCTION int kvd_lua_command(lua_State *L, int raises, int only_asks) {
  kvd_lua_machine *machine = kvd_lua_of(L);
  size_t count = (size_t)lua_gettop(L);
  const kvd_lua_bytes *arguments = kvd_lua_arguments(L);
  kvd_lua_bytes reply = {"_\r\n", 3};
  if (!arguments) return raises ? lua_error(L) : 1;
  if (!machine->host->call(machine->context, arguments, count, machine->resp, only_asks, &reply)) machine->is_over = 1;
  kvd_lua_check(L);
  lua_settop(L, 0);
  kvd_lua_push_reply(L, reply.base, reply.base + reply.count);
  return raises && *reply.base == '-' ? lua_error(L) : 1;
}

static int kvd_lua_redis_call(lua_State *L) { return kvd_lua_command(L, 1, 0); }
static int kvd_lua_redis_pcall(lua_State *L) { return kvd_lua_command(L, 0, 0); }

static int kvd_lua_acl_check_cmd(lua_State *L) {
  kvd_lua_command(L, 1, 1);
  lua_pushboolean(L, lua_tonumber(L, -1) != 0);
  return 1;
}

// Pushes a table with the argument as its only field.
KVD_LUA_FUNCTION int kvd_lua_reply(lua_State *L, int is_error) {
  static const char *wrong = "wrong number or type of arguments";
  if (lua_gettop(L) != 1 || lua_type(L, 1) != LUA_TSTRING) {
    kvd_lua_push_error(L, wrong, strlen(wrong));
  } else if (is_error) {
    const char *text = lua_tostring(L, 1);
    if (*text != '-') text = lua_pushfstring(L, "-%s", text);
    kvd_lua_push_error(L, text, strlen(text));
  } else {
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "ok");
  }
  return 1;
}

static int kvd_lua_error_reply(lua_State *L) { return kvd_lua_reply(L, 1); }
static int kvd_lua_status_reply(lua_State *L) { return kvd_lua_reply(L, 0); }

static int kvd_lua_sha1hex(lua_State *L) {
  kvd_lua_bytes bytes;
  char text[40];
  if (lua_gettop(L) != 1) return kvd_lua_refuse(L, "wrong number of arguments");
  bytes = kvd_lua_string_at(L, 1);
  kvd_lua_of(L)->host->digest(bytes, text);
  lua_pushlstring(L, text, sizeof text);
  return 1;
}

// Maximum length of a line in the server's log, as in Redis, in bytes.
#define KVD_LUA_LOG_LIMIT 1024

static int kvd_lua_log(lua_State *L) {
  kvd_lua_machine *machine = kvd_lua_of(L);
  int count = lua_gettop(L), index, level;
  luaL_Buffer text;
  kvd_lua_bytes line;
  if (count < 2) return kvd_lua_refuse(L, "redis.log() requires two arguments or more.");
  if (!lua_isnumber(L, 1)) return kvd_lua_refuse(L, "First argument must be a number (log level).");
  level = (int)lua_tointeger(L, 1);
  if (level < 0 || level > 3) return kvd_lua_refuse(L, "Invalid debug level.");
  luaL_buffinit(L, &text);
  for (index = 2; index <= count; index++) {
    if (!lua_isstring(L, index)) continue;
    if (index > 2) luaL_addchar(&text, ' ');
    lua_pushvalue(L, index);
    luaL_addvalue(&text);
  }
  luaL_pushresult(&text);
  line = kvd_lua_string_at(L, -1);
  if (line.count > KVD_LUA_LOG_LIMIT) line.count = KVD_LUA_LOG_LIMIT;
  machine->host->log(machine->context, level, line);
  return 0;
}

static int kvd_lua_setresp(lua_State *L) {
  lua_Number resp;
  if (lua_gettop(L) != 1) return kvd_lua_refuse(L, "redis.setresp() requires one argument.");
  resp = lua_tonumber(L, 1);
  if (resp != 2 && resp != 3) return kvd_lua_refuse(L, "RESP version must be 2 or 3.");
  kvd_lua_of(L)->resp = (int)resp;
  return 0;
}

// There are no replicas, and the log always contains a script's effects.
static int kvd_lua_set_repl(lua_State *L) {
  lua_Number flags;
  if (lua_gettop(L) != 1) return kvd_lua_refuse(L, "redis.set_repl() requires two arguments.");
  flags = lua_tonumber(L, 1);
  if (flags < 0 || flags > 3) {
    return kvd_lua_refuse(L, "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.");
  }
  return 0;
}

static int kvd_lua_replicate_commands(lua_State *L) {
  lua_pushboolean(L, 1);
  return 1;
}

static const luaL_Reg kvd_lua_redis_functions[] = {
  {"call", kvd_lua_redis_call}, {"pcall", kvd_lua_redis_pcall}, {"acl_check_cmd", kvd_lua_acl_check_cmd},
  {"error_reply", kvd_lua_error_reply}, {"status_reply", kvd_lua_status_reply}, {"sha1hex", kvd_lua_sha1hex},
  {"log", kvd_lua_log}, {"setresp", kvd_lua_setresp}, {"set_repl", kvd_lua_set_repl},
  {"replicate_commands", kvd_lua_replicate_commands}, {NULL, NULL},
};

static const struct { const char *name; int value; } kvd_lua_redis_numbers[] = {
  {"LOG_DEBUG", 0}, {"LOG_VERBOSE", 1}, {"LOG_NOTICE", 2}, {"LOG_WARNING", 3}, {"REPL_NONE", 0}, {"REPL_AOF", 1},
  {"REPL_SLAVE", 2}, {"REPL_REPLICA", 2}, {"REPL_ALL", 3}, {"REDIS_VERSION_NUM", 0x0007000f}, {NULL, 0},
};

// Pushes the table.
KVD_LUA_FUNCTION void kvd_lua_push_redis(lua_State *L) {
  int index;
  lua_newtable(L);
  luaL_register(L, NULL, kvd_lua_redis_functions);
  for (index = 0; kvd_lua_redis_numbers[index].name; index++) {
    lua_pushinteger(L, kvd_lua_redis_numbers[index].value);
    lua_setfield(L, -2, kvd_lua_redis_numbers[index].name);
  }
  lua_pushstring(L, "7.0.15");
  lua_setfield(L, -2, "REDIS_VERSION");
}

#endif
