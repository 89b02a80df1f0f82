// RocksDB's C API, and a few of its functions with `void` in place of `char`: Swift hands the bytes of
// an array over as the former without a copy. Header only.
#ifndef KVD_BENCH_ROCKSDB_H
#define KVD_BENCH_ROCKSDB_H

#include <rocksdb/c.h>

static inline void bench_writebatch_put(
    rocksdb_writebatch_t *batch, rocksdb_column_family_handle_t *family, const void *key,
    size_t key_count, const void *value, size_t value_count) {
  rocksdb_writebatch_put_cf(
      batch, family, (const char *)key, key_count, (const char *)value, value_count);
}

static inline rocksdb_pinnableslice_t *bench_get(
    rocksdb_t *database, const rocksdb_readoptions_t *options,
    rocksdb_column_family_handle_t *family, const void *key, size_t key_count, char **error) {
  return rocksdb_get_pinned_cf(database, options, family, (const char *)key, key_count, error);
}

static inline void bench_writebatch_delete_range(
    rocksdb_writebatch_t *batch, rocksdb_column_family_handle_t *family, const void *lower,
    size_t lower_count, const void *upper, size_t upper_count) {
  rocksdb_writebatch_delete_range_cf(
      batch, family, (const char *)lower, lower_count, (const char *)upper, upper_count);
}

#endif
