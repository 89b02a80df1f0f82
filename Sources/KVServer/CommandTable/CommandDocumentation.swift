/// The COMMAND DOCS entries of Redis's commands, copied from Redis (`redis`).
///
///     value = '"' text '"' / "+" word / ":" number / "{" { value } "}" / "[" { value } "]" / "(" { value } ")"
///
/// The alternatives are bulk string, simple string, number, map, array and set. Spaces separate values. In a
/// text, `\` stands for a newline.
enum CommandDocumentation {
  /// By full name, as in `client|list`.
  static let byName: [Substring: Substring] = {
    var found: [Substring: Substring] = [:]
    for line in redis.split(separator: "\n") {
      let name = line.prefix { $0 != " " }
      found[name] = line.dropFirst(name.count + 1)
    }
    return found
  }()

  /// Writes the entry of a command: a map of its fields and, if it has subcommands, of their entries.
  static func write(_ index: Int, of table: CommandTable, to reply: inout ReplyWriter) {
    let command = table.commands[index]
    let subcommands = table.subcommands(of: index)
    var fields: [Value] = [
      .bulk("summary"), .bulk(command.summary), .bulk("group"), .bulk(command.group),
    ]
    if let text = byName[command.name[...]] {
      var rest = text.utf8[...]
      if case .group(_, let values) = Value(&rest) { fields = values }
    }
    reply.map(fields.count / 2 + (subcommands.isEmpty ? 0 : 1))
    for field in fields { field.write(to: &reply) }
    guard !subcommands.isEmpty else { return }
    reply.bulk("subcommands")
    reply.map(subcommands.count)
    for subcommand in subcommands {
      reply.bulk(table.commands[subcommand].name)
      write(subcommand, of: table, to: &reply)
    }
  }

  private indirect enum Value {
    case bulk(String)
    case simple(String)
    case number(Int64)
    case group(Kind, [Value])

    enum Kind: UInt8 {
      case map = 0x7D
      case array = 0x5D
      case set = 0x29
    }

    /// Parses the value at the start of `text` and removes it.
    init(_ text: inout Substring.UTF8View) {
      let opening = text.removeFirst()
      switch opening {
      case 0x22:
        self = .bulk(Self.take(&text) { $0 != 0x22 })
        text.removeFirst()
      case 0x2B:
        self = .simple(Self.take(&text, while: Self.isWord))
      case 0x3A:
        self = .number(Int64(Self.take(&text, while: Self.isWord)) ?? 0)
      default:
        let kind: Kind = opening == 0x7B ? .map : opening == 0x5B ? .array : .set
        var values: [Value] = []
        while let next = text.first, next != kind.rawValue {
          if next == 0x20 { text.removeFirst() } else { values.append(Value(&text)) }
        }
        text = text.dropFirst()
        self = .group(kind, values)
      }
    }

    private static func isWord(_ byte: UInt8) -> Bool {
      byte != 0x20 && Kind(rawValue: byte) == nil
    }

    private static func take(
      _ text: inout Substring.UTF8View, while belongs: (UInt8) -> Bool
    ) -> String {
      let taken = text.prefix(while: belongs)
      text = text[taken.endIndex...]
      return String(decoding: taken.map { $0 == 0x5C ? 0x0A : $0 }, as: UTF8.self)
    }

    func write(to reply: inout ReplyWriter) {
      switch self {
      case .bulk(let text): reply.bulk(text)
      case .simple(let text): reply.simple(text)
      case .number(let number): reply.integer(number)
      case .group(let kind, let values):
        switch kind {
        case .map: reply.map(values.count / 2)
        case .array: reply.array(values.count)
        case .set: reply.set(values.count)
        }
        for value in values { value.write(to: &reply) }
      }
    }
  }
}
