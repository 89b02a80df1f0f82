// Runs scripts made from a seed in the machine that the server runs them in (Sources/CLua), each batch in a child
// process, and stops at the first that ends the process, runs on after its time, takes memory that nobody counts,
// or hands the server more than a client could send.
//
//   fuzz-scripts --seed 1 --scripts 20000 --seconds 60      prints the script of a failure
//   fuzz-scripts --replay FILE                              runs that script alone
//   fuzz-scripts --unguarded unpack                         puts Lua's own function in place of the guarded one
//   fuzz-scripts --prove                                    all of them in turn, each of which must be found
//   fuzz-scripts --milliseconds 3000                        what a script may take, for a run below valgrind
#include "shim.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "generator.h"

#define MEMORY_LIMIT (16u << 20)
#define BATCH 200

// What a child and its parent both see.
typedef struct {
  uint64_t number;
  char failure[256];
  uint64_t outcomes[5];
} shared;

static shared *state;
static int script_milliseconds = 30;

// Of the processor, before a script counts as running on.
static int tolerated_milliseconds(void) { return 11 * script_milliseconds; }

__attribute__((noreturn)) static void fail(const char *what, double amount) {
  snprintf(state->failure, sizeof state->failure, "%s: %.0f", what, amount);
  _exit(1);
}

// MARK: The server's part

static int answer(
    void *context, const kvd_lua_bytes *arguments, size_t count, int resp, int only_asks, kvd_lua_bytes *reply) {
  static const char *const replies[] = {
    "+OK\r\n", "$-1\r\n", ":42\r\n", "*3\r\n:1\r\n$1\r\na\r\n*-1\r\n", "-ERR no\r\n", "_\r\n", "%1\r\n+a\r\n#t\r\n",
    "~2\r\n:1\r\n,3.5\r\n", "=5\r\ntxt:a\r\n", "(12\r\n",
  };
  size_t total = 0, sum = 0;
  (void)context, (void)resp;
  for (size_t index = 0; index < count; index++) {
    total += arguments[index].count;
    for (size_t at = 0; at < arguments[index].count; at += 4096) sum += (unsigned char)arguments[index].base[at];
  }
  if (total > 65u << 20) fail("bytes of a command's arguments", (double)total);
  reply->base = only_asks ? ":1\r\n" : replies[(sum + count) % COUNT_OF(replies)];
  reply->count = strlen(reply->base);
  return 1;
}

static void emit(void *context, const kvd_lua_value *value) {
  (void)context;
  if (value->bytes.count && value->bytes.base[value->bytes.count - 1] == 1) state->outcomes[0] += 0;
}

static void explain(void *context, kvd_lua_bytes text, int is_counted) {
  (void)context, (void)is_counted;
  if (text.count > KVD_LUA_ERROR_LIMIT) fail("bytes of an error", (double)text.count);
}

static int is_killed(void *context) { return (void)context, 0; }

static void take_line(void *context, int level, kvd_lua_bytes text) {
  (void)context;
  if (text.count > KVD_LUA_LOG_LIMIT || level < 0 || level > 3) fail("bytes of a line in the log", (double)text.count);
}

static void digest(kvd_lua_bytes bytes, char text[40]) {
  memset(text, bytes.count && bytes.base[0] ? '1' : '0', 40);
}

static const kvd_lua_host host = {answer, emit, explain, is_killed, take_line, digest};

// MARK: What there is to call

static void add_functions(lua_State *L, const char *prefix, functions *found, int depth) {
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    char name[64];
    if (lua_type(L, -2) != LUA_TSTRING) continue;
    snprintf(name, sizeof name, "%s%s", prefix, lua_tostring(L, -2));
    if (lua_isfunction(L, -1) && found->count < COUNT_OF(found->names)) strcpy(found->names[found->count++], name);
    if (lua_istable(L, -1) && depth < 2) {
      strncat(name, ".", sizeof name - strlen(name) - 1);
      add_functions(L, name, found, depth + 1);
    }
  }
}

static int compare_names(const void *left, const void *right) { return strcmp(left, right); }

// Walks the tables that a run's global table looks names up in, so that no function is forgotten.
static void find_functions(lua_State *L, functions *found) {
  found->count = 0;
  lua_getfield(L, LUA_REGISTRYINDEX, KVD_LUA_BASE);
  add_functions(L, "", found, 0);
  lua_getfield(L, LUA_REGISTRYINDEX, KVD_LUA_LIBRARIES);
  add_functions(L, "", found, 0);
  lua_settop(L, 0);
  // A table's order depends on addresses.
  qsort(found->names, found->count, sizeof *found->names, compare_names);
}

// Puts Lua's own function in place of the one with that name.
static void unguard(lua_State *L, const char *name) {
  lua_State *plain = luaL_newstate();
  const char *dot = strchr(name, '.'), *field = dot ? dot + 1 : name;
  luaL_openlibs(plain);
  if (dot) {
    char library[64];
    snprintf(library, sizeof library, "%.*s", (int)(dot - name), name);
    lua_getglobal(plain, library);
    lua_getfield(plain, -1, field);
    lua_getfield(L, LUA_REGISTRYINDEX, KVD_LUA_LIBRARIES);
    lua_getfield(L, -1, library);
  } else {
    lua_getglobal(plain, name);
    lua_getfield(L, LUA_REGISTRYINDEX, KVD_LUA_BASE);
  }
  lua_pushcfunction(L, lua_tocfunction(plain, -1));
  lua_setfield(L, -2, field);
  lua_settop(L, 0);
  lua_close(plain);
}

static kvd_lua_machine *make_machine(const char *unguarded) {
  kvd_lua_machine *machine = kvd_lua_make(&host, MEMORY_LIMIT);
  if (machine && unguarded) unguard(machine->state, unguarded);
  return machine;
}

// MARK: Running

static double processor_milliseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void run(kvd_lua_machine *machine, kvd_lua_bytes source, uint64_t number) {
  // A call that never returns ends the child.
  const struct itimerval timer = {{0, 0}, {1 + script_milliseconds / 15, 0}};
  const kvd_lua_bytes words[] = {{"key", 3}, {"a\0b", 3}, {"", 0}};
  char name[41];
  kvd_lua_script script = {{name, 40}, source, words, 1, words + 1, 2, 0, KVD_LUA_DONE};
  double begun = processor_milliseconds(), taken;
  snprintf(name, sizeof name, "%040llx", (unsigned long long)number);
  setitimer(ITIMER_PROF, &timer, NULL);
  machine->deadline = kvd_lua_now() + script_milliseconds * 1000000ll;
  state->outcomes[kvd_lua_run(machine, &script)]++;
  taken = processor_milliseconds() - begun;
  if (taken > tolerated_milliseconds()) fail("milliseconds that a script ran", taken);
  if (machine->used > MEMORY_LIMIT) fail("bytes in use", (double)machine->used);
}

static void limit_memory(void) {
#ifndef __SANITIZE_ADDRESS__
  const struct rlimit limit = {512u << 20, 512u << 20};
  setrlimit(RLIMIT_AS, &limit);
#endif
}

// Runs one batch in a child; what went wrong there, or an empty text.
static const char *run_batch(uint64_t seed, uint64_t first, const char *unguarded) {
  static char text[320];
  int status;
  pid_t child;
  state->failure[0] = 0;
  child = fork();
  if (child == 0) {
    static functions found;
    static generator g;
    kvd_lua_machine *machine;
    limit_memory();
    machine = make_machine(unguarded);
    find_functions(machine->state, &found);
    g.functions = &found;
    for (state->number = first; state->number < first + BATCH; state->number++) {
      kvd_lua_bytes source = {g.text, 0};
      make_script(&g, seed, state->number);
      source.count = g.count;
      // As the server does where scripts have left much behind.
      if (machine->used > 4 << 20) {
        kvd_lua_free(machine);
        machine = make_machine(unguarded);
      }
      run(machine, source, state->number);
    }
    kvd_lua_free(machine);
    _exit(0);
  }
  waitpid(child, &status, 0);
  text[0] = 0;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPROF) snprintf(text, sizeof text, "a call does not return");
  else if (WIFSIGNALED(status)) snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
  else if (WEXITSTATUS(status) && state->failure[0]) snprintf(text, sizeof text, "%s", state->failure);
  else if (WEXITSTATUS(status)) snprintf(text, sizeof text, "the sanitizer ended it");
  return text;
}

static void print_script(uint64_t seed, uint64_t number) {
  static functions found;
  static generator g;
  kvd_lua_machine *machine = make_machine(NULL);
  find_functions(machine->state, &found);
  g.functions = &found;
  make_script(&g, seed, number);
  printf("%s", g.text);
  kvd_lua_free(machine);
}

typedef struct {
  uint64_t seed, scripts;
  double seconds;
} bounds;

// Returns the number of the script that failed, counted from 1; 0 if none did.
static uint64_t hunt(bounds bounds, const char *unguarded) {
  int64_t end = kvd_lua_now() + (int64_t)(bounds.seconds * 1e9);
  uint64_t first;
  for (first = 0; first < bounds.scripts && kvd_lua_now() < end; first += BATCH) {
    const char *failure = run_batch(bounds.seed, first, unguarded);
    if (!*failure) continue;
    if (!unguarded) {
      printf(
          "fuzz-scripts: seed %llu, script %llu: %s\n", (unsigned long long)bounds.seed,
          (unsigned long long)state->number, failure);
      print_script(bounds.seed, state->number);
    }
    return state->number + 1;
  }
  if (!unguarded) {
    printf(
        "fuzz-scripts: seed %llu: %llu scripts, of which %llu returned, %llu failed, %llu were out of time, "
        "%llu out of memory\n",
        (unsigned long long)bounds.seed, (unsigned long long)first, (unsigned long long)state->outcomes[KVD_LUA_DONE],
        (unsigned long long)state->outcomes[KVD_LUA_FAILED], (unsigned long long)state->outcomes[KVD_LUA_LATE],
        (unsigned long long)state->outcomes[KVD_LUA_STARVED]);
  }
  return 0;
}

static int prove(bounds bounds) {
  static const char *const guarded[] = {"unpack", "string.rep", "string.gsub", "string.find", "table.insert"};
  int missed = 0;
  for (size_t index = 0; index < COUNT_OF(guarded); index++) {
    uint64_t found = hunt(bounds, guarded[index]);
    if (found) printf("fuzz-scripts: Lua's own %s is found by script %llu\n", guarded[index], (unsigned long long)found);
    else printf("fuzz-scripts: Lua's own %s is NOT found\n", guarded[index]);
    missed += !found;
  }
  return missed;
}

static int replay(const char *path) {
  static char text[1 << 20];
  FILE *file = fopen(path, "r");
  kvd_lua_bytes source = {text, 0};
  kvd_lua_machine *machine = make_machine(NULL);
  if (!file) return perror(path), 2;
  source.count = fread(text, 1, sizeof text, file);
  fclose(file);
  run(machine, source, 1);
  kvd_lua_free(machine);
  printf("fuzz-scripts: %s did no harm\n", path);
  return 0;
}

int main(int count, char **arguments) {
  bounds bounds = {1, 1000000, 60};
  const char *unguarded = NULL;
  int proves = 0;
  state = mmap(NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (int index = 1; index < count; index++) {
    const char *word = arguments[index], *value = index + 1 < count ? arguments[index + 1] : "";
    if (!strcmp(word, "--prove")) { proves = 1; continue; }
    index++;
    if (!strcmp(word, "--seed")) bounds.seed = strtoull(value, NULL, 10);
    else if (!strcmp(word, "--scripts")) bounds.scripts = strtoull(value, NULL, 10);
    else if (!strcmp(word, "--seconds")) bounds.seconds = strtod(value, NULL);
    else if (!strcmp(word, "--unguarded")) unguarded = value;
    else if (!strcmp(word, "--milliseconds")) script_milliseconds = atoi(value);
    else if (!strcmp(word, "--replay")) return replay(value);
    else return fprintf(stderr, "fuzz-scripts: unknown option %s\n", word), 2;
  }
  if (proves) return prove(bounds) != 0;
  return hunt(bounds, unguarded) != 0;
}
