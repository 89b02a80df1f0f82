/// Whether one key's history can be explained: the search of Wing and Gong with Lowe's memo.
///
/// An operation of unknown outcome may take effect at any time after it was sent, or never.
struct Linearizability {
  struct Entry {
    var invoked: UInt64
    /// `UInt64.max` for an unknown outcome.
    var returned: UInt64
    var change: Change
    /// What the daemon's clock can have shown meanwhile, where that matters.
    var clock = 0...0
  }

  enum Verdict { case explained, impossible, undecided }

  /// More than any history needed so far; past it the search ends without an answer.
  static let stepLimit = 3_000_000

  private struct Memo: Hashable {
    let done: [UInt64]
    let state: State
  }

  /// - Parameters:
  ///   - final: what was read after all of them, if anything was.
  ///   - clock: what the daemon's clock can have shown when it was.
  static func check(
    _ entries: [Entry], from initial: State, to final: State?, clock: ClosedRange<Int> = 0...0
  ) -> Verdict {
    // A read of unknown outcome tells nothing.
    var list = entries.filter { !($0.returned == .max && $0.change.isRead) }
    if let final {
      list.append(
        Entry(invoked: .max - 2, returned: .max - 1, change: .read(final), clock: clock))
    }
    var search = Search(list)
    return search.run(from: initial)
  }

  private struct Search {
    let entries: [Entry]
    /// Events in the order of time: 2 i is the call of entry i, 2 i + 1 its return.
    var next: [Int]
    var previous: [Int]
    let head: Int
    let end: Int
    let knownCount: Int

    init(_ entries: [Entry]) {
      self.entries = entries
      var events: [(time: UInt64, event: Int)] = []
      for (index, entry) in entries.enumerated() {
        events.append((entry.invoked, 2 * index))
        if entry.returned != .max { events.append((entry.returned, 2 * index + 1)) }
      }
      // At equal times calls come first, which allows more.
      events.sort { $0.time != $1.time ? $0.time < $1.time : $0.event & 1 < $1.event & 1 }
      head = 2 * entries.count
      end = head + 1
      next = Array(repeating: end, count: end + 1)
      previous = Array(repeating: head, count: end + 1)
      var last = head
      for (_, event) in events {
        next[last] = event
        previous[event] = last
        last = event
      }
      next[last] = end
      previous[end] = last
      knownCount = entries.count { $0.returned != .max }
    }

    mutating func remove(_ event: Int) {
      next[previous[event]] = next[event]
      previous[next[event]] = previous[event]
    }

    mutating func restore(_ event: Int) {
      next[previous[event]] = event
      previous[next[event]] = event
    }

    mutating func run(from initial: State) -> Verdict {
      var state = initial
      var done = [UInt64](repeating: 0, count: entries.count / 64 + 1)
      var memo: Set<Memo> = []
      var stack: [(entry: Int, state: State, choice: Int)] = []
      var knownDone = 0
      var event = next[head]
      // Which of the states that an entry may leave is tried next.
      var choice = 0
      var steps = 0
      while knownDone < knownCount {
        steps += 1
        if steps > stepLimit { return .undecided }
        if event != end, event & 1 == 0 {
          let index = event / 2
          let states = entries[index].change.after(state, clock: entries[index].clock)
          if choice < states.count {
            done[index / 64] |= 1 << UInt64(index % 64)
            if memo.insert(Memo(done: done, state: states[choice])).inserted {
              stack.append((index, state, choice))
              state = states[choice]
              remove(2 * index)
              if entries[index].returned != .max {
                remove(2 * index + 1)
                knownDone += 1
              }
              (event, choice) = (next[head], 0)
              continue
            }
            done[index / 64] &= ~(1 << UInt64(index % 64))
            choice += 1
            continue
          }
          (event, choice) = (next[event], 0)
          continue
        }
        // A return whose call is not yet placed, or the end: the last choice was wrong.
        guard let (index, before, tried) = stack.popLast() else { return .impossible }
        state = before
        done[index / 64] &= ~(1 << UInt64(index % 64))
        if entries[index].returned != .max {
          restore(2 * index + 1)
          knownDone -= 1
        }
        restore(2 * index)
        (event, choice) = (2 * index, tried + 1)
      }
      return .explained
    }
  }
}
