import KVData
import KVStore

/// What is made of several sets.
enum SetOperation {
  case intersection
  case union
  case difference

  /// Lends the members in the order of their bytes, until false from `body`. A set that is nil is empty.
  func run<V: EntryView & ~Copyable>(
    on sets: [FoundMap?], in view: inout V, _ body: (RawSpan) throws(StoreError) -> Bool
  ) throws(StoreError) {
    let found = sets.compactMap { $0 }
    switch self {
    case .intersection where found.count < sets.count: return
    case .intersection: try FieldAlgebra.intersection(of: found, in: &view, body)
    case .union: try FieldAlgebra.union(of: found, in: &view, body)
    case .difference:
      guard let first = sets[0] else { return }
      let others = Array(found.dropFirst())
      try FieldAlgebra.difference(of: first, without: others, in: &view, body)
    }
  }
}
