import Foundation
import Glibc

/// A file system of a few MiB of the test's own, gone with the object. Needs the right to mount.
final class SmallDisk {
  let path: String
  private let directory = TemporaryDirectory()

  /// Whether this process may mount: asked once, by doing it.
  static let isPermitted = (try? SmallDisk(byteCount: 1 << 20)) != nil
  static let refusal = "mounting a tmpfs is not permitted here (root may)"

  struct Refused: Error {}

  init(byteCount: Int) throws {
    path = directory.path
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(byteCount)") == 0 else { throw Refused() }
  }

  deinit {
    umount2(path, Int32(MNT_DETACH))
  }

  func setReadOnly(_ isReadOnly: Bool) throws {
    let flags = UInt(MS_REMOUNT) | (isReadOnly ? UInt(MS_RDONLY) : 0)
    guard mount("tmpfs", path, "tmpfs", flags, nil) == 0 else { throw Refused() }
  }

  private var ballast: String { path + "/ballast" }

  /// Leaves `byteCount` bytes free.
  func fill(leaving byteCount: Int = 0) throws {
    var status = statvfs()
    statvfs(path, &status)
    let free = Int(status.f_bavail) * Int(status.f_bsize) - byteCount
    guard free > 0 else { return }
    let file = open(ballast, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer { close(file) }
    let zeros = [UInt8](repeating: 0, count: 4096)
    for _ in 0..<free / 4096 where write(file, zeros, zeros.count) <= 0 { return }
  }

  /// Gives the room back that `fill` took.
  func empty() {
    unlink(ballast)
  }
}
