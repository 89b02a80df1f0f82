import CRocksDB
import Foundation

/// RocksDB at its best for the same promise, on a machine with few cores, a quick disk and memory to
/// spare. What is not set is RocksDB's default.
@safe
struct RocksDBOptions {
  let database: OpaquePointer
  let write: OpaquePointer
  let read: OpaquePointer

  init(_ settings: EngineSettings) {
    unsafe database = rocksdb_options_create()
    unsafe rocksdb_options_set_create_if_missing(database, 1)
    unsafe rocksdb_options_set_create_missing_column_families(database, 1)
    // Flushes and compactions on every core, and a large compaction in parts.
    let cores = max(2, Int32(ProcessInfo.processInfo.processorCount))
    unsafe rocksdb_options_increase_parallelism(database, cores)
    unsafe rocksdb_options_set_max_subcompactions(database, UInt32(cores))
    // The values are noise, so compression would cost time and save nothing.
    unsafe rocksdb_options_set_compression(database, 0)
    unsafe Self.setMemtables(database, settings)
    // Levels sized from the last one upward: less space and fewer rewrites than the default of this
    // version, and the default of later ones.
    unsafe rocksdb_options_set_level_compaction_dynamic_level_bytes(database, 1)
    // A log file that is used again needs no new blocks when it is synced, as kvd's segments do not.
    unsafe rocksdb_options_set_recycle_log_file_num(
      database, settings.unappliedByteLimit > 0 ? 0 : 4)
    // Table files go to the disk as they are written and not all at once, in front of a log's sync.
    unsafe rocksdb_options_set_bytes_per_sync(database, 1 << 20)
    // No thread that writes statistics into its log now and then.
    unsafe rocksdb_options_set_stats_dump_period_sec(database, 0)
    unsafe rocksdb_options_set_stats_persist_period_sec(database, 0)
    unsafe Self.setTables(database)
    unsafe write = rocksdb_writeoptions_create()
    unsafe rocksdb_writeoptions_set_sync(write, 1)
    unsafe read = rocksdb_readoptions_create()
  }

  /// Four memtables of 64 MiB, as many as RocksDB's tuning guide gives a column family that is written
  /// much; shared among the families where there is one for each partition, so that the sum is the same.
  private static func setMemtables(_ database: OpaquePointer, _ settings: EngineSettings) {
    let families = settings.isPartitioned ? settings.partitionCount : 1
    if settings.unappliedByteLimit > 0 {
      unsafe rocksdb_options_set_write_buffer_size(database, settings.unappliedByteLimit)
      unsafe rocksdb_options_set_max_total_wal_size(database, UInt64(settings.unappliedByteLimit))
    } else {
      unsafe rocksdb_options_set_write_buffer_size(database, max(8, 64 / families) << 20)
    }
    unsafe rocksdb_options_set_max_write_buffer_number(database, 4)
    // The first level as large as what four memtables flush to it.
    unsafe rocksdb_options_set_max_bytes_for_level_base(database, 256 << 20)
  }

  /// All that is read often stays in the block cache, filters spare the levels that lack a key, and a
  /// hash inside each block spares its binary search.
  private static func setTables(_ database: OpaquePointer) {
    let table = unsafe rocksdb_block_based_options_create()!
    let cache = unsafe rocksdb_cache_create_lru(2 << 30)
    unsafe rocksdb_block_based_options_set_block_cache(table, cache)
    unsafe rocksdb_block_based_options_set_filter_policy(
      table, rocksdb_filterpolicy_create_bloom_full(10))
    unsafe rocksdb_block_based_options_set_format_version(table, 5)
    unsafe rocksdb_block_based_options_set_data_block_index_type(table, 1)
    unsafe rocksdb_block_based_options_set_data_block_hash_ratio(table, 0.75)
    unsafe rocksdb_options_set_block_based_table_factory(database, table)
    unsafe rocksdb_cache_destroy(cache)
  }
}
