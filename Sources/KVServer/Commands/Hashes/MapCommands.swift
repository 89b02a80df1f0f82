import KVData
import KVStore

/// A type that the store keeps as a map.
protocol MapKind {
  static var type: RecordType { get }
}

/// Commands that hashes and sets share. The fields of a set are its members.
enum MapCommands<Kind: MapKind> {
  static func length<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let map = try view.map(at: request.extracting(call[1]), type: Kind.type)
    call.reply.integer(Int64(map?.count ?? 0))
  }

  static func contains<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    var map = try view.map(at: request.extracting(call[1]), type: Kind.type)
    let isThere = try map?.contains(request.extracting(call[2]), in: &view) ?? false
    call.reply.integer(isThere ? Int64(1) : 0)
  }

  static func delete(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let deleted = try evaluation.edit(Kind.type, at: request.extracting(call[1])) {
      (map, evaluation) throws(StoreError) in
      var deleted: Int64 = 0
      for index in 2..<call.count {
        // As in `KeyCommands.delete`: an absent field adds nothing to the batch.
        try evaluation.pace.advance(by: 1)
        if try map.delete(request.extracting(call[index]), in: &evaluation) { deleted += 1 }
      }
      return deleted
    }
    call.reply.integer(deleted)
  }
}

extension Command.Handler {
  /// A handler that reads the map at argument `key`, or maps at several keys. `published` reads one consistent
  /// cut of published state, `evaluated` what an evaluation sees.
  static func cut(
    at key: Int = 1,
    _ published:
      @escaping @Sendable (inout ReadCut, inout Call, RawSpan) throws(StoreError) -> Void,
    _ evaluated: @escaping Command.EvaluationHandler
  ) -> Command.Handler {
    .read(
      { (view, call, request) throws(StoreError) in
        let through = view.through
        try view.reader.withCut(of: request.extracting(call[key]), through: through) {
          (cut) throws(StoreError) in try published(&cut, &call, request)
        }
      }, evaluated)
  }
}

extension Command.Keys {
  // The arguments that are fields of the map at the first argument.
  static let oneField = Command.Keys(first: 2, last: 2, step: 1)
  static let allFields = Command.Keys(first: 2, last: -1, step: 1)
  static let fieldPairs = Command.Keys(first: 2, last: -1, step: 2)
}

extension Call {
  /// Whether the fields among the arguments are short enough. If not, the error is written.
  mutating func hasFittingFields(_ fields: Command.Keys, called name: String = "field") -> Bool {
    for index in stride(from: fields.first, to: fields.end(count), by: fields.step) {
      let byteCount = self[index].count
      guard byteCount <= MapLimits.fieldByteCount else {
        reply.error(
          "ERR \(name) of \(byteCount) bytes is too long: use at most "
            + "\(MapLimits.fieldByteCount) bytes")
        return false
      }
    }
    return true
  }

  /// Prefetches what a change of these fields will look up. Returns by how many bytes the batch may exceed the
  /// request.
  borrowing func touch(
    _ fields: Command.Keys, _ request: RawSpan, _ seen: inout PrefetchBudget
  ) throws(StoreError) -> Int {
    var places: [Range<Int>] = []
    var fieldCount = 0
    let key = request.extracting(self[1])
    for index in stride(from: fields.first, to: fields.end(count), by: fields.step) {
      if seen.insert(request.extracting(self[index]), of: key) {
        places.append(self[index])
        fieldCount += 1
      } else if seen.isSpent {
        // Written all the same. With the budget spent, duplicates are no longer detected, so each one is
        // counted.
        fieldCount += 1
      }
    }
    // If no field needs a lookup, neither does the key, whatever it holds.
    if !places.isEmpty {
      seen.didRead(
        try reader.touch(fields: places, in: request, ofMapAt: key, limit: seen.bytesLeft))
    }
    return fieldCount * MapLimits.fieldOverhead
  }

  /// Prefetches what replacing or removing `key` will look up, whatever its type. Returns by how many bytes the
  /// batch may exceed the request.
  @inline(__always)
  borrowing func touchReplaced(
    _ key: RawSpan, _ seen: inout PrefetchBudget
  ) throws(StoreError) -> Int {
    if store.mayHoldOwners { return try touchWithFields(key, &seen) }
    seen.didRead(try reader.touch(key))
    return 0
  }

  /// The same for the only key of a request.
  @inline(__always)
  borrowing func touchReplaced(_ key: RawSpan) throws(StoreError) -> Int {
    if store.mayHoldOwners { return try touchWithFields(key) }
    _ = try reader.touch(key)
    return 0
  }

  @inline(never)
  private borrowing func touchWithFields(_ key: RawSpan) throws(StoreError) -> Int {
    var seen = PrefetchBudget()
    return try touchWithFields(key, &seen)
  }

  @inline(never)
  private borrowing func touchWithFields(
    _ key: RawSpan, _ seen: inout PrefetchBudget
  ) throws(StoreError) -> Int {
    let found = try Records.touch(key, with: reader, limit: seen.bytesLeft)
    seen.didRead(found.readByteCount)
    return found.batchByteCount
  }
}
