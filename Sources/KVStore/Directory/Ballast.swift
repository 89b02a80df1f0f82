import Base
import Glibc

/// Disk space that is reserved for deletes: the file `DIR/BALLAST`. It is truncated when the disk is so full
/// that even work which frees space has no room, and filled again when there is space.
///
/// LMDB never changes a page in place, so a delete needs a few new pages too, until the pages that it frees
/// can be reused. Nothing depends on the file: it is not synced, and a store opens without it.
final class Ballast: Sendable {
  static let name = "BALLAST"
  private static let byteLimit = 4 << 20

  private let directory: String
  /// Whether the space is reserved at present.
  private let isHeld = Lock(false)

  init(directory: String) {
    self.directory = directory
  }

  private var path: String { "\(directory)/\(Self.name)" }

  /// Whether `byteCount` free bytes, besides the ballast, are so few that work which frees space must not
  /// wait: fewer than the ballast holds at most.
  static func isScarce(_ byteCount: UInt64) -> Bool { byteCount < UInt64(byteLimit) }

  /// Reserves the space, unless it is reserved already or the disk has less than twice as much free.
  func take() {
    isHeld.withLock { isHeld in
      guard !isHeld, let space = try? Files.space(at: directory) else { return }
      let wanted = min(UInt64(Self.byteLimit), space.total / 16) / 4096 * 4096
      isHeld = (try? hold(Int(wanted), available: space.available)) == true
    }
  }

  /// A file that an earlier process left is taken over as it is.
  private func hold(_ wanted: Int, available: UInt64) throws(StoreError) -> Bool {
    let file = try Files.open(path, O_RDWR | O_CREAT, mode: Files.fileMode)
    if try Files.byteCount(of: file) >= wanted { return true }
    guard available >= 2 * UInt64(wanted) else { return false }
    do throws(StoreError) {
      try Files.reserve(wanted, of: file)
      return true
    } catch {
      try? Files.truncate(file, to: 0)
      throw error
    }
  }

  /// Frees the space for the next writer. Returns false if there was none to free.
  func release() -> Bool {
    isHeld.withLock { isHeld in
      guard isHeld else { return false }
      isHeld = false
      do throws(StoreError) {
        try Files.truncate(try Files.open(path, O_RDWR), to: 0)
        return true
      } catch {
        return false
      }
    }
  }
}
