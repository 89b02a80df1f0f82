import Glibc

/// A file system of a few MiB of the test's own, gone with the object. Needs the right to mount.
final class SmallDisk {
  let path: String
  private let directory = TestDirectory()

  /// Whether this process may mount: asked once, by doing it.
  static let isPermitted = (try? SmallDisk(byteCount: 1 << 20)) != nil
  static let refusal = "mounting a tmpfs is not permitted here (root may)"

  /// - Parameter inodeCount: how many files and directories there may be, 0 for any number.
  init(byteCount: Int, inodeCount: Int = 0) throws {
    path = directory.path
    let options = "size=\(byteCount)" + (inodeCount > 0 ? ",nr_inodes=\(inodeCount)" : "")
    guard mount("tmpfs", path, "tmpfs", 0, options) == 0 else {
      throw TestFailure(message: "mount: \(errno)")
    }
  }

  deinit {
    umount2(path, Int32(MNT_DETACH))
  }

  private var filling: String { path + "/filling" }

  /// Leaves `byteCount` bytes free.
  func fill(leaving byteCount: Int) {
    var status = statvfs()
    statvfs(path, &status)
    let free = Int(status.f_bavail) * Int(status.f_bsize) - byteCount
    guard free > 0 else { return }
    let file = open(filling, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer { close(file) }
    let zeros = [UInt8](repeating: 0, count: 4096)
    for _ in 0..<free / 4096 where write(file, zeros, zeros.count) <= 0 { return }
  }

  /// Gives the room back that `fill` took.
  func empty() {
    unlink(filling)
  }
}
