import KVData
import KVStore

/// Set commands. A set is a map whose fields are the members, in byte order, with empty values.
enum Sets: MapKind {
  static let type = RecordType.set

  static let all = commands + SetRandom.commands + SetAlgebra.commands + Sort.commands

  static let commands: [Command] = [
    Command(
      "sadd", arity: -3, [.write, .fast], keys: .one, group: "set",
      "Add one or more members to a set", .edit(.allFields, add)),
    Command(
      "srem", arity: -3, [.write, .fast], keys: .one, group: "set",
      "Remove one or more members from a set", .edit(.allFields, MapCommands<Self>.delete)),
    Command(
      "smove", arity: 4, [.write, .fast, .readsFirst], keys: .both, group: "set",
      "Move a member from one set to another", .write(move)),
    Command(
      "sismember", arity: 3, [.readOnly, .fast], keys: .one, group: "set",
      "Determine if a given value is a member of a set",
      .cut(MapCommands<Self>.contains, MapCommands<Self>.contains)),
    Command(
      "smismember", arity: -3, [.readOnly, .fast, .looksUpMany], keys: .one, group: "set",
      "Returns the membership associated with the given elements for a set",
      .cut(containsMany, containsMany)),
    Command(
      "scard", arity: 2, [.readOnly, .fast], keys: .one, group: "set",
      "Get the number of members in a set",
      .cut(MapCommands<Self>.length, MapCommands<Self>.length)),
    Command(
      "smembers", arity: 2, [.readOnly, .scans], keys: .one, group: "set",
      "Get all the members in a set", .cut(members, members)),
    Command(
      "sscan", arity: -3, [.readOnly, .scans], keys: .one, group: "set",
      "Incrementally iterate Set elements",
      .cut(MapScanning<Self>.scan, MapScanning<Self>.scan)),
  ]

  static func add(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard call.hasFittingFields(.allFields, called: "member") else { return }
    let added = try evaluation.edit(type, at: request.extracting(call[1])) {
      (set, evaluation) throws(StoreError) in
      var added: Int64 = 0
      for index in 2..<call.count {
        // As in `KeyCommands.delete`: a member that the set already has adds nothing to the batch.
        try evaluation.pace.advance(by: 1)
        guard try !set.contains(request.extracting(call[index]), in: &evaluation) else { continue }
        try set.put(request.extracting(call[index]), RawSpan(), isNew: true, in: &evaluation)
        added += 1
      }
      return added
    }
    call.reply.integer(added)
  }

  /// SMOVE source destination member
  static func move(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let source = request.extracting(call[1])
    let target = request.extracting(call[2])
    let member = request.extracting(call[3])
    guard try evaluation.exists(source) else { return call.reply.integer(Int64(0)) }
    var found = try evaluation.map(at: source, type: type)
    _ = try evaluation.map(at: target, type: type)
    guard try found?.contains(member, in: &evaluation) == true else {
      return call.reply.integer(Int64(0))
    }
    if !source.equals(target) {
      try evaluation.edit(type, at: source) { (set, evaluation) throws(StoreError) in
        try set.delete(member, in: &evaluation)
      }
      try evaluation.edit(type, at: target) { (set, evaluation) throws(StoreError) in
        guard try !set.contains(member, in: &evaluation) else { return }
        try set.put(member, RawSpan(), isNew: true, in: &evaluation)
      }
    }
    call.reply.integer(Int64(1))
  }

  static func containsMany<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    var set = try view.map(at: request.extracting(call[1]), type: type)
    call.reply.array(call.count - 2)
    for index in 2..<call.count where !call.reply.isOverflowing {
      try view.advance(by: 1)
      let isThere = try set?.contains(request.extracting(call[index]), in: &view) ?? false
      call.reply.integer(isThere ? Int64(1) : 0)
    }
  }

  static func members<V: EntryView & ~Copyable>(
    _ view: inout V, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let set = try view.map(at: request.extracting(call[1]), type: type)
    call.reply.set(set?.count ?? 0)
    try set?.walk(in: &view) { member, _ in
      call.reply.bulk(member)
      return !call.reply.isOverflowing
    }
  }
}
