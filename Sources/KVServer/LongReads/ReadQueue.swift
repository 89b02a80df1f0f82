/// The owner of long reads, among which threads are shared: a user on one machine.
struct ReadOwner: Hashable, Sendable {
  let user: [UInt8]
  let host: String
}

/// What the queue needs to know about a long read.
protocol QueuedRead: AnyObject {
  var owner: ReadOwner { get }
  /// It searches all keys or fields for that of a cursor that is no longer kept, and that may be made up.
  var isResumption: Bool { get }
}

/// The long reads that run, and those that wait for a thread.
///
/// An owner gets at most half of the threads: while n of its reads run, another begins only if more than n
/// threads are free. So another owner's first read usually finds a free thread, and owners with many reads
/// share the threads. Waiting owners take turns. Only one search for a cursor runs at a time.
struct ReadQueue<Read: QueuedRead> {
  let threadLimit: Int
  private(set) var running: [Read] = []
  private var waiting: [ReadOwner: [Read]] = [:]
  /// The owners of waiting reads, in the order of their turns.
  private var turns: [ReadOwner] = []

  init(threadLimit: Int) { self.threadLimit = threadLimit }

  var waitingCount: Int { waiting.values.reduce(0) { $0 + $1.count } }

  mutating func append(_ read: Read) {
    if waiting[read.owner] == nil { turns.append(read.owner) }
    waiting[read.owner, default: []].append(read)
  }

  /// Takes the next read that may run. O(owners), however many reads wait. But while a search for a cursor
  /// runs, other searches are passed over one by one.
  mutating func takeNext() -> Read? {
    let isSearching = running.contains(where: \.isResumption)
    for (turn, owner) in turns.enumerated() where hasThread(for: owner) {
      guard let place = waiting[owner]?.firstIndex(where: { !(isSearching && $0.isResumption) }),
        let read = waiting[owner]?.remove(at: place)
      else { continue }
      turns.remove(at: turn)
      if waiting[owner]?.isEmpty == true {
        waiting[owner] = nil
      } else {
        turns.append(owner)
      }
      running.append(read)
      return read
    }
    return nil
  }

  private func hasThread(for owner: ReadOwner) -> Bool {
    threadLimit - running.count > running.count { $0.owner == owner }
  }

  /// Puts back a read that was taken but could not be started. It is the next again.
  mutating func putBack(_ read: Read) {
    didEnd(read)
    turns.removeAll { $0 == read.owner }
    turns.insert(read.owner, at: 0)
    waiting[read.owner, default: []].insert(read, at: 0)
  }

  mutating func didEnd(_ read: Read) { running.removeAll { $0 === read } }

  /// Removes a waiting read that is no longer wanted. A running one has to end by itself.
  mutating func remove(_ read: Read) {
    guard let place = waiting[read.owner]?.firstIndex(where: { $0 === read }) else { return }
    waiting[read.owner]?.remove(at: place)
    guard waiting[read.owner]?.isEmpty == true else { return }
    waiting[read.owner] = nil
    turns.removeAll { $0 == read.owner }
  }

  /// Takes all waiting reads.
  mutating func takeWaiting() -> [Read] {
    defer {
      waiting = [:]
      turns = []
    }
    return turns.flatMap { waiting[$0] ?? [] }
  }
}
