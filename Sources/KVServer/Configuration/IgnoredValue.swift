/// The form of a value that has no effect. It is checked as in Redis, so that mistakes are still found, and
/// kept in the form in which Redis shows it.
enum IgnoredValue: Sendable {
  case yesNo
  case integer(ClosedRange<Int>)
  case size(ClosedRange<Int>)
  case oneOf([String])
  case someOf([String])
  case text
  case words
  case savePoints

  /// Parses the form used in `RedisSettings.lines`.
  init(_ form: String) {
    let parts = form.split(separator: ":").map(String.init)
    func range() -> ClosedRange<Int> {
      guard let low = Int(parts[1]), let high = Int(parts[2]) else {
        preconditionFailure("\(form) has no range")
      }
      return low...high
    }
    switch parts[0] {
    case "bool": self = .yesNo
    case "int": self = .integer(range())
    case "size": self = .size(range())
    case "one": self = .oneOf(parts[1].split(separator: ",").map(String.init))
    case "some": self = .someOf(parts[1].split(separator: ",").map(String.init))
    case "text": self = .text
    case "words": self = .words
    default: preconditionFailure("\(form) is not a form of a value")
    }
  }

  var takesWords: Bool {
    switch self {
    case .someOf, .words, .savePoints: true
    default: false
    }
  }

  /// The value that `words` spell, as CONFIG GET shows it.
  func normalized(_ words: [String]) throws(SettingRefusal) -> String {
    let text = words.joined(separator: " ")
    switch self {
    case .text, .words: return text
    case .yesNo:
      guard ["yes", "no"].contains(text.lowercased()) else {
        throw SettingRefusal("argument must be 'yes' or 'no'", demand: "must be yes or no")
      }
      return text.lowercased()
    case .integer(let range):
      guard let number = Int(text) else {
        throw SettingRefusal(
          "argument couldn't be parsed into an integer", demand: Self.demand("a number", range))
      }
      guard range.contains(number) else {
        throw .outside(range, demand: Self.demand("a number", range))
      }
      return String(number)
    case .size(let range):
      guard let number = ByteSize.parse(text) else {
        throw SettingRefusal(
          "argument must be a memory value", demand: Self.demand("a size", range))
      }
      guard range.contains(number) else {
        throw .outside(range, demand: Self.demand("a size", range))
      }
      return String(number)
    case .oneOf(let known):
      guard known.contains(text.lowercased()) else { throw Self.unknown(known) }
      return text.lowercased()
    case .someOf(let known):
      let given = text.lowercased().split(separator: " ").map(String.init)
      guard !given.isEmpty, given.allSatisfy(known.contains) else { throw Self.unknown(known) }
      return given.joined(separator: " ")
    case .savePoints: return try Self.savePoints(text)
    }
  }

  private static func savePoints(_ text: String) throws(SettingRefusal) -> String {
    let numbers = text.split(separator: " ").map { Int($0) }
    let areSound = numbers.enumerated().allSatisfy { place, number in
      number.map { $0 >= (place % 2 == 0 ? 1 : 0) } ?? false
    }
    guard numbers.count % 2 == 0, areSound else {
      throw SettingRefusal(
        "Invalid save parameters", demand: "must be SECONDS CHANGES, one or more times")
    }
    return numbers.compactMap { $0.map(String.init) }.joined(separator: " ")
  }

  private static func demand(_ kind: String, _ range: ClosedRange<Int>) -> String {
    "must be \(kind) from \(range.lowerBound) to \(range.upperBound)"
  }

  private static func unknown(_ known: [String]) -> SettingRefusal {
    let list = known.joined(separator: ", ")
    return SettingRefusal(
      "argument(s) must be one of the following: \(list)", demand: "must be one of \(list)")
  }
}
