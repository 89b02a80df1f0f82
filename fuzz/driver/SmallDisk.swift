/// A file system of its own, so small that it is easily full: room is taken by a file of ballast.
///
/// It is mounted for this process alone, so it ends with it however that ends.
final class SmallDisk {
  let folder: String
  private var ballast: String { folder + "/ballast" }
  private(set) var isFull = false

  static let byteCount = 40 << 20

  /// Nil where nothing may be mounted; `reason` tells why, once.
  init?(work: String, reason: (String) -> Void) {
    folder = work + "/disk"
    System.makeDirectory(folder)
    guard System.isRoot else {
      reason("not root, so no small file system can be mounted: no rounds with a full disk")
      return nil
    }
    let output = work + "/mount.log"
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

  /// Takes what room there is, or all but so much.
  func fill(leaving room: Int) {
    System.fillDisk(ballast, leaving: room)
    isFull = true
  }

  func makeRoom() {
    System.removeFile(ballast)
    isFull = false
  }

  /// Puts a store that is evidence where it outlives the mount; its new place.
  func keep(_ store: String, in work: String) -> String {
    let kept = work + "/kept"
    makeRoom()
    _ = System.run(["/bin/cp", "-a", store, kept], output: "/dev/null")
    return kept
  }
}
