extension ClientMemory {
  /// Reserves as much of `byteCount` as there is room for; returns how much that is.
  func reserve(upTo byteCount: Int) -> Int {
    change(by: byteCount)
    let excess = min(byteCount, max(0, -left))
    change(by: -excess)
    return byteCount - excess
  }
}
