/// A table of bounded size that forgets the oldest entries, in amortized O(1), by generations: when the young
/// generation is full it becomes the old one, and the previous old one is dropped as a whole.
struct Generations<Value> {
  private let capacity: Int
  private var young: [UInt64: Value] = [:]
  private var old: [UInt64: Value] = [:]

  /// - Parameter capacity: how many entries are kept for certain; there are at most twice as many.
  init(capacity: Int) {
    precondition(capacity > 0)
    self.capacity = capacity
  }

  mutating func insert(_ value: Value, for key: UInt64) {
    if young.count >= capacity {
      old = young
      young = [:]
    }
    young[key] = value
  }

  mutating func remove(_ key: UInt64) -> Value? {
    young.removeValue(forKey: key) ?? old.removeValue(forKey: key)
  }
}
