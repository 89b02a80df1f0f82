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

  /// All that is stored, with what has expired.
  private(set) var stored: [Address: Entry] = [:]
  /// The owners that range deletes have removed, and what they owned was not removed.
  var orphaned: Set<[UInt8]> = []
  /// The owners that went otherwise, as no layer that knows of them would have it: what they owned stays.
  private(set) var abandoned: Set<[UInt8]> = []

  /// What is there for a reader of one key.
  func entry(_ address: Address) -> Entry? {
    stored[address].flatMap { $0.hasExpired ? nil : $0 }
  }

  /// What a count counts.
  var count: Int { stored.keys.count { $0.keyspace == .keys } }

  mutating func apply(_ write: Script.Write, at sequence: SequenceNumber) {
    switch write {
    case .put(let address, let count, let fill):
      put(address, Self.value(count, fill), at: sequence)
    case .putEntry(let key, let count, let fill, let type, let expiry):
      abandonOwner(at: key)
      stored[Address(key)] = Entry(
        value: Self.value(count, fill), sequence: sequence, type: type,
        hasExpired: (1..<1000).contains(expiry))
    case .delete(let address):
      abandonOwner(at: address)
      stored[address] = nil
    case .deleteRange(let range, let keyspace):
      let isOfEverything = range == .everything && keyspace == .keys
      if isOfEverything { orphaned = [] }
      for (address, entry) in stored
      where isOfEverything || address.keyspace == keyspace && range.holds(address.key) {
        if let id = entry.ownerID, !isOfEverything { orphaned.insert(id) }
        stored[address] = nil
      }
    case .putOwner(let key, let id):
      abandonOwner(at: key)
      stored[Address(key)] = Entry(
        value: Owners.value(of: id), sequence: sequence, type: Owners.type)
      stored[Owners.field(of: id)] = Entry(value: [], sequence: sequence)
    case .moveOwner(let key, let target):
      put(Address(Owners.moveMark), [], at: sequence)
      guard var entry = stored[Address(key)], entry.ownerID != nil, key != target else { return }
      entry.sequence = sequence
      stored[Address(key)] = nil
      abandonOwner(at: target)
      stored[Address(target)] = entry
    }
  }

  private mutating func abandonOwner(at key: [UInt8]) { abandonOwner(at: Address(key)) }

  private mutating func abandonOwner(at address: Address) {
    if let id = stored[address]?.ownerID { abandoned.insert(id) }
  }

  mutating func put(_ address: Address, _ value: [UInt8], at sequence: SequenceNumber) {
    abandonOwner(at: address)
    stored[address] = Entry(value: value, sequence: sequence)
  }

  /// What a scan shows, in order.
  func keys(in range: KeyRange, of keyspace: Keyspace = .keys) -> [[UInt8]] {
    stored.filter { address, entry in
      address.keyspace == keyspace && range.holds(address.key) && !entry.hasExpired
    }.keys.map(\.key).sorted { $0.lexicographicallyPrecedes($1) }
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
