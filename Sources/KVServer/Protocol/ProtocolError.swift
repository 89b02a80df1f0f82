/// Why a request cannot be parsed. The client gets the error and the connection is closed, because it is
/// unknown where the next request begins.
enum ProtocolError: Error, Equatable {
  case invalidMultibulkLength
  case multibulkCountTooLong
  case bulkCountTooLong
  case expectedBulk(got: UInt8)
  case invalidBulkLength
  case inlineTooLong
  case unbalancedQuotes
  case bulkTooLarge(byteCount: Int, limit: Int)
  case requestTooLarge(limit: Int)
  case multibulkTooLongBeforeLogin
  case bulkTooLargeBeforeLogin

  /// The reply, in Redis's words where Redis has the error.
  func write(to reply: inout ReplyWriter) {
    switch self {
    case .invalidMultibulkLength:
      reply.error("ERR Protocol error: invalid multibulk length")
    case .multibulkCountTooLong:
      reply.error("ERR Protocol error: too big mbulk count string")
    case .bulkCountTooLong:
      reply.error("ERR Protocol error: too big bulk count string")
    case .expectedBulk(let byte):
      var text = ByteBuffer()
      text.append("ERR Protocol error: expected '$', got '")
      text.append(byte)
      text.append("'")
      reply.error(text)
    case .invalidBulkLength:
      reply.error("ERR Protocol error: invalid bulk length")
    case .inlineTooLong:
      reply.error("ERR Protocol error: too big inline request")
    case .unbalancedQuotes:
      reply.error("ERR Protocol error: unbalanced quotes in request")
    case .bulkTooLarge(let byteCount, let limit):
      reply.error(
        "ERR Protocol error: argument of \(byteCount) bytes exceeds the limit of \(limit) bytes")
    case .requestTooLarge(let limit):
      reply.error(
        "ERR Protocol error: request exceeds the limit of \(limit) bytes; split it into smaller requests"
      )
    case .multibulkTooLongBeforeLogin:
      reply.error("ERR Protocol error: unauthenticated multibulk length")
    case .bulkTooLargeBeforeLogin:
      reply.error("ERR Protocol error: unauthenticated bulk length")
    }
  }
}
