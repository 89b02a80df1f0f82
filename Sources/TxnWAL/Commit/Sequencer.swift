import Base

/// Gives transactions their total order.
///
/// The sequencer is a role, not a thread: a thread with transactions takes it through `Coordinator.sequence` for as
/// long as it takes to write them to the log buffer and to the participants' memory. It never waits for the disk.
///
/// A transaction is written directly into the log buffer, section by section, between `begin` and `commit` or
/// `cancel`. It may commit only if `fits` confirms that segments are prepared for it. So everything in the buffer
/// can always be written, and writing the log never waits for disk space.
///
/// There is one sequencer, and it cannot escape its lock: it is noncopyable, only the coordinator creates it, and
/// it is passed `inout`. During its turn a caller may move it into a value of its own, which copies its fields and
/// touches no reference count; the compiler enforces that it is moved back on every path.
public struct Sequencer: ~Copyable {
  /// The maximum size of one transaction's mutations in the log.
  public static let maximumPayloadByteCount = RecordHeader.maximumPayloadByteCount

  private let participants: [any Participant]
  private let segments: SegmentSet
  private let seed: UInt32
  let epoch: UInt32
  private let syncsEveryGroup: Bool
  private let watermarks: Watermarks

  var buffer = LogBuffer()
  private var transactionCounter: UInt64 = 0
  /// The sequence of the newest committed transaction, published or not.
  public private(set) var lastSequence: UInt64

  // State of the transaction being written.
  private var isOpen = false
  private var recordOffset = 0
  private var isSectionOpen = false
  private var sections = ReusableArray<Section>()
  private var isDistributed = false
  private let lentInPlace = LentInPlace()

  init(
    participants: [any Participant], segments: SegmentSet, epoch: UInt32, start: LSN,
    lastSequence: UInt64, durability: Durability, watermarks: Watermarks
  ) {
    self.participants = participants
    self.segments = segments
    seed = segments.storeID.checksumSeed
    self.epoch = epoch
    self.lastSequence = lastSequence
    self.watermarks = watermarks
    syncsEveryGroup = durability == .sync
    buffer.reset(start: start)
    watermarks.moveAppended(to: start)
  }

  /// The LSN just after everything appended.
  public var appended: LSN { buffer.end }

  /// The position of the newest committed transaction.
  public var lastPosition: CommitPosition {
    CommitPosition(sequence: lastSequence, end: buffer.end)
  }

  /// The sequence that the transaction being written will get if it commits.
  public var nextSequence: UInt64 { lastSequence + 1 }

  /// Whether everything sequenced has been taken by the log writer.
  public var isWritten: Bool { buffer.byteCount == 0 }

  /// Called as the sequencer, when the log writer takes the contents of the log buffer.
  public var onGroupTaken: () -> Void = {}

  /// Begins a transaction.
  public mutating func begin() {
    precondition(!isOpen, "the previous transaction is still open")
    isOpen = true
    recordOffset = buffer.byteCount
    buffer.appendHole(RecordHeader.byteCount)
    buffer.append(0 as UInt64)
    sections.removeAll()
    isSectionOpen = false
    isDistributed = false
  }

  /// The bytes written for this transaction so far.
  public var payloadByteCount: Int { buffer.byteCount - recordOffset - RecordHeader.byteCount }

  /// The most that committing the current transaction appends: its record and, with several participants, a marker.
  public var appendedByteCount: Int {
    RecordHeader.recordByteCount(payload: payloadByteCount)
      &+ (isDistributed ? Self.markerByteCount : 0)
  }

  /// A marker's record: the payload is eight bytes for a commit, sixteen for an abort.
  private static let markerByteCount = RecordHeader.recordByteCount(payload: 16)

  /// Whether the prepared segments have room for the current transaction and `reserve` bytes after it.
  @inline(__always)
  public func fits(keeping reserve: Int = 0) -> Bool {
    buffer.start.advanced(by: recordOffset &+ appendedByteCount &+ reserve) <= segments.end
  }

  /// Whether the transaction has no sections yet.
  public var isEmpty: Bool { sections.isEmpty }

  /// The number of sections in the transaction.
  public var sectionCount: Int { sections.count }

  /// The range of a section's mutations so far, relative to the first byte of the transaction's payload.
  public func sectionRange(_ index: Int) -> Range<Int> {
    let range = sections[index].range
    return isSectionOpen && index == sections.count - 1
      ? range.lowerBound..<payloadByteCount : range
  }

  /// Begins the mutations of `participant`. Adjacent sections of one participant are merged.
  public mutating func beginSection(for participant: Int) {
    if isSectionOpen {
      if sections[sections.count &- 1].participant == participant { return }
      closeSection()
    }
    if !sections.isEmpty, sections[0].participant != participant { isDistributed = true }
    buffer.append(UInt32(participant))
    buffer.append(0 as UInt32)
    let start = payloadByteCount
    sections.append(Section(participant: participant, range: start..<start))
    isSectionOpen = true
  }

  /// Appends bytes to the open section. O(n).
  public mutating func append(_ bytes: RawSpan) {
    buffer.append(bytes)
  }

  /// Appends an integer to the open section, in little-endian order.
  public mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
    buffer.append(value)
  }

  /// Appends `byteCount` bytes that `fill` writes to the open section.
  @inline(__always)
  public mutating func append(byteCount: Int, _ fill: (inout MutableRawSpan) -> Void) {
    buffer.append(byteCount: byteCount, fill)
  }

  /// Lends bytes of the current transaction; `range` is relative to the first byte of its payload.
  public func withPayload<R, E: Error>(
    in range: Range<Int>, _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    let base = recordOffset + RecordHeader.byteCount
    return try buffer.withBytes(in: base + range.lowerBound..<base + range.upperBound, body)
  }

  /// Discards the current transaction.
  public mutating func cancel() {
    precondition(isOpen, "no transaction to cancel")
    endTransaction()
  }

  /// Discards the current transaction, if there is one: a partial record in the buffer would end the log for a
  /// reader.
  mutating func endTransaction() {
    guard isOpen else { return }
    isOpen = false
    buffer.truncate(to: recordOffset)
  }

  /// Commits the transaction: every participant votes, and the decision is appended to the log.
  ///
  /// A transaction that does not fit (`fits`) must be cancelled instead.
  public mutating func commit() throws(Refusal) -> CommitPosition {
    closeSection()
    precondition(
      isOpen && !sections.isEmpty, "commit without an open transaction or without mutations")
    precondition(
      payloadByteCount <= RecordHeader.maximumPayloadByteCount,
      "the transaction exceeds the size limit of a record")
    precondition(fits(), "the transaction does not fit into the prepared segments")
    transactionCounter += 1
    let transaction = TransactionID(epoch: epoch, counter: transactionCounter)
    return isDistributed ? try commitDistributed(transaction) : try commitSingle(transaction)
  }

  /// With one participant, intent and decision are one record, and a no vote leaves no trace.
  private mutating func commitSingle(_ transaction: TransactionID) throws(Refusal) -> CommitPosition
  {
    let section = sections[0]
    let participant = participants[section.participant]
    let vote = withPayload(in: section.range) { participant.prepare($0, of: transaction) }
    if case .no(let refusal) = vote {
      participant.abort(transaction)
      cancel()
      throw refusal
    }
    lastSequence += 1
    buffer.replace(at: recordOffset + RecordHeader.byteCount, with: lastSequence)
    isOpen = false
    seal(.batch, transaction)
    CrashPoint.reached(.batchBuffered)
    let position = lastPosition
    withPayload(in: section.range) { participant.commit($0, at: position) }
    return position
  }

  private mutating func commitDistributed(_ transaction: TransactionID) throws(Refusal)
    -> CommitPosition
  {
    // The intent stays in the buffer; its sections are read back from there.
    let intentOffset = recordOffset
    isOpen = false
    seal(.intent, transaction)
    CrashPoint.reached(.intentBuffered)
    if let no = vote(transaction) {
      beginMarker()
      buffer.append(UInt32(no.participant))
      buffer.append(no.refusal.code)
      buffer.append(no.refusal.detail)
      seal(.abort, transaction)
      CrashPoint.reached(.abortBuffered)
      throw no.refusal
    }
    lastSequence += 1
    beginMarker()
    buffer.append(lastSequence)
    seal(.commit, transaction)
    CrashPoint.reached(.markerBuffered)
    recordOffset = intentOffset
    let position = lastPosition
    for index in 0..<sections.count {
      let section = sections[index]
      withPayload(in: section.range) { participants[section.participant].commit($0, at: position) }
    }
    return position
  }

  private func vote(_ transaction: TransactionID) -> (participant: Int, refusal: Refusal)? {
    for index in 0..<sections.count {
      let section = sections[index]
      let vote = withPayload(in: section.range) { mutations in
        participants[section.participant].prepare(mutations, of: transaction)
      }
      guard case .no(let refusal) = vote else { continue }
      for asked in 0...index { participants[sections[asked].participant].abort(transaction) }
      return (section.participant, refusal)
    }
    return nil
  }

  private mutating func beginMarker() {
    recordOffset = buffer.byteCount
    buffer.appendHole(RecordHeader.byteCount)
  }

  private mutating func closeSection() {
    guard isSectionOpen else { return }
    let open = sections.count - 1
    let start = sections[open].range.lowerBound
    sections[open].range = start..<payloadByteCount
    let base = recordOffset + RecordHeader.byteCount
    buffer.replace(at: base + start - 4, with: UInt32(sections[open].range.count))
    isSectionOpen = false
  }

  private mutating func seal(_ kind: RecordKind, _ transaction: TransactionID) {
    let payloadByteCount = payloadByteCount
    buffer.pad()
    let lsn = buffer.start.advanced(by: recordOffset)
    // With synchronous durability this buffer is written only after everything before it is durable.
    let synced = syncsEveryGroup ? buffer.start : watermarks.durable
    let header = RecordHeader(
      payloadByteCount: payloadByteCount, lsn: lsn,
      syncedDistance: UInt32(clamping: lsn.distance(from: synced)), transaction: transaction,
      kind: kind)
    buffer.seal(header, at: recordOffset, seed: seed)
    watermarks.moveAppended(to: buffer.end)
  }
}
