import Base
import KVStore

extension Script.Write {
  var byteCount: Int {
    switch self {
    case .put(let address, let count, _): address.key.count + count
    case .putEntry(let key, let count, _, _, _): 2 * key.count + count + 100
    case .putOwner(let key, _), .moveOwner(_, let key): 2 * key.count + 200
    case .delete, .deleteRange: 100
    }
  }

  /// Whether it leaves no trace in the log.
  var isNothing: Bool {
    if case .deleteRange(let range, _) = self { range.isEmpty } else { false }
  }

  func carryOut(in evaluation: inout Evaluation) throws(StoreError) {
    switch self {
    case .put(let address, let count, let fill):
      let value = Model.value(count, fill)
      try evaluation.putEntry(address.key.rawSpan, value.rawSpan, in: address.keyspace)
    case .putEntry(let key, let count, let fill, let type, let expiry):
      let value = Model.value(count, fill)
      try evaluation.putEntry(key.rawSpan, value.rawSpan, type: type, expiry: expiry)
    case .delete(let address):
      try evaluation.deleteEntry(address.key.rawSpan, in: address.keyspace)
    case .deleteRange(let range, let keyspace):
      if keyspace == .keys {
        try evaluation.deleteRange(range)
      } else {
        try evaluation.deleteRange(range, in: keyspace)
      }
    case .putOwner(let key, let id):
      let value = Owners.value(of: id)
      let field = Owners.field(of: id)
      try evaluation.putEntry(field.key.rawSpan, RawSpan(), in: field.keyspace)
      try evaluation.putEntry(key.rawSpan, value.rawSpan, type: Owners.type, expiry: 0)
    case .moveOwner(let key, let target):
      let mark = Owners.moveMark
      try evaluation.putEntry(mark.rawSpan, RawSpan())
      let found = try evaluation.withEntry(of: key.rawSpan) { info, value in
        info.map {
          Model.Entry(value: [UInt8](copying: value), sequence: 0, type: $0.type)
        }
      }
      guard let found, found.ownerID != nil, key != target else { return }
      try evaluation.deleteEntry(key.rawSpan)
      try evaluation.putEntry(
        target.rawSpan, found.value.rawSpan, type: Owners.type, expiry: 0)
    }
  }
}

extension Script.Condition {
  func requirement(in model: Model) -> (key: [UInt8], condition: Precondition) {
    switch self {
    case .absent(let key): return (key, .absent)
    case .present(let key): return (key, .present)
    case .sequence(let key, let isRight):
      let now = model.entry(Address(key))?.sequence ?? 0
      return (key, .sequence(isRight ? now : now + 1))
    }
  }

  func holds(in model: Model) -> Bool {
    switch self {
    case .absent(let key): model.entry(Address(key)) == nil
    case .present(let key): model.entry(Address(key)) != nil
    case .sequence(_, let isRight): isRight
    }
  }
}
