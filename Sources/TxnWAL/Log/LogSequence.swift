/// Sets where a log's sequences continue.
public enum LogSequence {
  /// Makes the log on `device`, which no coordinator may have open, continue after `sequence` at the next open.
  /// Does nothing if the log is already past it. Durable on return.
  public static func raise(
    to sequence: UInt64, on device: any LogDevice
  ) throws(LogError) {
    let file = try ControlFile.open(on: device)
    if file.control.sequence < sequence { try file.update { $0.sequence = sequence } }
  }
}
