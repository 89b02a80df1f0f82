import Base
import KVData
import KVStore

/// BITOP AND | OR | XOR | NOT destination key…: combines strings bit by bit. Shorter and absent strings are
/// padded with zeros.
enum BitOperations {
  static let commands: [Command] = [
    Command(
      "bitop", arity: -4, [.write, .readsFirst], keys: Command.Keys(first: 2, last: -1, step: 1),
      group: "bitmap", "Perform bitwise operations between strings", .write(run))
  ]

  private enum Operation {
    case and, or, xor, not

    init?(_ word: RawSpan) {
      if word.spells("AND") {
        self = .and
      } else if word.spells("OR") {
        self = .or
      } else if word.spells("XOR") {
        self = .xor
      } else if word.spells("NOT") {
        self = .not
      } else {
        return nil
      }
    }

    /// Combines the next string into `result`.
    func combine(_ result: inout [UInt8], with next: RawSpan) {
      switch self {
      case .and: result.combine(with: next, &)
      case .or: result.combine(with: next, |)
      case .xor: result.combine(with: next, ^)
      case .not: break
      }
    }
  }

  /// An empty result removes the destination. Each string is read once, however often its key is named.
  static func run(
    _ evaluation: inout Evaluation, _ call: inout Call, _ request: RawSpan
  ) throws(StoreError) {
    guard let operation = Operation(request.extracting(call[1])) else { return call.syntaxError() }
    if operation == .not, call.count != 4 {
      return call.reply.error("ERR BITOP NOT must be called with a single source key.")
    }
    var result: [UInt8] = []
    let pace = evaluation.pace
    let counts = call.collectDistinctKeys(call.arguments[3...], request)
    for (place, key) in call.keys.enumerated() {
      // XOR of a string with itself an even number of times gives zeros of its length.
      let isZero = operation == .xor && counts[place] % 2 == 0
      try evaluation.withValue(of: request.extracting(key)) { (value) throws(StoreError) in
        let byteCount = value?.byteCount ?? 0
        try pace.advance(by: ScanBudget.steps(forByteCount: byteCount))
        if place == 0, !isZero {
          result = [UInt8](copying: value, growingTo: 0)
          return
        }
        result.grow(to: byteCount)
        if isZero { return }
        guard let value else { return operation.combine(&result, with: RawSpan()) }
        operation.combine(&result, with: value)
      }
    }
    if operation == .not { invert(&result) }
    let destination = request.extracting(call[2])
    if !result.isEmpty {
      try Records.replace(destination, with: result.rawSpan, in: &evaluation)
    } else {
      try Records.remove(destination, in: &evaluation)
    }
    call.reply.integer(Int64(result.count))
  }

  private static func invert(_ bytes: inout [UInt8]) {
    bytes.combine(with: RawSpan()) { byte, _ in ~byte }
  }
}
