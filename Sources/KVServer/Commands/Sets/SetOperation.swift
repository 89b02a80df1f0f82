import KVData
import KVStore

/// An operation on several sets.
enum SetOperation {
  case intersection
  case union
  case difference

  /// Lends the members of the result in byte order until `body` returns false. A nil set is empty. A set that
  /// is named several times is walked once.
  func run<V: EntryView & ~Copyable>(
    on sets: [FoundMap?], in view: inout V, _ body: (RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    if self == .intersection, sets.contains(where: { $0 == nil }) { return }
    var ids: Set<MapID> = []
    let found = sets.compactMap { $0 }.filter { ids.insert($0.id).inserted }
    switch self {
    case .intersection: try FieldSetOperations.intersection(of: found, in: &view, body)
    case .union: try FieldSetOperations.union(of: found, in: &view, body)
    case .difference:
      guard let first = sets[0], !sets.dropFirst().contains(where: { $0?.id == first.id }) else {
        return
      }
      let others = Array(found.dropFirst())
      try FieldSetOperations.difference(of: first, without: others, in: &view, body)
    }
  }
}
