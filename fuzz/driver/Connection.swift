import Glibc

/// A reply in RESP2.
indirect enum Reply: Equatable {
  case simple(String)
  case error(String)
  case integer(Int)
  case bulk([UInt8])
  case null
  case array([Reply])

  /// For messages.
  var brief: String {
    let text = String("\(self)".prefix(400))
    return text.count == 400 ? text + "…" : text
  }

  var bytes: [UInt8]? {
    if case .bulk(let bytes) = self { bytes } else { nil }
  }

  var integer: Int? {
    if case .integer(let value) = self { value } else { nil }
  }

  var elements: [Reply]? {
    if case .array(let elements) = self { elements } else { nil }
  }
}

/// One client's socket: requests out, replies in, and nothing that knows what they mean.
final class Connection {
  enum Failure: Error { case ended, timedOut, garbled }

  private let socket: Int32
  private var received: [UInt8] = []
  private var position = 0

  init?(port: Int) {
    guard let socket = System.connect(port: port) else { return nil }
    self.socket = socket
  }

  deinit { close(socket) }

  static func encode(_ command: [[UInt8]]) -> [UInt8] {
    var bytes = Array("*\(command.count)\r\n".utf8)
    for argument in command {
      bytes += Array("$\(argument.count)\r\n".utf8)
      bytes += argument
      bytes += [13, 10]
    }
    return bytes
  }

  func send(_ bytes: [UInt8]) throws(Failure) {
    if !System.send(bytes, to: socket) { throw .ended }
  }

  /// How many bytes went without waiting; nil if the connection has ended.
  func sendAtOnce(_ bytes: ArraySlice<UInt8>) -> Int? { System.sendAtOnce(bytes, to: socket) }

  func call(_ command: [[UInt8]]) throws(Failure) -> Reply {
    try send(Self.encode(command))
    return try receive()
  }

  func call(_ words: String...) throws(Failure) -> Reply {
    try call(words.map { Array($0.utf8) })
  }

  func receive() throws(Failure) -> Reply {
    if position > 1 << 20 {
      received.removeFirst(position)
      position = 0
    }
    let line = try line()
    guard let first = line.first else { throw .garbled }
    let rest = String(decoding: line.dropFirst(), as: UTF8.self)
    switch first {
    case UInt8(ascii: "+"): return .simple(rest)
    case UInt8(ascii: "-"): return .error(rest)
    case UInt8(ascii: ":"):
      guard let value = Int(rest) else { throw .garbled }
      return .integer(value)
    case UInt8(ascii: "$"):
      guard let count = Int(rest) else { throw .garbled }
      if count < 0 { return .null }
      try need(count + 2)
      defer { position += count + 2 }
      return .bulk(Array(received[position..<(position + count)]))
    case UInt8(ascii: "*"):
      guard let count = Int(rest) else { throw .garbled }
      if count < 0 { return .null }
      var elements: [Reply] = []
      for _ in 0..<count { elements.append(try receive()) }
      return .array(elements)
    default: throw .garbled
    }
  }

  private func line() throws(Failure) -> [UInt8] {
    var index = position
    while true {
      while index + 1 < received.count {
        if received[index] == 13, received[index + 1] == 10 {
          defer { position = index + 2 }
          return Array(received[position..<index])
        }
        index += 1
      }
      try more()
    }
  }

  private func need(_ count: Int) throws(Failure) {
    while received.count - position < count { try more() }
  }

  private func more() throws(Failure) {
    switch System.receive(from: socket, into: &received) {
    case .some: return
    case .ended: throw .ended
    case .timedOut: throw .timedOut
    }
  }
}
