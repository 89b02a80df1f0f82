/// A table of bounded size that forgets what was not touched for longest, in O(1): when as many entries have been put
/// in as it has to keep, what was put in before that is dropped at once.
struct Generations<Value> {
  private let capacity: Int
  private var young: [UInt64: Value] = [:]
  private var old: [UInt64: Value] = [:]

  /// - Parameter capacity: how many entries stay for certain; there are at most twice as many.
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
