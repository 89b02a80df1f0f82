import Glibc

/// What a Redis leaves in its directory.
enum RedisFiles {
  /// Those of them that are in a directory in which no store has been made yet.
  static func names(in directory: String) -> [String] {
    if unsafe access("\(directory)/MANIFEST", F_OK) == 0 { return [] }
    return ["dump.rdb", "appendonlydir", "appendonly.aof"].filter {
      unsafe access("\(directory)/\($0)", F_OK) == 0
    }
  }
}
