import Base

/// The one place where transactions get their order.
///
/// A role, not a thread: whoever has transactions takes it through `Coordinator.sequence` for as long
/// as it takes to write them into the log's buffer and hand them to the participants' memory. It never
/// waits for a disk.
///
/// A transaction is written straight into the log's buffer, section by section, between `begin` and
/// `commit` or `cancel`. It is committed only where `fits` says that segments are prepared for it: what
/// stands in the buffer can always be written, so nothing that writes the log ever waits for disk space.
///
/// There is one, and it cannot leave the lock: it is not copyable, nobody else makes one, and it is lent
/// `inout`. A caller may move it into a value of its own for as long as its turn lasts, which costs a copy of its
/// fields and no counted reference; the compiler sees to it that it comes back on every path.
public struct Sequencer: ~Copyable {
  /// The most that the mutations of one transaction may take in the log.
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

  // The transaction that is being written.
  private var isOpen = false
  private var recordOffset = 0
  private var isSectionOpen = false
  private var sections = ScratchList<Section>()
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

  /// The position behind everything appended so far.
  public var appended: LSN { buffer.end }

  /// The place of the newest committed transaction.
  public var lastPosition: CommitPosition {
    CommitPosition(sequence: lastSequence, end: buffer.end)
  }

  /// The sequence that the transaction being written gets if it commits.
  public var nextSequence: UInt64 { lastSequence + 1 }

  /// Whether all that was sequenced is on its way to the disk, or there.
  public var isWritten: Bool { buffer.byteCount == 0 }

  /// Called, as the sequencer, when what was written into the log's buffer goes on its way to the disk.
  public var onGroupTaken: () -> Void = {}

  /// Begins a transaction.
  public mutating func begin() {
    precondition(!isOpen, "a transaction inside a transaction")
    isOpen = true
    recordOffset = buffer.byteCount
    buffer.appendHole(RecordHeader.byteCount)
    buffer.append(0 as UInt64)
    sections.removeAll()
    isSectionOpen = false
    isDistributed = false
  }

  /// How many bytes of the transaction are written.
  public var payloadByteCount: Int { buffer.byteCount - recordOffset - RecordHeader.byteCount }

  /// What committing the transaction that is being written appends at most: its record, and another one for
  /// the decision where several participants have a part in it.
  public var appendedByteCount: Int {
    RecordHeader.recordByteCount(payload: payloadByteCount)
      &+ (isDistributed ? Self.markerByteCount : 0)
  }

  /// A marker's record: eight bytes with a commit, sixteen with an abort.
  private static let markerByteCount = RecordHeader.recordByteCount(payload: 16)

  /// Whether the segments that are prepared have room for the transaction being written, and `reserve` bytes
  /// after it.
  @inline(__always)
  public func fits(keeping reserve: Int = 0) -> Bool {
    buffer.start.advanced(by: recordOffset &+ appendedByteCount &+ reserve) <= segments.end
  }

  /// Whether the transaction has no section yet.
  public var isEmpty: Bool { sections.isEmpty }

  /// How many sections it has.
  public var sectionCount: Int { sections.count }

  /// Where the mutations of a section stand in the transaction, so far. Counts from its first byte.
  public func sectionRange(_ index: Int) -> Range<Int> {
    let range = sections[index].range
    return isSectionOpen && index == sections.count - 1
      ? range.lowerBound..<payloadByteCount : range
  }

  /// What follows is for `participant`. Adjoining sections of one participant are joined.
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

  /// Adds bytes to the open section. O(n).
  public mutating func append(_ bytes: RawSpan) {
    buffer.append(bytes)
  }

  /// Adds an integer to the open section, little-endian.
  public mutating func append<Integer: FixedWidthInteger & BitwiseCopyable>(_ value: Integer) {
    buffer.append(value)
  }

  /// Adds `byteCount` bytes to the open section, which `fill` writes.
  @inline(__always)
  public mutating func append(byteCount: Int, _ fill: (inout MutableRawSpan) -> Void) {
    buffer.append(byteCount: byteCount, fill)
  }

  /// Lends bytes of the transaction that is being written; `range` counts from its first byte.
  public func withPayload<R, E: Error>(
    in range: Range<Int>, _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    let base = recordOffset + RecordHeader.byteCount
    return try buffer.withBytes(in: base + range.lowerBound..<base + range.upperBound, body)
  }

  /// Forgets the transaction that is being written.
  public mutating func cancel() {
    precondition(isOpen, "no transaction to cancel")
    endTransaction()
  }

  /// Forgets the transaction that is being written, if there is one: half a record in the buffer would
  /// end the log for whoever reads it.
  mutating func endTransaction() {
    guard isOpen else { return }
    isOpen = false
    buffer.truncate(to: recordOffset)
  }

  /// Ends the transaction: every participant votes, and a record of what was decided follows.
  ///
  /// A transaction that does not fit (`fits`) must be cancelled instead.
  public mutating func commit() throws(Refusal) -> CommitPosition {
    closeSection()
    precondition(isOpen && !sections.isEmpty, "a transaction without mutations")
    precondition(
      payloadByteCount <= RecordHeader.maximumPayloadByteCount, "a record nobody could read")
    precondition(fits(), "a transaction that no segment is prepared for")
    transactionCounter += 1
    let transaction = TransactionID(epoch: epoch, counter: transactionCounter)
    return isDistributed ? try commitDistributed(transaction) : try commitWhole(transaction)
  }

  /// With one participant the intent and the decision are one record, and a no leaves no trace.
  private mutating func commitWhole(_ transaction: TransactionID) throws(Refusal) -> CommitPosition
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
    // The intent keeps its place in the buffer; the sections are read back from there.
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
    // With synchronous durability the buffer is written only after all before it is durable.
    let synced = syncsEveryGroup ? buffer.start : watermarks.durable
    let header = RecordHeader(
      payloadByteCount: payloadByteCount, lsn: lsn,
      syncedDistance: UInt32(clamping: lsn.distance(from: synced)), transaction: transaction,
      kind: kind)
    buffer.seal(header, at: recordOffset, seed: seed)
    watermarks.moveAppended(to: buffer.end)
  }
}
