/// The kinds of values that settings have.
extension Setting {
  typealias Path<Value> = WritableKeyPath<ServerOptions, Value> & Sendable

  static func integer(
    _ name: String, aliases: [String] = [], _ section: Section, _ change: Change,
    _ path: Path<Int>, in range: ClosedRange<Int>, form: String = "N", _ summary: String
  ) -> Setting {
    Setting(
      name, aliases: aliases, section, change, form: form, summary,
      text: { String($0[keyPath: path]) },
      set: { (words, options) throws(SettingRefusal) in
        let demand = "must be a number from \(range.lowerBound) to \(range.upperBound)"
        guard let number = words[0].withRawBytes({ parseInteger($0) }) else {
          throw SettingRefusal("argument couldn't be parsed into an integer", demand: demand)
        }
        guard range.contains(Int(number)) else { throw .outside(range, demand: demand) }
        options[keyPath: path] = Int(number)
      })
  }

  static func byteCount(
    _ name: String, aliases: [String] = [], _ section: Section, _ change: Change,
    _ path: Path<Int>, in range: ClosedRange<Int>, multipleOf step: Int = 1, _ summary: String
  ) -> Setting {
    Setting(
      name, aliases: aliases, section, change, form: "SIZE", summary,
      text: { String($0[keyPath: path]) },
      set: { (words, options) throws(SettingRefusal) in
        var demand = "must be a size like 256mb, at least \(range.lowerBound) bytes"
        if range.upperBound != .max { demand += " and at most \(range.upperBound)" }
        guard let number = ByteSize.parse(words[0]) else {
          throw SettingRefusal("argument must be a memory value", demand: demand)
        }
        guard range.contains(number) else { throw .outside(range, demand: demand) }
        guard number % step == 0 else {
          throw SettingRefusal("must be a multiple of \(step) bytes")
        }
        options[keyPath: path] = number
      })
  }

  static func yesNo(
    _ name: String, _ section: Section, _ change: Change, _ path: Path<Bool>,
    _ summary: String
  ) -> Setting {
    Setting(
      name, section, change, form: "yes|no", summary,
      text: { $0[keyPath: path] ? "yes" : "no" },
      set: { (words, options) throws(SettingRefusal) in
        switch words[0].lowercased() {
        case "yes": options[keyPath: path] = true
        case "no": options[keyPath: path] = false
        default:
          throw SettingRefusal("argument must be 'yes' or 'no'", demand: "must be yes or no")
        }
      })
  }

  static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ section: Section, _ change: Change, form: String, _ path: Path<Value>,
    _ summary: String
  ) -> Setting {
    Setting(
      name, section, change, form: form, summary,
      text: { $0[keyPath: path].rawValue },
      set: { (words, options) throws(SettingRefusal) in
        guard let value = Value(rawValue: words[0].lowercased()) else {
          let known = Value.allCases.map(\.rawValue).joined(separator: ", ")
          throw SettingRefusal(
            "argument(s) must be one of the following: \(known)", demand: "must be one of \(known)")
        }
        options[keyPath: path] = value
      })
  }

  static func text(
    _ name: String, aliases: [String] = [], _ section: Section, _ change: Change, form: String,
    isOptional: Bool = false, atMost byteLimit: Int = .max, _ path: Path<String>, _ summary: String
  ) -> Setting {
    Setting(
      name, aliases: aliases, section, change, form: form, summary,
      text: { $0[keyPath: path] },
      set: { (words, options) throws(SettingRefusal) in
        guard isOptional || !words[0].isEmpty else { throw SettingRefusal("must not be empty") }
        guard words[0].utf8.count <= byteLimit else {
          throw SettingRefusal("must be at most \(byteLimit) bytes long")
        }
        options[keyPath: path] = words[0]
      })
  }

  /// A setting for which kvd supports only one value and whose absence would matter. That value is
  /// accepted, so that files and scripts made for Redis work; any other is refused.
  static func fixed(
    _ name: String, aliases: [String] = [], _ only: String, _ summary: String
  ) -> Setting {
    Setting(
      name, aliases: aliases, .fixed, .never, form: "", takesWords: true, summary,
      text: { _ in only },
      set: { (words, _) throws(SettingRefusal) in
        let value = words.joined(separator: " ").lowercased()
        // REPLICAOF NO ONE asks for what kvd does anyway.
        guard value == only || (name == "replicaof" && value == "no one") else {
          let why = summary.prefix(1).lowercased() + summary.dropFirst().dropLast()
          throw only.isEmpty
            ? SettingRefusal("is not supported (\(why)): it must be empty")
            : SettingRefusal(
              "only '\(only)' is supported: \(why)", demand: "supports only '\(only)' (\(why))")
        }
      })
  }
}

extension SettingRefusal {
  static func outside(_ range: ClosedRange<Int>, demand: String) -> SettingRefusal {
    SettingRefusal(
      "argument must be between \(range.lowerBound) and \(range.upperBound) inclusive",
      demand: demand)
  }
}
