import Synchronization

/// What is wrong, as it turns up, from any thread.
final class Findings: Sendable {
  private let list = Mutex<[String]>([])

  func add(_ text: String) {
    let isNew = list.withLock { list in
      if list.contains(text) || list.count >= 50 { return false }
      list.append(text)
      return true
    }
    if isNew { System.say("FINDING: \(text)") }
  }

  var count: Int { list.withLock { $0.count } }
}
