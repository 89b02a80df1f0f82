import KVStore

/// A pattern of keys that may be read, written, or both.
struct KeyPattern: Sendable {
  let text: [UInt8]
  private(set) var reads: Bool
  private(set) var writes: Bool
  private let glob: GlobPattern

  init(_ text: [UInt8], reads: Bool, writes: Bool) {
    self.text = text
    self.reads = reads
    self.writes = writes
    glob = GlobPattern(text)
  }

  mutating func allow(reads: Bool, writes: Bool) {
    self.reads = self.reads || reads
    self.writes = self.writes || writes
  }

  func allows(_ access: KeySpec.Access) -> Bool {
    (reads || !access.reads) && (writes || !access.writes)
  }

  func matches(_ key: RawSpan) -> Bool { glob.matches(key) }

  /// Whether the pattern is a prefix followed by a star, and every key from `lower` up to but not including
  /// `upper` begins with that prefix.
  func covers(from lower: [UInt8], to upper: [UInt8]?) -> Bool {
    let prefix = glob.literalPrefix
    guard text == prefix + [0x2A], lower.starts(with: prefix) else { return false }
    guard let end = KeyRange.prefix(prefix).upper else { return true }
    guard let upper else { return false }
    return !end.lexicographicallyPrecedes(upper)
  }

  /// The form in ACL LIST.
  var description: [UInt8] {
    let mark = reads && writes ? "~" : (reads ? "%R~" : "%W~")
    return [UInt8](mark.utf8) + text
  }
}
