import KVStore

/// What the store holds after one batch.
struct Model: Equatable {
  struct Entry: Equatable {
    var value: [UInt8]
    var sequence: SequenceNumber
  }

  private(set) var entries: [[UInt8]: Entry] = [:]

  mutating func apply(_ write: Script.Write, at sequence: SequenceNumber) {
    switch write {
    case .put(let key, let count, let fill):
      put(key, Self.value(count, fill), at: sequence)
    case .delete(let key): entries[key] = nil
    case .deleteRange(let range): for key in keys(in: range) { entries[key] = nil }
    }
  }

  mutating func put(_ key: [UInt8], _ value: [UInt8], at sequence: SequenceNumber) {
    entries[key] = Entry(value: value, sequence: sequence)
  }

  /// In order.
  func keys(in range: KeyRange) -> [[UInt8]] {
    entries.keys.filter { key in
      !key.lexicographicallyPrecedes(range.lower)
        && (range.upper.map { key.lexicographicallyPrecedes($0) } ?? true)
    }.sorted { $0.lexicographicallyPrecedes($1) }
  }

  static func value(_ count: Int, _ fill: UInt8) -> [UInt8] {
    [UInt8](repeating: fill, count: count)
  }
}

/// The models after every batch, by sequence, and what of them was promised to somebody.
struct History {
  private(set) var models = [Model()]
  /// The position behind each batch.
  private(set) var positions: [UInt64] = [0]

  var last: SequenceNumber { SequenceNumber(models.count - 1) }
  var newest: Model { models[models.count - 1] }

  func model(at sequence: SequenceNumber) -> Model? {
    sequence < models.count ? models[Int(sequence)] : nil
  }

  mutating func add(_ model: Model, position: UInt64) {
    models.append(model)
    positions.append(position)
  }

  /// The newest batch that lies before `position`.
  func sequence(before position: UInt64) -> SequenceNumber {
    SequenceNumber(positions.lastIndex { $0 <= position } ?? 0)
  }

  /// The batches behind `sequence` never happened.
  mutating func cut(behind sequence: SequenceNumber) {
    models.removeLast(models.count - 1 - Int(sequence))
    positions.removeLast(positions.count - models.count)
  }
}
