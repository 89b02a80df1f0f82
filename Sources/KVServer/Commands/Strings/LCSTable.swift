/// The lengths of the longest common subsequences of all prefixes of two strings, and the walk back through
/// them that yields one of the longest.
///
/// The table and the walk are those of Redis, so that among several subsequences of the same length the same
/// one is chosen. O(n·m) time and memory; `byteLimit` bounds the memory.
struct LCSTable {
  /// A run of bytes that both strings have, as closed ranges.
  struct Match {
    var first: ClosedRange<Int>
    var second: ClosedRange<Int>
    var count: Int { first.count }
  }

  private let first: [UInt8]
  private let second: [UInt8]
  private let cells: [UInt32]
  private let width: Int

  /// Nil if the table would take more than `byteLimit`.
  init?(_ first: [UInt8], _ second: [UInt8], byteLimit: Int) {
    let width = second.count + 1
    let (count, overflows) = (first.count + 1).multipliedReportingOverflow(by: width)
    guard !overflows, count <= byteLimit / MemoryLayout<UInt32>.size else { return nil }
    var cells = [UInt32](repeating: 0, count: count)
    for row in 0..<first.count {
      let byte = first[row]
      var above = row &* width
      var here = above &+ width
      for column in 0..<second.count {
        if byte == second[column] {
          cells[here &+ 1] = cells[above] &+ 1
        } else {
          cells[here &+ 1] = max(cells[above &+ 1], cells[here])
        }
        above &+= 1
        here &+= 1
      }
    }
    self.first = first
    self.second = second
    self.cells = cells
    self.width = width
  }

  /// The length of the longest common subsequence.
  var count: Int { Int(cells[cells.count - 1]) }

  /// Walks from the ends to the beginnings and calls `match` for each run, the last one first. Returns the
  /// subsequence.
  func walk(_ match: (Match) -> Void) -> [UInt8] {
    var common = [UInt8](repeating: 0, count: count)
    var left = count
    var row = first.count
    var column = second.count
    var current: Match?
    while row > 0, column > 0 {
      if first[row - 1] == second[column - 1] {
        left -= 1
        row -= 1
        column -= 1
        common[left] = first[row]
        current = Match(
          first: row...(current?.first.upperBound ?? row),
          second: column...(current?.second.upperBound ?? column))
        continue
      }
      if cells[(row - 1) * width + column] > cells[row * width + column - 1] {
        row -= 1
      } else {
        column -= 1
      }
      if let found = current { match(found) }
      current = nil
    }
    if let current { match(current) }
    return common
  }
}
