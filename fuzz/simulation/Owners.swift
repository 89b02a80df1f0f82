import Base
import KVStore

/// Entries that own others, as a map's record owns its fields: made with one field each, and moved from key to
/// key, as RENAME does. What a range delete removes of them must leave a note, and what lives must have none.
enum Owners {
  static let type: UInt8 = 100
  private static let mark: UInt8 = 0xA5

  /// What is the owner's alone, the number `number` of a script: it routes what it owns to where `key` is.
  static func id(_ number: Int, at key: [UInt8]) -> [UInt8] {
    let slot = Keyspace.slot(ofUserKey: key.rawSpan)
    return [UInt8(slot >> 8), UInt8(slot & 0xFF), mark]
      + (0..<11).map { UInt8(truncatingIfNeeded: number >> (8 * min($0, 7))) }
  }

  /// Whether `id` is of `id(_:at:)`, and not of a value that looks like one.
  static func isID(_ id: [UInt8]) -> Bool { id.count == 14 && id[2] == mark && id[0] < 64 }

  static func field(of id: [UInt8]) -> Address { Address(id + [0], in: .owned) }

  static func value(of id: [UInt8]) -> [UInt8] { id + [1, 0, 0, 0, 0, 0, 0, 0] }

  /// Written with each move, so that no move leaves the batch empty.
  static let moveMark: [UInt8] = Array("moved".utf8)

  static func id(of note: Orphan) -> [UInt8] { Array(note.key.dropFirst(2)) }
}

extension Model.Entry {
  /// Of the owner that it is; nil if it is none of `Owners`.
  var ownerID: [UInt8]? {
    type == Owners.type && value.count == 22 && Owners.isID(Array(value.prefix(14)))
      ? Array(value.prefix(14)) : nil
  }
}

extension Client {
  /// What the layer does that gave owners their meaning: removes what they have left, and the notes.
  func removeOrphans() throws {
    let reader = store.makeReader()
    defer { reader.close() }
    let found = try store.orphans(behind: [], limit: 3, with: reader)
    reader.end()
    if found.isEmpty || world.hasCrashed { return }
    try admitting(1000) {
      var model = world.history.newest
      Owners.check(found, model)
      let (_, receipt) = try store.evaluate { evaluation throws(StoreError) in
        for orphan in found {
          let range = orphan.owned
          try evaluation.deleteRange(
            range, in: .owned, ofPartitionOf: range.lower.rawSpan)
          try evaluation.delete(orphan)
        }
      }
      if world.hasCrashed { return }
      for orphan in found {
        model.apply(.deleteRange(orphan.owned, in: .owned), at: world.history.last + 1)
        model.orphaned.remove(Owners.id(of: orphan))
      }
      try finish(receipt, model, .durable, wrote: true)
    }
  }
}

extension Owners {
  /// Fails where the owner of a note is there.
  static func check(_ notes: [Orphan], _ model: Model) {
    for note in notes {
      let id = id(of: note)
      if isID(id), model.stored.values.contains(where: { $0.ownerID == id }) {
        Verdict.fail("the owner \(id) is there, and noted as removed")
      }
    }
  }

  /// Once all is in the files and range deletes have been carried out, everything that a range delete has left
  /// must be noted.
  static func checkAtEnd(_ store: Store, _ model: Model) throws {
    try store.checkpoint()
    let pause = Monitor()
    for _ in 0..<1000 where try store.statistics().tombstoneCount > 0 {
      pause.withLock { pause.wait(milliseconds: 10) }
    }
    guard try store.statistics().tombstoneCount == 0 else { return }
    let reader = store.makeReader()
    defer { reader.close() }
    let notes = try store.orphans(behind: [], limit: .max, with: reader)
    check(notes, model)
    let noted = Set(notes.map { id(of: $0) })
    for id in model.orphaned where model.stored[field(of: id)] != nil && !noted.contains(id) {
      Verdict.fail("a range delete has removed the owner \(id), and nothing tells of what it left")
    }
  }
}
