// LMDB, and its calls that look at pages under guard: LMDB asserts what it expects of a page, and an
// assertion that fails ends the process. Here it ends the call instead, with a status. Header only: nothing
// here is compiled into a library of its own.
#ifndef KVD_CLMDB_H
#define KVD_CLMDB_H

#include <lmdb.h>
#include <setjmp.h>
#include <stddef.h>

// What a guarded call returns where an assertion failed; LMDB's own codes end at -30780.
//
// ASSERTED, of calls that only read: the view or transaction answers nothing more, and is ended as always.
// ABANDONED, of calls that change a transaction: it is neither to be used nor to be aborted, because its list
// of cursors may lead to stack that is gone.
#define KVD_MDB_ASSERTED (-30700)
#define KVD_MDB_ABANDONED (-30701)

// Where the calling thread goes on if an assertion of LMDB's fails; NULL outside of guarded calls. A weak
// function, which the linker makes one of, and never inlined: so all that include this share one variable.
__attribute__((weak, visibility("hidden"))) jmp_buf **kvd_mdb_place(void) {
  static __thread jmp_buf *place;
  return &place;
}

// LMDB calls this before it aborts. The jump crosses frames of LMDB's alone: it was called by one of the
// functions below, and it never calls back into anything but this and comparisons of its own.
static void kvd_mdb_assertion_failed(MDB_env *environment, const char *message) {
  jmp_buf *place = *kvd_mdb_place();
  (void)environment; (void)message;
  if (place) {
    *kvd_mdb_place() = NULL;
    longjmp(*place, 1);
  }
}

static inline void kvd_mdb_guard(MDB_env *environment) {
  mdb_env_set_assert(environment, kvd_mdb_assertion_failed);
}

// Not to be inlined: a function that comes back twice keeps the optimizer from its caller. `_setjmp` saves no
// signal mask, so no system call is made. Left with `longjmp`, which restores one only where one was saved: the thread
// sanitizer does not know `_longjmp`, and would take a thread to be in all functions that assertions have left.
#define KVD_MDB_GUARDED(failed, call) \
  jmp_buf place;                      \
  jmp_buf **current;                  \
  int status;                         \
  if (_setjmp(place)) return failed;  \
  current = kvd_mdb_place();          \
  *current = &place;                  \
  status = call;                      \
  *current = NULL;                    \
  return status

#define KVD_MDB_FUNCTION __attribute__((noinline, unused)) static int

KVD_MDB_FUNCTION kvd_mdb_dbi_open(MDB_txn *txn, const char *name, unsigned int flags, MDB_dbi *dbi) {
  KVD_MDB_GUARDED(KVD_MDB_ASSERTED, mdb_dbi_open(txn, name, flags, dbi));
}

KVD_MDB_FUNCTION kvd_mdb_stat(MDB_txn *txn, MDB_dbi dbi, MDB_stat *stat) {
  KVD_MDB_GUARDED(KVD_MDB_ASSERTED, mdb_stat(txn, dbi, stat));
}

KVD_MDB_FUNCTION kvd_mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value) {
  KVD_MDB_GUARDED(KVD_MDB_ASSERTED, mdb_get(txn, dbi, key, value));
}

KVD_MDB_FUNCTION kvd_mdb_cursor_open(MDB_txn *txn, MDB_dbi dbi, MDB_cursor **cursor) {
  KVD_MDB_GUARDED(KVD_MDB_ASSERTED, mdb_cursor_open(txn, dbi, cursor));
}

KVD_MDB_FUNCTION kvd_mdb_cursor_renew(MDB_txn *txn, MDB_cursor *cursor) {
  KVD_MDB_GUARDED(KVD_MDB_ASSERTED, mdb_cursor_renew(txn, cursor));
}

KVD_MDB_FUNCTION kvd_mdb_cursor_get(
    MDB_cursor *cursor, MDB_val *key, MDB_val *value, MDB_cursor_op operation) {
  KVD_MDB_GUARDED(KVD_MDB_ASSERTED, mdb_cursor_get(cursor, key, value, operation));
}

KVD_MDB_FUNCTION kvd_mdb_put(
    MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *value, unsigned int flags) {
  KVD_MDB_GUARDED(KVD_MDB_ABANDONED, mdb_put(txn, dbi, key, value, flags));
}

KVD_MDB_FUNCTION kvd_mdb_cursor_put(
    MDB_cursor *cursor, MDB_val *key, MDB_val *value, unsigned int flags) {
  KVD_MDB_GUARDED(KVD_MDB_ABANDONED, mdb_cursor_put(cursor, key, value, flags));
}

KVD_MDB_FUNCTION kvd_mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key) {
  KVD_MDB_GUARDED(KVD_MDB_ABANDONED, mdb_del(txn, dbi, key, NULL));
}

KVD_MDB_FUNCTION kvd_mdb_cursor_del(MDB_cursor *cursor) {
  KVD_MDB_GUARDED(KVD_MDB_ABANDONED, mdb_cursor_del(cursor, 0));
}

KVD_MDB_FUNCTION kvd_mdb_txn_commit(MDB_txn *txn) {
  KVD_MDB_GUARDED(KVD_MDB_ABANDONED, mdb_txn_commit(txn));
}

#endif
