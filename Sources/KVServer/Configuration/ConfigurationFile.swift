import KVStore

/// What is wrong with a configuration, and where, in a sentence.
public struct ConfigurationError: Error, CustomStringConvertible {
  public let description: String

  init(_ description: String) { self.description = description }
}

/// A configuration file: Redis's `name value` lines, with quotes, comments and `include`.
///
///     file    = { line LF }
///     line    = [ name { word } ] / "#" text / "include" path / "user" name { rule }
///     word    = bytes without spaces / quoted, as in a command typed by hand
///
/// A later line overrides an earlier one. A path behind `include` that does not begin with `/` is
/// looked up beside the file that names it.
enum ConfigurationFile {
  private static let deepestInclude = 16

  /// Sets what the file at `path` says.
  static func read(
    _ path: String, into options: inout ServerOptions, depth: Int = 0
  ) throws(ConfigurationError) {
    let bytes: [UInt8]?
    do throws(StoreError) {
      bytes = try SmallFile.contents(of: path)
    } catch {
      throw ConfigurationError("cannot read the configuration file \(path): \(error)")
    }
    guard let bytes else {
      throw ConfigurationError("cannot read the configuration file \(path): there is none")
    }
    for (index, line) in lines(of: bytes).enumerated() {
      let place = "\(path):\(index + 1)"
      guard let words = words(of: line) else {
        throw ConfigurationError("\(place): unbalanced quotes")
      }
      guard let name = words.first?.lowercased() else { continue }
      let values = Array(words.dropFirst())
      if name == "include" {
        guard values.count == 1, !values[0].isEmpty else {
          throw ConfigurationError("\(place): 'include' needs one path")
        }
        guard depth < deepestInclude else {
          throw ConfigurationError(
            "\(place): includes go deeper than \(deepestInclude) files; does one include itself?")
        }
        try read(resolve(values[0], beside: path), into: &options, depth: depth + 1)
      } else if name == "user" {
        // Patterns of keys are bytes.
        let words = (byteWords(of: line) ?? []).dropFirst()
        guard let user = words.first else {
          throw ConfigurationError("\(place): 'user' needs a name")
        }
        options.access.userLines.append(
          AccessOptions.UserLine(
            name: user, words: Array(words.dropFirst()), place: place, isIncluded: depth > 0))
      } else {
        try set(name, values, in: &options, at: place)
      }
    }
  }

  private static func set(
    _ name: String, _ values: [String], in options: inout ServerOptions, at place: String
  ) throws(ConfigurationError) {
    guard let setting = Settings.named(name) else {
      throw ConfigurationError("\(place): unknown setting '\(name)'; see 'kvd serve --help'")
    }
    guard !values.isEmpty else { throw ConfigurationError("\(place): '\(name)' needs a value") }
    guard values.count == 1 || setting.takesWords else {
      throw ConfigurationError("\(place): '\(name)' takes one value, not \(values.count)")
    }
    do throws(SettingRefusal) {
      try setting.set(values, &options)
    } catch {
      throw ConfigurationError("\(place): '\(name)' \(error.sentence(about: values))")
    }
  }

  static func lines(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
  }

  /// The words of a line, none for a comment; nil if quotes do not match.
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
  /// What stands behind the name of a setting that was given `values`.
  func sentence(about values: [String]) -> String {
    let value = values.joined(separator: " ")
    return value.isEmpty ? demand : "\(demand), not '\(value)'"
  }
}
