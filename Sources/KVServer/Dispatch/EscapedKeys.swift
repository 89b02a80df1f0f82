import Base
import KVData
import KVStore

/// Requests with keys that begin with 0x00. In the engine, such a key has another 0x00 before it.
///
/// Such keys are rare. So a request is checked for them once, before it is queued or run, and is rewritten if
/// it has any. Handlers see engine keys only; replies strip the 0x00.
enum EscapedKeys {
  /// - Parameter call: not modified. A borrowed parameter would make the compiler copy the whole call.
  @inline(__always)
  static func areIn(
    _ call: inout Call, of command: Command, _ request: RawSpan
  ) -> Bool {
    let keys = command.keys
    guard keys.first > 0 else {
      return command.hasKeys && !command.flags.contains(.script) && mayBeIn(call, request)
    }
    var index = keys.first
    let end = keys.end(call.count)
    while index < end {
      if UserKey.isEscaped(request.extracting(call[index])) { return true }
      index &+= keys.step
    }
    return false
  }

  /// The same for commands whose keys may be anywhere.
  private static func mayBeIn(_ call: borrowing Call, _ request: RawSpan) -> Bool {
    call.arguments.contains { UserKey.isEscaped(request.extracting($0)) }
  }

  /// Lends the request with its keys rewritten as engine keys.
  @inline(never)
  static func withRequest(
    _ call: inout Call, of command: Command, _ request: RawSpan,
    _ body: (inout Call, RawSpan) throws(StoreError) -> Void
  ) throws(StoreError) {
    let original = call.arguments
    defer { call.arguments = original }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(request.byteCount + original.count)
    let keys = indices(of: command, original, request)
    call.arguments.removeAll(keepingCapacity: true)
    for (index, argument) in original.enumerated() {
      let start = bytes.count
      let argument = request.extracting(argument)
      if UserKey.isEscaped(argument), keys.contains(index) { bytes.append(0) }
      bytes.append(copying: argument)
      call.arguments.append(start..<bytes.count)
    }
    try bytes.withRawBytes { (request) throws(StoreError) in try body(&call, request) }
  }

  private static func indices(
    of command: Command, _ arguments: [Range<Int>], _ request: RawSpan
  ) -> Set<Int> {
    var indices: Set<Int> = []
    for use in command.keyUses(arguments, in: request) ?? [] {
      if case .argument(let index) = use.place { indices.insert(index) }
    }
    return indices
  }
}
