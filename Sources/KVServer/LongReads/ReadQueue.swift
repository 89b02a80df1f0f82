/// Whose long reads share threads: a user on a machine.
struct ReadOwner: Hashable, Sendable {
  let user: [UInt8]
  let host: String
}

/// What a queue of long reads has to know of each.
protocol QueuedRead: AnyObject {
  var owner: ReadOwner { get }
  /// It looks for the key of a cursor that is not kept, which may be made up, over all there is.
  var isResumption: Bool { get }
}

/// Which long reads run, and which wait for a thread.
///
/// One owner gets no more than half of the threads: with n of its own running another begins only while more than n
/// threads are free. So the first read of another owner finds a thread as a rule, and several owners that ask for as many
/// as they can share what there is. Those who wait take turns. Of searches for cursors one runs at a time.
struct ReadQueue<Read: QueuedRead> {
  let threadLimit: Int
  private(set) var running: [Read] = []
  private var waiting: [ReadOwner: [Read]] = [:]
  /// The owners of those that wait, in the order of their turns.
  private var turns: [ReadOwner] = []

  init(threadLimit: Int) { self.threadLimit = threadLimit }

  var waitingCount: Int { waiting.values.reduce(0) { $0 + $1.count } }

  mutating func append(_ read: Read) {
    if waiting[read.owner] == nil { turns.append(read.owner) }
    waiting[read.owner, default: []].append(read)
  }

  /// Takes the next that may run. O(owners), however many wait; but while a search for a cursor runs others of those
  /// are passed over one by one.
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

  /// One that was taken could not be begun: it is the next again.
  mutating func putBack(_ read: Read) {
    didEnd(read)
    turns.removeAll { $0 == read.owner }
    turns.insert(read.owner, at: 0)
    waiting[read.owner, default: []].insert(read, at: 0)
  }

  mutating func didEnd(_ read: Read) { running.removeAll { $0 === read } }

  /// Nobody wants it any more; one that runs has to end by itself.
  mutating func remove(_ read: Read) {
    guard let place = waiting[read.owner]?.firstIndex(where: { $0 === read }) else { return }
    waiting[read.owner]?.remove(at: place)
    guard waiting[read.owner]?.isEmpty == true else { return }
    waiting[read.owner] = nil
    turns.removeAll { $0 == read.owner }
  }

  /// Takes all that wait.
  mutating func takeWaiting() -> [Read] {
    defer {
      waiting = [:]
      turns = []
    }
    return turns.flatMap { waiting[$0] ?? [] }
  }
}
