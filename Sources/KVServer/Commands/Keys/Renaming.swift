import Base
import KVData
import KVStore

/// RENAME, RENAMENX and COPY.
enum Renaming {
  static let commands: [Command] = [
    Command(
      "rename", arity: 3, [.write, .readsFirst], keys: .both, group: "generic", "Rename a key",
      .write(rename)),
    Command(
      "renamenx", arity: 3, [.write, .fast, .readsFirst], keys: .both, group: "generic",
      "Rename a key, only if the new key does not exist", .write(renameIfAbsent)),
    Command(
      "copy", arity: -3, [.write, .readsFirst], keys: .both, group: "generic", "Copy a key",
      .write(copy)),
  ]

  private static func rename(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    guard try Records.rename(key, to: request.extracting(call[2]), in: &evaluation) else {
      return call.reply.error("ERR no such key")
    }
    call.reply.ok()
  }

  private static func renameIfAbsent(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    let key = request.extracting(call[1])
    let target = request.extracting(call[2])
    guard try evaluation.exists(key) else { return call.reply.error("ERR no such key") }
    guard try !evaluation.exists(target) else { return call.reply.integer(Int64(0)) }
    _ = try Records.rename(key, to: target, in: &evaluation)
    call.reply.integer(Int64(1))
  }

  /// COPY source destination [DB database] [REPLACE]
  private static func copy(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    var replaces = false
    var index = 3
    while index < call.count {
      let option = request.extracting(call[index])
      if option.spells("REPLACE") {
        replaces = true
      } else if option.spells("DB"), index + 1 < call.count {
        guard let database = parseInteger(request.extracting(call[index + 1])) else {
          return call.notAnInteger()
        }
        guard Int32(exactly: database) != nil else {
          return call.reply.error(
            "ERR value is out of range, value must between \(Int32.min) and \(Int32.max)")
        }
        guard database == 0 else { return Databases.refuse(database, "COPY", &call) }
        index += 1
      } else {
        return call.syntaxError()
      }
      index += 1
    }
    let key = request.extracting(call[1])
    let target = request.extracting(call[2])
    guard !key.equals(target) else {
      return call.reply.error("ERR source and destination objects are the same")
    }
    guard try evaluation.exists(key) else { return call.reply.integer(Int64(0)) }
    if try evaluation.exists(target), !replaces { return call.reply.integer(Int64(0)) }
    _ = try Records.copy(key, to: target, in: &evaluation)
    call.reply.integer(Int64(1))
  }
}
