import Base

/// The bytes of one connection on their way between its buffers and its descriptor: as they are. A transport that
/// encrypts belongs here.
struct Transport: ~Copyable {
  private var descriptor: Descriptor

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

  /// What the poller watches.
  var number: Int32 { descriptor.number }

  /// Receives up to `atMost` bytes after the tail of `buffer`, with room for `atLeast` bytes.
  func receive(into buffer: inout ByteBuffer, atLeast: Int, atMost: Int) -> Socket.Transfer {
    Socket.receive(number, into: &buffer, atLeast: atLeast, atMost: atMost)
  }

  /// Sends as many of the bytes as the system takes.
  func send(_ bytes: RawSpan) -> Socket.Transfer { Socket.send(number, bytes) }

  /// Closes the descriptor. What is called afterwards fails.
  mutating func close() { descriptor.close() }

  /// The peer reads what was sent and then the end.
  func endSending() { Socket.endSending(number) }
}
