import Base
import KVStore

extension Script.Write {
  var byteCount: Int {
    switch self {
    case .put(let key, let count, _): key.count + count
    case .putEntry(let key, let count, _, _, _): 2 * key.count + count + 100
    case .putOwner(let key, _), .moveOwner(_, let key): 2 * key.count + 200
    case .delete, .deleteRange: 100
    }
  }

  /// Whether it leaves no trace in the log.
  var isNothing: Bool {
    if case .deleteRange(let range) = self { range.isEmpty } else { false }
  }

  func carryOut(in evaluation: inout Evaluation) throws(StoreError) {
    switch self {
    case .put(let key, let count, let fill):
      let value = Model.value(count, fill)
      try evaluation.put(stored: key.rawSpan, value.rawSpan)
    case .putEntry(let key, let count, let fill, let type, let expiry):
      let value = Model.value(count, fill)
      try evaluation.put(stored: key.rawSpan, value.rawSpan, type: type, expiry: expiry)
    case .delete(let key): try evaluation.delete(stored: key.rawSpan)
    case .deleteRange(let range): try evaluation.deleteRange(stored: range)
    case .putOwner(let key, let id):
      let value = Owners.value(of: id)
      let field = Owners.field(of: id)
      try evaluation.put(stored: field.rawSpan, RawSpan())
      try evaluation.put(stored: key.rawSpan, value.rawSpan, type: Owners.type, expiry: 0)
    case .moveOwner(let key, let target):
      let mark = Owners.moveMark
      try evaluation.put(stored: mark.rawSpan, RawSpan())
      let found = try evaluation.withEntry(of: key.rawSpan) { info, value in
        info.map {
          Model.Entry(value: [UInt8](copying: value), sequence: 0, type: $0.type)
        }
      }
      guard let found, found.ownerID != nil, key != target else { return }
      try evaluation.delete(stored: key.rawSpan)
      try evaluation.put(
        stored: target.rawSpan, found.value.rawSpan, type: Owners.type, expiry: 0)
    }
  }
}

extension Script.Condition {
  func requirement(in model: Model) -> (key: [UInt8], condition: Precondition) {
    switch self {
    case .absent(let key): return (key, .absent)
    case .present(let key): return (key, .present)
    case .sequence(let key, let isRight):
      let now = model.entry(key)?.sequence ?? 0
      return (key, .sequence(isRight ? now : now + 1))
    }
  }

  func holds(in model: Model) -> Bool {
    switch self {
    case .absent(let key): model.entry(key) == nil
    case .present(let key): model.entry(key) != nil
    case .sequence(_, let isRight): isRight
    }
  }
}
