/// JSON output for programs: objects, arrays, numbers, strings and booleans, on one line.
enum JSONText {
  case number(UInt64)
  case text(String)
  case flag(Bool)
  case list([JSONText])
  case object([(String, JSONText)])

  static func number(_ value: Int) -> JSONText { .number(UInt64(max(0, value))) }

  var encoded: String {
    switch self {
    case .number(let value): "\(value)"
    case .flag(let value): value ? "true" : "false"
    case .text(let value): Self.quoted(value)
    case .list(let values): "[" + values.map(\.encoded).joined(separator: ",") + "]"
    case .object(let fields):
      "{" + fields.map { Self.quoted($0.0) + ":" + $0.1.encoded }.joined(separator: ",") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
