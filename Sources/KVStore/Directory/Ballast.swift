import Base
import Glibc

/// Room on the disk that is kept for deletes: `DIR/BALLAST`, a file that is thrown off when a disk is so
/// full that what frees room has none itself, and made again when there is room once more.
///
/// LMDB never changes a page in place, so a delete needs a few new pages too, until the ones that it
/// frees can be used again. Nothing depends on the file: it is not synced, and a store opens without it.
final class Ballast: Sendable {
  static let name = "BALLAST"
  private static let byteLimit = 4 << 20

  private let directory: String
  /// Whether the room is ours at present.
  private let isHeld = Lock(false)

  init(directory: String) {
    self.directory = directory
  }

  private var path: String { "\(directory)/\(Self.name)" }

  /// Whether `byteCount` of room on a disk, beside what is kept here, is so little that what frees some must not wait:
  /// less than is kept here at most.
  static func isScarce(_ byteCount: UInt64) -> Bool { byteCount < UInt64(byteLimit) }

  /// Takes the room, if it is not ours and the disk has enough that nobody will miss it at once.
  func take() {
    isHeld.withLock { isHeld in
      guard !isHeld, let space = try? Files.space(at: directory) else { return }
      let wanted = min(UInt64(Self.byteLimit), space.total / 16) / 4096 * 4096
      isHeld = (try? hold(Int(wanted), available: space.available)) == true
    }
  }

  /// What stands there from an earlier process is ours as it is.
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

  /// Gives the room to whoever writes next. False where it was gone already.
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
