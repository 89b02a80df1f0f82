/// Where the sequences of a log go on.
public enum LogSequence {
  /// Has the log on `device`, which no coordinator has open, go on after `sequence` when it is opened the next time;
  /// nothing changes where it is further on already. Durable on return.
  public static func raise(
    to sequence: UInt64, on device: any LogDevice
  ) throws(LogError) {
    let file = try ControlFile.open(on: device)
    if file.control.sequence < sequence { try file.update { $0.sequence = sequence } }
  }
}
