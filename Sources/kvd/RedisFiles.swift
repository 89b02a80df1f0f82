import KVStore

/// What a Redis leaves in its directory.
enum RedisFiles {
  /// Those of them that are in a directory in which no store has been made yet.
  static func names(in directory: String) -> [String] {
    if SmallFile.exists("\(directory)/MANIFEST") { return [] }
    return ["dump.rdb", "appendonlydir", "appendonly.aof"].filter {
      SmallFile.exists("\(directory)/\($0)")
    }
  }
}
