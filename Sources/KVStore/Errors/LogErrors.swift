import Base
import TxnWAL

extension StoreError {
  /// Translates an error of the log.
  public init(_ error: LogError) {
    self =
      switch error {
      case .io(let error): .io(error)
      case .diskFull(let error): .diskFull(error)
      case .corrupted(let finding): .corrupted(finding)
      case .poisoned(let reason): .poisoned(because: reason)
      case .unsupportedFormat(let path, let found, let supported):
        .unsupportedFormat(path: path, found: found, supported: supported)
      case .recordTooLarge(let byteCount, let limit):
        .batchTooLarge(byteCount: byteCount, limit: limit)
      case .closed: .closed
      case .logHeld, .holdLost, .notKept, .notABatch, .invalidHold: .logHeld(because: "\(error)")
      }
  }
}

/// Runs `body`, which uses the log, and translates what it throws.
@inline(__always)
func translatingLogErrors<R>(_ body: () throws(LogError) -> R) throws(StoreError) -> R {
  do throws(LogError) {
    return try body()
  } catch {
    throw StoreError(error)
  }
}
