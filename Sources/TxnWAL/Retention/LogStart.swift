/// Where a hold or a cursor begins.
public enum LogStart: Sendable, Equatable {
  /// At the oldest position from which the log can be read.
  case oldest
  /// At the end of what is durable: only what is committed from now on.
  case end
  /// At this LSN, where a batch must begin: the `end` of a batch, or a position of a hold or a cursor.
  case at(LSN)
}
