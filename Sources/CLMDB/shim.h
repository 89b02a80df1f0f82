// LMDB, with guards around its calls that read pages. LMDB asserts that pages have the expected form, and a failed
// assertion would abort the process. Here it makes the call return a status instead. Header only: nothing is
// compiled into a library of its own.
#ifndef KVD_CLMDB_H
#define KVD_CLMDB_H

#include <lmdb.h>
#include <setjmp.h>
#include <stddef.h>

// Results of a guarded call when an assertion failed. LMDB's own codes end at -30780.
//
// ASSERTED, for calls that only read: the view or transaction gives no more answers, and is ended as usual.
// ABANDONED, for calls that change a transaction: it must be neither used nor aborted, because its list of cursors
// may point to stack frames that no longer exist.
#define KVD_MDB_ASSERTED (-30700)
#define KVD_MDB_ABANDONED (-30701)

// Where the calling thread continues if an LMDB assertion fails; NULL outside guarded calls. Weak, so that the
// linker keeps one copy, and never inlined: all files that include this share one variable.
__attribute__((weak, visibility("hidden"))) jmp_buf **kvd_mdb_jump_target(void) {
  static __thread jmp_buf *place;
  return &place;
}

// Called by LMDB before it aborts. The jump crosses only frames of LMDB: it was called by one of the functions
// below, and it calls back only this function and its own comparison functions.
static void kvd_mdb_assertion_failed(MDB_env *environment, const char *message) {
  jmp_buf *place = *kvd_mdb_jump_target();
  (void)environment; (void)message;
  if (place) {
    *kvd_mdb_jump_target() = NULL;
    longjmp(*place, 1);
  }
}

static inline void kvd_mdb_guard(MDB_env *environment) {
  mdb_env_set_assert(environment, kvd_mdb_assertion_failed);
}

// Must not be inlined: a function that returns twice prevents optimization of its caller. `_setjmp` saves no signal
// mask, so it makes no system call. `longjmp` restores a mask only if one was saved. `_longjmp` is not used,
// because the thread sanitizer does not know it and would consider the thread still inside every function left by
// an assertion.
#define KVD_MDB_GUARDED(failed, call) \
  jmp_buf place;                      \
  jmp_buf **current;                  \
  int status;                         \
  if (_setjmp(place)) return failed;  \
  current = kvd_mdb_jump_target();          \
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
