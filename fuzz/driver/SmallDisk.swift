/// A file system of its own, so small that it is easily full: room is taken by a file of ballast.
///
/// It is mounted for this process alone, so it ends with it however that ends.
final class SmallDisk {
  let folder: String
  private var ballast: String { folder + "/ballast" }
  /// Whether there is ballast.
  private var isFilled = false
  private var isEnlarged = false
  private let output: String

  static let byteCount = 40 << 20
  /// With less, what is in memory or in the log may not fit.
  private static let scarceByteCount = 8 << 20

  /// Nil where nothing may be mounted; `reason` tells why, once.
  init?(work: String, reason: (String) -> Void) {
    folder = work + "/disk"
    output = work + "/mount.log"
    System.makeDirectory(folder)
    guard System.isRoot else {
      reason("not root, so no small file system can be mounted: no rounds with a full disk")
      return nil
    }
    guard System.ownMounts(),
      System.run(["/bin/mount", "--make-rprivate", "/"], output: output) == .exited(0),
      System.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=\(Self.byteCount)", "kvd-drive", folder],
        output: output) == .exited(0)
    else {
      reason("nothing can be mounted here: no rounds with a full disk. \(System.text(of: output))")
      return nil
    }
    System.removeFile(output)
  }

  /// Whether something may not fit on it: there is ballast, or the store alone has filled it.
  var lacksRoom: Bool { isFilled || System.freeByteCount(of: folder) < Self.scarceByteCount }

  /// Takes what room there is, or all but so much.
  func fill(leaving room: Int) {
    System.fillDisk(ballast, leaving: room)
    isFilled = true
  }

  /// Removes the ballast. Where the store alone has filled the disk, enlarges that.
  func makeRoom() {
    System.removeFile(ballast)
    isFilled = false
    if !isEnlarged, lacksRoom {
      resize(to: 3 * Self.byteCount)
      isEnlarged = true
    }
  }

  /// For the next store: nothing is on it, and it is small.
  func clear() {
    System.removeFile(ballast)
    isFilled = false
    if isEnlarged { resize(to: Self.byteCount) }
    isEnlarged = false
  }

  private func resize(to byteCount: Int) {
    let options = "remount,size=\(byteCount)"
    guard
      System.run(["/bin/mount", "-o", options, folder], output: output) == .exited(0)
    else { System.fail("cannot resize \(folder): \(System.text(of: output))") }
  }

  /// Ends the mount, so that its folder can go.
  func unmount() {
    _ = System.run(["/bin/umount", folder], output: "/dev/null")
  }

  /// Puts a store that is evidence where it outlives the mount; its new place.
  func keep(_ store: String, in work: String) -> String {
    let kept = work + "/kept"
    makeRoom()
    _ = System.run(["/bin/cp", "-a", store, kept], output: "/dev/null")
    return kept
  }
}
