/// Which arguments must be hidden in SLOWLOG and MONITOR.
enum Redaction {
  static let text = Array("(redacted)".utf8)

  /// The indices of arguments that are or may contain passwords.
  static func hidden(_ arguments: [Range<Int>], in request: RawSpan) -> Set<Int> {
    guard arguments.count > 1 else { return [] }
    let name = request.extracting(arguments[0])
    if name.spells("AUTH") { return Set(1..<arguments.count) }
    if name.spells("HELLO") {
      for index in arguments.indices.dropFirst(2)
      where request.extracting(arguments[index]).spells("AUTH") {
        return Set((index + 1)..<min(index + 3, arguments.count))
      }
      return []
    }
    let subcommand = request.extracting(arguments[1])
    if name.spells("CONFIG"), subcommand.spells("SET") {
      return Set(
        stride(from: 2, to: arguments.count - 1, by: 2).filter {
          request.extracting(arguments[$0]).spells("REQUIREPASS")
        }.map { $0 + 1 })
    }
    if name.spells("ACL"), subcommand.spells("SETUSER"), arguments.count > 2 {
      return Set(2..<arguments.count)
    }
    return []
  }
}
