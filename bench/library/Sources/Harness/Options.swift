/// The command line: a workload, and `--name value` pairs.
struct Options: Sendable {
  let workload: String
  private let values: [String: String]

  init(_ arguments: [String]) throws(Failure) {
    guard arguments.count % 2 == 0, arguments.count >= 2 else {
      throw Failure(
        "use: kvd-engines WORKLOAD --engine kvd|rocksdb|lmdb --directory DIR [--name value]…")
    }
    workload = arguments[1]
    var values: [String: String] = [:]
    for index in stride(from: 2, to: arguments.count, by: 2) {
      guard arguments[index].hasPrefix("--") else {
        throw Failure("\(arguments[index]) is no option's name")
      }
      values[String(arguments[index].dropFirst(2))] = arguments[index + 1]
    }
    self.values = values
  }

  func text(_ name: String, _ standard: String) -> String { values[name] ?? standard }

  func number(_ name: String, _ standard: Int) throws(Failure) -> Int {
    guard let text = values[name] else { return standard }
    guard let number = Int(text) else { throw Failure("--\(name): \(text) is no number") }
    return number
  }

  func seconds(_ name: String, _ standard: Double) throws(Failure) -> Double {
    guard let text = values[name] else { return standard }
    guard let number = Double(text) else { throw Failure("--\(name): \(text) is no number") }
    return number
  }
}

/// Something that the person who runs it must know, in a sentence.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
