import Base
import KVStore

/// The errors in a configuration and where they are, one sentence each.
public struct ConfigurationError: Error, CustomStringConvertible {
  public let problems: [String]

  init(_ problems: [String]) { self.problems = problems }

  /// One error per line.
  public var description: String { problems.joined(separator: "\n") }
}

/// A configuration file: Redis's `name value` lines, with quotes, comments and `include`.
///
///     file    = { line LF }
///     line    = [ name { word } ] / "#" text / "include" path / "user" name { rule }
///     word    = bytes without spaces / quoted, as in a command typed by hand
///
/// A later line overrides an earlier one. An `include` path that does not begin with `/` is relative to the
/// directory of the including file.
enum ConfigurationFile {
  private static let deepestInclude = 16
  /// Reading stops after this many errors: otherwise a file that includes itself twice would be read more
  /// than 2^16 times.
  private static let problemLimit = 100

  /// Applies the file at `path` and appends its errors to `problems`.
  static func read(
    _ path: String, into options: inout ServerOptions, _ problems: inout [String], depth: Int = 0
  ) {
    guard let bytes = contents(of: path, &problems) else { return }
    read(bytes, of: path, into: &options, &problems, depth: depth)
  }

  /// The same for the given contents of that file.
  static func read(
    _ bytes: [UInt8], of path: String, into options: inout ServerOptions,
    _ problems: inout [String],
    depth: Int = 0
  ) {
    var seen: Set<String> = []
    for (index, line) in lines(of: bytes).enumerated() where problems.count < problemLimit {
      let place = "\(path):\(index + 1)"
      guard let words = words(of: line) else {
        problems.append("\(place): unbalanced quotes")
        continue
      }
      guard let name = words.first?.lowercased() else { continue }
      let values = Array(words.dropFirst())
      switch name {
      case "include":
        guard values.count == 1, !values[0].isEmpty else {
          problems.append("\(place): 'include' needs one path")
          continue
        }
        guard depth < deepestInclude else {
          problems.append(
            "\(place): includes are more than \(deepestInclude) levels deep; does a file include itself?"
          )
          continue
        }
        read(resolve(values[0], beside: path), into: &options, &problems, depth: depth + 1)
      case "user":
        // Key patterns may be any bytes.
        let words = (byteWords(of: line) ?? []).dropFirst()
        guard let user = words.first else {
          problems.append("\(place): 'user' needs a name")
          continue
        }
        options.access.userLines.append(
          AccessOptions.UserLine(
            name: user, words: Array(words.dropFirst()), place: place, isIncluded: depth > 0))
      default:
        let isRepeated = !seen.insert(name).inserted
        if let problem = set(name, values, in: &options, at: place, isRepeated: isRepeated) {
          problems.append("\(place): \(problem)")
        }
      }
    }
  }

  private static func contents(of path: String, _ problems: inout [String]) -> [UInt8]? {
    do throws(StoreError) {
      if let bytes = try SmallFile.contents(of: path) { return bytes }
      problems.append("cannot read the configuration file \(path): no such file")
    } catch {
      problems.append("cannot read the configuration file \(path): \(error)")
    }
    return nil
  }

  /// The error in a line, if there is one.
  private static func set(
    _ name: String, _ values: [String], in options: inout ServerOptions, at place: String,
    isRepeated: Bool
  ) -> String? {
    guard let setting = Settings.named(name) else {
      return "unknown setting '\(name)'; see 'kvd serve --help'"
    }
    guard !values.isEmpty else { return "'\(name)' needs a value" }
    guard values.count == 1 || setting.takesWords else {
      return "'\(name)' takes one value, not \(values.count)"
    }
    do throws(SettingRefusal) {
      // Redis combines the save points of several lines.
      let isAdded = isRepeated && name == "save" && values != [""]
      try setting.set(isAdded ? [setting.text(options)] + values : values, &options)
      options.recordGiven(setting, at: place)
      return nil
    } catch {
      return "'\(name)' \(error.sentence(about: values))"
    }
  }

  static func lines(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
  }

  /// The words of a line, none for a comment; nil if quotes are unbalanced.
  static func words(of line: ArraySlice<UInt8>) -> [String]? {
    byteWords(of: line)?.map { String(decoding: $0, as: UTF8.self) }
  }

  private static func byteWords(of line: ArraySlice<UInt8>) -> [[UInt8]]? {
    let first = line.first { $0 != 0x20 && !(0x09...0x0D).contains($0) }
    guard let first, first != 0x23 else { return [] }
    var buffer = ByteBuffer()
    Array(line).withRawBytes { buffer.append($0) }
    var ranges: [Range<Int>] = []
    guard InlineRequest.split(&buffer, upTo: buffer.count, into: &ranges) else { return nil }
    return buffer.withBytes { bytes in ranges.map { [UInt8](copying: bytes.extracting($0)) } }
  }

  private static func resolve(_ path: String, beside file: String) -> String {
    guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
    return file[...slash] + path
  }
}

extension SettingRefusal {
  /// The text that follows the name of a setting that was given `values`.
  func sentence(about values: [String]) -> String {
    let value = values.joined(separator: " ")
    return value.isEmpty ? demand : "\(demand), not '\(value)'"
  }
}
