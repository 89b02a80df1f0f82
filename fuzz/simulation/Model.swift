import KVStore

/// What the store holds after one batch.
struct Model: Equatable {
  struct Entry: Equatable {
    var value: [UInt8]
    var sequence: SequenceNumber
    var type: UInt8 = 0
    var hasExpired = false
  }

  /// All that is stored, with internal keys and what has expired.
  private(set) var stored: [[UInt8]: Entry] = [:]

  /// What is there for a reader of one key.
  func entry(_ key: [UInt8]) -> Entry? { stored[key].flatMap { $0.hasExpired ? nil : $0 } }

  /// What a count counts.
  var count: Int { stored.keys.count { !InternalKey.contains($0.rawSpan) } }

  mutating func apply(_ write: Script.Write, at sequence: SequenceNumber) {
    switch write {
    case .put(let key, let count, let fill):
      put(key, Self.value(count, fill), at: sequence)
    case .putEntry(let key, let count, let fill, let type, let expiry):
      stored[key] = Entry(
        value: Self.value(count, fill), sequence: sequence, type: type,
        hasExpired: (1..<1000).contains(expiry))
    case .delete(let key): stored[key] = nil
    case .deleteRange(let range):
      for key in stored.keys
      where range.holds(key) && (range == .everything || Self.shows(key, in: range)) {
        stored[key] = nil
      }
    }
  }

  /// Internal keys are seen in ranges among them alone.
  private static func shows(_ key: [UInt8], in range: KeyRange) -> Bool {
    if range == InternalKey.mapFields { return true }
    let isPrefixOfField =
      range.lower.starts(with: [0, 1]) && range.upper?.starts(with: [0, 1]) == true
    return isPrefixOfField || !InternalKey.contains(key.rawSpan)
  }

  mutating func put(_ key: [UInt8], _ value: [UInt8], at sequence: SequenceNumber) {
    stored[key] = Entry(value: value, sequence: sequence)
  }

  /// What a scan shows, in order.
  func keys(in range: KeyRange) -> [[UInt8]] {
    stored.filter { key, entry in
      range.holds(key) && !entry.hasExpired && Self.shows(key, in: range)
    }.keys.sorted { $0.lexicographicallyPrecedes($1) }
  }

  static func value(_ count: Int, _ fill: UInt8) -> [UInt8] {
    [UInt8](repeating: fill, count: count)
  }
}

extension KeyRange {
  fileprivate func holds(_ key: [UInt8]) -> Bool {
    !key.lexicographicallyPrecedes(lower)
      && (upper.map { key.lexicographicallyPrecedes($0) } ?? true)
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
