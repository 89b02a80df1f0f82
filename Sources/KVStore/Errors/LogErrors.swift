import Base
import TxnWAL

/// Damage that was found on disk: where, what should be there, and what is.
public typealias Finding = Base.Finding

/// A system call that failed: which, on what, and why.
public typealias IOError = Base.IOError

/// The system calls on the store's own small files: manifest, locks, directories.
typealias Files = FileSystem<StoreError>

/// When a write is acknowledged.
public typealias Durability = TxnWAL.Durability

extension StoreError {
  /// The store's word for an error of its log.
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
      }
  }
}

/// Runs `body`, which works on the log, and translates what it throws.
@inline(__always)
func translatingLogErrors<R>(_ body: () throws(LogError) -> R) throws(StoreError) -> R {
  do throws(LogError) {
    return try body()
  } catch {
    throw StoreError(error)
  }
}
