import KVStore

/// The data files of Redis.
enum RedisFiles {
  /// Those that are in a directory that does not contain a store yet.
  static func names(in directory: String) -> [String] {
    if SmallFile.exists("\(directory)/MANIFEST") { return [] }
    return ["dump.rdb", "appendonlydir", "appendonly.aof"].filter {
      SmallFile.exists("\(directory)/\($0)")
    }
  }
}
