import KVData
import KVStore

/// Commands on keys of any type.
enum KeyCommands {
  static let commands: [Command] = [
    Command(
      "del", arity: -2, [.write, .deletes, .readsFirst], keys: .all, group: "generic",
      "Delete a key", .write(delete)),
    Command(
      "unlink", arity: -2, [.write, .deletes, .fast, .readsFirst], keys: .all, group: "generic",
      "Delete a key. In kvd the same as DEL, which never blocks", .write(delete)),
    Command(
      "exists", arity: -2, [.readOnly, .fast, .looksUpMany], keys: .all, group: "generic",
      "Determine if a key exists", .read(exists, exists)),
    Command(
      "touch", arity: -2, [.readOnly, .fast, .looksUpMany], keys: .all, group: "generic",
      "Alter the last access time of a key", .read(exists, exists)),
    Command(
      "type", arity: 2, [.readOnly, .fast], keys: .one, group: "generic",
      "Determine the type stored at key", .read(type, type)),
    Command(
      "flushdb", arity: -1, [.write, .deletes], group: "server",
      "Remove all keys from the current database", .write(flush)),
    Command(
      "flushall", arity: -1, [.write, .deletes], group: "server",
      "Remove all keys from all databases", .write(flush)),
    Command(
      "kv.seq", arity: 2, [.readOnly, .fast], keys: .one, group: "kvd",
      "Get the sequence number of a key's newest write", categories: .keyspace,
      keySpecs: [KeySpec(.reading, at: 1)], .read(sequence, sequence)),
  ]

  static func delete(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    var deleted: Int64 = 0
    for index in 1..<call.count {
      let key = request.extracting(call[index])
      // An absent key adds nothing to the batch, so the batch limit alone would not bound this loop.
      try evaluation.pace.advance(by: 1)
      if try Records.remove(key, in: &evaluation) { deleted += 1 }
    }
    call.reply.integer(deleted)
  }

  /// Counts a key as often as it is named, as Redis does. All keys are looked up in one consistent cut. If
  /// there are many, a repeated key is looked up only once.
  static func exists<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    // Finding the distinct keys takes as long as looking them up.
    try call.reader.pace.advance(by: call.count)
    let counts = call.collectDistinctKeys(request)
    var found = 0
    try view.withEntries(of: call.keys, in: request) { place, info, _, damage throws(StoreError) in
      if let damage { throw damage }
      if info != nil { found += counts[place] }
      call.reply.countLookup(found: info != nil, times: counts[place])
    }
    call.reply.integer(Int64(found))
  }

  static func type<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let type = try view.withEntry(of: request.extracting(call[1])) { info, _ in
      info.map { $0.recordType?.name ?? "unknown" }
    }
    call.reply.countLookup(found: type != nil)
    call.reply.simple(type ?? "none")
  }

  /// Replies 0 for an absent key, so that `IF key SEQ 0` means absent too.
  static func sequence<V: View & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    call.reply.integer(try view.sequence(of: request.extracting(call[1])))
  }

  /// FLUSHDB and FLUSHALL [ASYNC | SYNC]: one range tombstone over everything, whatever the amount of data.
  static func flush(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    if call.count > 1 {
      let mode = request.extracting(call[1])
      guard call.count == 2, mode.spells("ASYNC") || mode.spells("SYNC") else {
        return call.syntaxError()
      }
    }
    try evaluation.deleteRange(.everything)
    call.reply.ok()
  }
}
