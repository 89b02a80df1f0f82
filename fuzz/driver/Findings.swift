import Base

/// What is wrong, as it turns up, from any thread.
final class Findings: Sendable {
  /// Counts, and says nothing.
  let isQuiet: Bool
  private let list = Lock<[String]>([])

  init(isQuiet: Bool = false) { self.isQuiet = isQuiet }

  func add(_ text: String) {
    let isNew = list.withLock { list in
      if list.contains(text) || list.count >= 50 { return false }
      list.append(text)
      return true
    }
    if isNew, !isQuiet { System.say("FINDING: \(text)") }
  }

  var count: Int { list.withLock { $0.count } }
}
