import Base
import FaultDevices
import Foundation
import KVStore

/// One run: a store, what is under it, what it should hold, and how it came to an end so far.
///
/// Sound as `@unchecked Sendable`: one thread runs at a time.
final class World: @unchecked Sendable {
  /// What a crash leaves behind, taken at the instant of the crash.
  struct Image {
    var device: MemoryDevice
    var path: String
    /// The newest batch that was acknowledged, and the newest that was ordered.
    var acknowledged: SequenceNumber
    var ordered: SequenceNumber
  }

  let script: Script
  let scheduler: Scheduler
  private let folder: String
  private(set) var device = MemoryDevice()
  private(set) var path: String
  private var copyCount = 0
  private var random: SeededGenerator

  var store: Store?
  var history = History()
  let holds = HoldModel()
  /// The owners that went, in some batch that there was, without what they owned.
  var abandoned: Set<[UInt8]> = []
  /// Promised before: what a reader has seen, or what was acknowledged, in this round or before.
  var promised: SequenceNumber = 0
  /// The greatest sequence that anybody has ever seen, also of batches that are lost since.
  private(set) var seen: SequenceNumber = 0
  /// The part of it that not even a power cut may take: less than all with periodic durability.
  private var promisedSynced: SequenceNumber = 0

  private var countdown: (point: CrashPoint, left: Int)?
  private var ending = Script.Ending.kill
  private(set) var image: Image?
  /// Whether a fault of the device has been armed in this round.
  var isFaulty = false
  var isFull = false
  private(set) var crashCount = 0
  /// The crash points where it did end.
  private(set) var crashPoints: [CrashPoint] = []

  init(_ script: Script, scheduler: Scheduler, folder: String) {
    self.script = script
    self.scheduler = scheduler
    self.folder = folder
    path = "\(folder)/0"
    random = SeededGenerator(script.seed ^ 0xC0FFEE)
  }

  var hasCrashed: Bool { image != nil }

  // MARK: Crashing

  func arm(_ point: CrashPoint, _ count: Int, _ ending: Script.Ending) {
    countdown = (point, count)
    self.ending = ending
  }

  func disarm() { countdown = nil }

  /// Called by whichever thread comes to a crash point.
  func reached(_ point: CrashPoint) {
    if let armed = countdown, armed.point == point, image == nil {
      countdown = (point, armed.left - 1)
      if armed.left == 1 {
        crashPoints.append(point)
        crash(ending)
      }
    }
    if point.isInsideLock { return }
    switch point {
    // What others do between two steps of a read takes them many turns: to be published, sealed, applied, purged.
    // So does what they do while a file has what a memtable, or the index of range deletes, still has.
    case .lookupBetweenSteps, .lookupBeforeFile, .cutBetweenPartitions, .applyBeforeDrop,
      .purgeAfterCommit:
      scheduler.stall()
    default: scheduler.yield()
    }
  }

  /// Takes the image of this instant. Nothing that happens afterwards counts.
  func crash(_ ending: Script.Ending) {
    guard image == nil else { return }
    crashCount += 1
    notePromises()
    copyCount += 1
    let copy = "\(folder)/\(copyCount)"
    copyFiles(to: copy)
    let left: MemoryDevice
    switch ending {
    case .power(let crash):
      left = device.image(crash, seed: random.next())
      DataFiles.settle(path, copy: copy, crash)
      promised = promisedSynced
    case .kill, .close:
      left = device.afterKill()
      DataFiles.settle(path, copy: copy, nil)
    }
    image = Image(device: left, path: copy, acknowledged: promised, ordered: history.last)
    device.cutPower()
  }

  /// What has been acknowledged or shown to readers by now must survive from here on.
  func notePromises() {
    guard let store, image == nil else { return }
    promised = max(
      promised, history.newestSequence(upTo: store.publishedSequence),
      history.sequence(before: store.durablePosition))
    seen = max(seen, store.publishedSequence)
    promisedSynced =
      script.durability == .sync
      ? promised : max(promisedSynced, history.sequence(before: store.syncedPosition))
    checkLossWindow(store)
  }

  /// With periodic durability, what was acknowledged must not stay unsynced for longer than is promised while
  /// nobody is at it: the thread that is there for it sleeps, and will for a while yet.
  private func checkLossWindow(_ store: Store) {
    guard script.durability == .periodic, store.poisoned == nil, !hasClockGoneBack else {
      oldestUnsynced = nil
      return
    }
    let acknowledged = store.durablePosition
    if let oldest = oldestUnsynced, store.syncedPosition < oldest.position {
      let age = scheduler.milliseconds(withJumps: false) - oldest.since
      if age > Self.lossWindowMilliseconds, scheduler.sleepsOnClock("kvd-log") {
        Verdict.fail(
          "what was acknowledged \(age) ms ago is not synced, and nobody is about to sync it")
      }
      return
    }
    // What was acknowledged since may be newer than it seems here, never older.
    oldestUnsynced =
      acknowledged > store.syncedPosition
      ? (acknowledged, scheduler.milliseconds(withJumps: false)) : nil
  }

  private static let lossWindowMilliseconds: Int64 = 1000
  /// A position that was acknowledged and not synced, and since when that is known.
  private var oldestUnsynced: (position: UInt64, since: Int64)?
  /// Whether the clock that intervals are measured with was put back in this round: it says nothing of them then.
  var hasClockGoneBack = false

  /// All that was ordered is there and synced.
  func settleAll() {
    settle(at: history.newestSequence(upTo: .max), goingOnAfter: history.last)
  }

  /// What was ordered up to `sequence`, and nothing else, is there and synced; new batches come after `next`.
  func settle(at sequence: SequenceNumber, goingOnAfter next: SequenceNumber) {
    history.cut(behind: sequence, goingOnAfter: next)
    oldestUnsynced = nil
    hasClockGoneBack = false
    promised = sequence
    promisedSynced = sequence
  }

  private func copyFiles(to copy: String) {
    let manager = FileManager.default
    guard manager.fileExists(atPath: path) else { return }
    do {
      try manager.copyItem(atPath: path, toPath: copy)
    } catch {
      Verdict.fail("the harness could not copy \(path): \(error)")
    }
  }

  /// Goes on with what the crash left. The store is closed by now.
  func takeImage() -> Image? {
    guard let taken = image else { return nil }
    image = nil
    try? FileManager.default.removeItem(atPath: path)
    DataFiles.forget(path)
    path = taken.path
    device = taken.device
    device.limitRoom(to: nil)
    DataFiles.endFaults()
    isFaulty = false
    isFull = false
    return taken
  }

  // MARK: Opening

  private var options: StoreOptions {
    var options = StoreOptions()
    options.partitionCount = script.partitionCount
    options.durability = script.durability
    options.segmentByteCount = script.segmentByteCount
    options.leastSegmentByteCount = 8192
    options.logByteLimit = script.logByteLimit
    options.forcedMemtableByteCount = script.memtableByteCount
    options.purgeKeyLimit = script.purgeKeyLimit
    options.applyEntryLimit = script.applyEntryLimit
    if let count = script.heldSegmentLimit {
      options.retention.byteLimit = count * script.segmentByteCount
    }
    let scheduler = scheduler
    options.clock = ClockSource(
      wallNanoseconds: {
        (1_700_000_000_000 + scheduler.milliseconds(withJumps: true)) * 1_000_000
      },
      monotonicNanoseconds: { scheduler.milliseconds(withJumps: false) * 1_000_000 })
    options.makeLogDevice = { _ in self.openDevice() }
    return options
  }

  private func openDevice() -> MemoryDevice {
    let manager = FileManager.default
    // A store that is begun again begins with an empty folder for its log.
    if !manager.fileExists(atPath: "\(path)/MANIFEST"), image == nil,
      (try? device.fileNames())?.isEmpty == false
    {
      let faults = device.state.withLock { $0.faults }
      device = MemoryDevice()
      for fault in faults { device.fail(fault) }
    }
    return device
  }

  func open() throws -> Store { try Store.open(at: path, options: options) }

  /// After an open that failed: as a process that ended there leaves things.
  func abandonOpening() {
    if image == nil { crash(.kill) }
  }
}
