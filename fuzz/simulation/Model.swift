import Base
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
  /// The owners that range deletes have removed, and what they owned was not removed.
  var orphaned: Set<[UInt8]> = []
  /// The owners that went otherwise, as no layer that knows of them would have it: what they owned stays.
  private(set) var abandoned: Set<[UInt8]> = []

  /// What is there for a reader of one key.
  func entry(_ key: [UInt8]) -> Entry? { stored[key].flatMap { $0.hasExpired ? nil : $0 } }

  /// What a count counts.
  var count: Int { stored.keys.count { !InternalKey.contains($0.rawSpan) } }

  mutating func apply(_ write: Script.Write, at sequence: SequenceNumber) {
    switch write {
    case .put(let key, let count, let fill):
      put(key, Self.value(count, fill), at: sequence)
    case .putEntry(let key, let count, let fill, let type, let expiry):
      abandonOwner(at: key)
      stored[key] = Entry(
        value: Self.value(count, fill), sequence: sequence, type: type,
        hasExpired: (1..<1000).contains(expiry))
    case .delete(let key):
      abandonOwner(at: key)
      stored[key] = nil
    case .deleteRange(let range):
      if range == .everything { orphaned = [] }
      for (key, entry) in stored
      where range.holds(key) && (range == .everything || Self.shows(key, in: range)) {
        if let id = entry.ownerID, range != .everything { orphaned.insert(id) }
        stored[key] = nil
      }
    case .putOwner(let key, let id):
      abandonOwner(at: key)
      stored[key] = Entry(value: Owners.value(of: id), sequence: sequence, type: Owners.type)
      stored[Owners.field(of: id)] = Entry(value: [], sequence: sequence)
    case .moveOwner(let key, let target):
      put(Owners.moveMark, [], at: sequence)
      guard var entry = stored[key], entry.ownerID != nil, key != target else { return }
      entry.sequence = sequence
      stored[key] = nil
      abandonOwner(at: target)
      stored[target] = entry
    }
  }

  private mutating func abandonOwner(at key: [UInt8]) {
    if let id = stored[key]?.ownerID { abandoned.insert(id) }
  }

  /// Internal keys are seen in ranges among them alone.
  private static func shows(_ key: [UInt8], in range: KeyRange) -> Bool {
    if range == InternalKey.mapFields { return true }
    let isPrefixOfField =
      range.lower.starts(with: [0, 1]) && range.upper?.starts(with: [0, 1]) == true
    return isPrefixOfField || !InternalKey.contains(key.rawSpan)
  }

  mutating func put(_ key: [UInt8], _ value: [UInt8], at sequence: SequenceNumber) {
    abandonOwner(at: key)
    stored[key] = Entry(value: value, sequence: sequence)
  }

  /// What a scan shows, in order; of internal keys only one of what is `stored`.
  func keys(in range: KeyRange, stored isOfStored: Bool = false) -> [[UInt8]] {
    stored.filter { key, entry in
      range.holds(key) && !entry.hasExpired
        && (isOfStored ? Self.shows(key, in: range) : !InternalKey.contains(key.rawSpan))
    }.keys.sorted { $0.lexicographicallyPrecedes($1) }
  }

  /// What users find at `key`: nothing at an internal one.
  func userEntry(_ key: [UInt8]) -> Entry? {
    InternalKey.contains(key.rawSpan) ? nil : entry(key)
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

/// The models after every batch, with its sequence.
struct History {
  private struct Batch {
    var sequence: SequenceNumber
    /// The position behind it.
    var position: UInt64
    var model: Model
  }
  private var batches = [Batch(sequence: 0, position: 0, model: Model())]
  /// The greatest sequence so far: the newest batch's, or that after which an opening begins.
  private(set) var last: SequenceNumber = 0
  /// That after which the newest opening begins, which may have passed some over.
  private(set) var begun: SequenceNumber = 0

  var newest: Model { batches[batches.count - 1].model }

  /// What a reader at `sequence` sees, nil where there has not been any such yet.
  func model(at sequence: SequenceNumber) -> Model? {
    guard sequence <= last else { return nil }
    return batches.last { $0.sequence <= sequence }?.model
  }

  /// The newest batch with a sequence up to this one.
  func newestSequence(upTo sequence: SequenceNumber) -> SequenceNumber {
    batches.last { $0.sequence <= sequence }?.sequence ?? 0
  }

  mutating func add(_ model: Model, sequence: SequenceNumber, position: UInt64) {
    batches.append(Batch(sequence: sequence, position: position, model: model))
    last = sequence
  }

  /// The newest batch that lies before `position`.
  func sequence(before position: UInt64) -> SequenceNumber {
    batches.last { $0.position <= position }?.sequence ?? 0
  }

  /// The places of the batches after `position` that end at `last` or before.
  func places(
    after position: UInt64, upTo last: UInt64
  ) -> [(sequence: SequenceNumber, position: UInt64)] {
    batches.filter { $0.position > position && $0.position <= last }
      .map { ($0.sequence, $0.position) }
  }

  /// The batches behind `sequence` never happened; those to come begin after `next`.
  mutating func cut(behind sequence: SequenceNumber, goingOnAfter next: SequenceNumber) {
    while let newest = batches.last, newest.sequence > sequence { batches.removeLast() }
    last = next
    begun = next
  }
}
