import Base
import Glibc

/// The segments before the checkpoint's. Those that holds need are kept as they are; the others are retired: a few are
/// reused, the rest removed. Belongs to the segment keeper's thread.
///
/// Held segments are not open here: readers open them by name, and check the header.
struct OldSegments {
  /// How many retired segments are kept for reuse: about as many as a checkpoint frees at once under steady load,
  /// so that no new ones have to be filled with zeros then.
  static let retainedCount = 3

  private let device: any LogDevice
  /// Kept for holds, ascending and without gaps.
  private(set) var held: [Int]
  /// Available for reuse, ascending.
  private(set) var retired: [Int]

  init(device: any LogDevice, held: [Int], retired: [Int]) {
    self.device = device
    self.held = held
    self.retired = retired
  }

  /// Adds segments that were in use until now, in ascending order.
  mutating func add(_ segments: [Int]) { held += segments }

  /// Retires the held segments before `first`. Returns whether there were any.
  mutating func retire(before first: Int) -> Bool {
    let free = held.prefix { $0 < first }
    retired += free
    held.removeFirst(free.count)
    return !free.isEmpty
  }

  /// Removes retired segments beyond those that are kept for reuse.
  mutating func trim() throws(LogError) {
    while retired.count > Self.retainedCount {
      CrashPoint.reached(.segmentBeforeRemoval)
      try device.remove(LogGeometry.fileName(of: retired.removeFirst()))
      CrashPoint.reached(.segmentAfterRemoval)
    }
  }

  /// The newest retired segment, for reuse; nil if there is none.
  ///
  /// If its file has several names, as after `cp -al`, root may not open it (`SecureOpen`). It is removed and the
  /// next one is tried.
  mutating func openRetired() throws(LogError) -> (name: String, file: any LogFile)? {
    while let recycled = retired.last {
      let name = LogGeometry.fileName(of: recycled)
      do throws(LogError) {
        return (name, try device.open(name, creating: false))
      } catch .io(let failure) where failure.errno == EMLINK {
        try device.remove(name)
        retired.removeLast()
      } catch {
        throw error
      }
    }
    return nil
  }

  /// The newest retired segment has another name now.
  mutating func tookRetired() { retired.removeLast() }
}
