import Base

@testable import TxnWAL

/// One participant's part of a transaction in a test.
struct Part: Equatable, Sendable {
  var participant: Int
  var bytes: [UInt8]

  init(_ participant: Int, _ bytes: [UInt8]) {
    self.participant = participant
    self.bytes = bytes
  }

  init(_ participant: Int, _ text: String) {
    self.init(participant, Array(text.utf8))
  }
}

/// A log on a device in memory, open, with fake participants.
final class TestLog: Sendable {
  static let storeID = makeStoreID(17)

  static func makeStoreID(_ factor: UInt8) -> StoreID {
    let bytes = (0..<16).map { UInt8($0) &* factor }
    return StoreID(bytes.rawSpan)
  }

  /// The least segments there can be: a page of header and a page of records. Only tests have them.
  static let tinySegmentByteCount = 8192

  let device: MemoryDevice
  let participants: [FakeParticipant]
  let coordinator: Coordinator

  /// Opens the log on `device`, and makes it where there is none.
  static func open(
    on device: MemoryDevice = MemoryDevice(), storages: [FakeStorage]? = nil,
    segmentByteCount: Int = tinySegmentByteCount, durability: Durability = .sync,
    storeID: StoreID = TestLog.storeID, retention: RetentionOptions = .tiny
  ) throws -> TestLog {
    let participants = (storages ?? Self.storages()).map { FakeParticipant($0) }
    let exists = try LogOpening.exists(on: device)
    if !exists {
      try LogOpening.create(on: device, storeID: storeID, segmentByteCount: segmentByteCount)
    }
    var options = CoordinatorOptions()
    options.createsIfMissing = true
    options.durability = durability
    options.retention = retention
    let coordinator = try Coordinator.open(
      on: device, storeID: storeID, participants: participants, options: options)
    return TestLog(device, participants, coordinator)
  }

  private init(
    _ device: MemoryDevice, _ participants: [FakeParticipant], _ coordinator: Coordinator
  ) {
    self.device = device
    self.participants = participants
    self.coordinator = coordinator
  }

  static func storages(_ count: Int = 3) -> [FakeStorage] {
    (0..<count).map { _ in FakeStorage() }
  }

  var report: RecoveryReport { coordinator.recoveryReport }
  var watermarks: Watermarks { coordinator.watermarks }
  var storages: [FakeStorage] { participants.map(\.storage) }

  /// Orders a transaction, as soon as there is room for it; it is in the buffer, no more.
  @discardableResult
  func append(_ parts: [Part]) throws -> CommitPosition { try coordinator.order(parts) }

  /// Nil, and nothing is appended, where the segments that there are have no room for it.
  func appendIfItFits(_ parts: [Part]) throws(Refusal) -> CommitPosition? {
    try coordinator.orderIfItFits(parts)
  }

  /// Orders a transaction and waits until it is acknowledged.
  @discardableResult
  func commit(_ parts: [Part]) throws -> CommitPosition {
    let position = try append(parts)
    try coordinator.waitUntilAcknowledged(position.end)
    return position
  }

  @discardableResult
  func commit(_ parts: Part...) throws -> CommitPosition {
    try commit(parts)
  }

  /// Lets every participant move what is durable to its own disk.
  func apply() {
    for participant in participants { participant.apply(upTo: watermarks.durable) }
  }

  /// What all participants hold, by sequence.
  var entries: [UInt64: [Part]] {
    var all: [UInt64: [Part]] = [:]
    for (index, participant) in participants.enumerated() {
      for (sequence, bytes) in participant.entries {
        all[sequence, default: []].append(Part(index, bytes))
      }
    }
    return all
  }

  /// What the participants' own disks hold now, as others would find it after a crash.
  func storageImages() -> [FakeStorage] {
    storages.copies
  }

  /// Ends the threads after a crash: nothing reaches the device any more.
  func abandon() {
    device.cutPower()
    try? coordinator.close()
  }

  /// The power is cut here; the log that is found afterwards.
  func crash(
    _ crash: Crash, seed: UInt64 = 0, durability: Durability = .sync,
    retention: RetentionOptions = .tiny
  ) throws -> TestLog {
    device.cutPower()
    let image = device.image(crash, seed: seed)
    let storages = storageImages()
    abandon()
    return try .open(
      on: image, storages: storages, durability: durability, retention: retention)
  }

  /// Closes the log and opens it again.
  func reopen() throws -> TestLog {
    try coordinator.close()
    return try .open(on: device, storages: storageImages())
  }
}

/// Runs `body` with a log that is closed afterwards, whatever happens.
func withLog<R>(
  _ log: TestLog, _ body: (TestLog) throws -> R
) rethrows -> R {
  defer { log.abandon() }
  return try body(log)
}

extension Coordinator {
  /// Orders a transaction as soon as there is room for it; throws where there will be none.
  func order(_ parts: [Part]) throws -> CommitPosition {
    let pause = Monitor()
    while true {
      if let position = try orderIfItFits(parts) { return position }
      let byteCount = parts.reduce(200) { $0 + $1.bytes.count + 8 }
      while try !hasRoom(for: byteCount, appended: appended) {
        pause.withLock { pause.wait(milliseconds: 1) }
      }
    }
  }

  func orderIfItFits(_ parts: [Part]) throws(Refusal) -> CommitPosition? {
    try sequence { sequencer throws(Refusal) in
      sequencer.begin()
      for part in parts {
        sequencer.beginSection(for: part.participant)
        sequencer.append(part.bytes.rawSpan)
      }
      return sequencer.fits() ? try sequencer.commit() : nil
    }
  }
}
