import Base
import Synchronization

/// Recent refusals, for ACL LOG. A repetition within a minute only increases the count of its entry.
final class AccessLog: Sendable {
  enum Reason: String, Sendable {
    case command
    case key
    case channel
    case auth
  }

  /// Where the request came from.
  enum Context: String, Sendable {
    case toplevel
    case multi
    case lua
  }

  struct Entry: Sendable {
    var count: Int64 = 1
    let reason: Reason
    let context: Context
    /// The command, the key, or, for a failed login, the word AUTH or HELLO.
    let object: [UInt8]
    let user: [UInt8]
    /// Milliseconds of the monotonic clock.
    var at: Int64
    /// The client's line of CLIENT LIST.
    var client: String

    func resembles(_ other: Entry) -> Bool {
      reason == other.reason && context == other.context && object == other.object
        && user == other.user && abs(at - other.at) <= AccessLog.groupedMilliseconds
    }
  }

  private static let groupedMilliseconds: Int64 = 60_000
  private static let comparedCount = 10
  /// A key or user name is cut to this many bytes, so that a full log stays small.
  static let objectByteCount = 1024

  private let entries = Lock<[Entry]>([])
  private let limit: Atomic<Int>

  init(limit: Int) { self.limit = Atomic(limit) }

  func setLimit(_ limit: Int) {
    self.limit.store(limit, ordering: .relaxed)
    entries.withLock { $0.removeLast(max(0, $0.count - limit)) }
  }

  func add(_ entry: Entry) {
    entries.withLock { entries in
      var added = entry
      if let known = entries.prefix(Self.comparedCount).firstIndex(where: { $0.resembles(entry) }) {
        added.count += entries.remove(at: known).count
      }
      entries.insert(added, at: 0)
      entries.removeLast(max(0, entries.count - limit.load(ordering: .relaxed)))
    }
  }

  func reset() { entries.withLock { $0 = [] } }

  /// The newest first.
  func newest(_ count: Int) -> [Entry] { entries.withLock { Array($0.prefix(count)) } }
}
