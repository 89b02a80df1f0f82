@testable import KVServer

/// Feeds arbitrary bytes to the decoder of requests, whole and cut into two, and expects that it never
/// traps, never claims bytes it was not given, and finds the same requests however they are cut.
///
/// Returns whether there was a request in them.
func feedRequests(_ bytes: [UInt8]) -> Bool {
  let whole = requests(in: [bytes])
  let cut = bytes.first.map { Int($0) % (bytes.count + 1) } ?? 0
  let parts = requests(in: [Array(bytes[..<cut]), Array(bytes[cut...])])
  precondition(whole == parts, "what is found depends on how it arrives")
  return !whole.isEmpty
}

private func requests(in pieces: [[UInt8]]) -> [[[UInt8]]] {
  var buffer = ByteBuffer()
  var decoder = RequestDecoder()
  var arguments: [Range<Int>] = []
  var found: [[[UInt8]]] = []
  for piece in pieces {
    for byte in piece { buffer.append(byte) }
    decoding: while true {
      switch decoder.next(in: &buffer, arguments: &arguments) {
      case .incomplete: break decoding
      case .failed: return found
      case .nothing(let byteCount):
        precondition(byteCount <= buffer.count)
        buffer.consume(byteCount)
      case .request(let byteCount):
        precondition(byteCount <= buffer.count)
        found.append(arguments.map { range in range.map { buffer[$0] } })
        buffer.consume(byteCount)
      }
    }
  }
  return found
}
