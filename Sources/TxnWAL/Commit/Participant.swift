import Base

/// One party to a transaction: it votes, accepts mutations, and reports how far it has made them durable.
///
/// The coordinator does not interpret mutations. All calls except `appliedLSN` come from the thread that is the
/// sequencer, one at a time; during recovery each participant is called from a thread of its own.
public protocol Participant: AnyObject, Sendable {
  /// Phase one: checks whether `mutations` can be carried out after everything ordered before them, and promises
  /// it. A transaction may have several sections for one participant, each passed in a call of its own.
  func prepare(_ mutations: RawSpan, of transaction: TransactionID) -> Vote

  /// Phase two: accepts the mutations, invisible until their sequence is published. Cannot fail: `prepare` must
  /// find whatever might.
  func commit(_ mutations: RawSpan, at position: CommitPosition)

  /// Phase two, after some participant voted no: drops what `prepare` promised.
  func abort(_ transaction: TransactionID)

  /// Recovery: accepts mutations of a committed transaction that lie after `appliedLSN`. Throws if the bytes,
  /// despite a valid checksum, are not valid mutations.
  func replay(_ mutations: RawSpan, at position: CommitPosition) throws(Finding)

  /// The LSN before which this participant does not need the log. `durable` is how far the log is durable; a
  /// participant with nothing left to apply returns it.
  func appliedLSN(durable: LSN) -> LSN

  /// The LSN up to which this participant's own storage was complete when it was opened.
  var appliedLSNAtOpen: LSN { get }
}

/// A committed transaction's place in the total order.
public struct CommitPosition: Sendable, Equatable, BitwiseCopyable {
  /// The commit sequence number: the order in which batches become visible, dense from 1.
  public var sequence: UInt64
  /// The LSN just after the record that decided the transaction.
  public var end: LSN

  /// The position with this sequence whose deciding record ends at `end`.
  public init(sequence: UInt64, end: LSN) {
    self.sequence = sequence
    self.end = end
  }
}

/// A participant's answer to `prepare`.
public enum Vote: Sendable, Equatable {
  /// The mutations will be accepted if the coordinator decides to commit.
  case yes
  /// The transaction must not commit.
  case no(Refusal)
}

/// Why a participant voted no. The numbers are defined by the participant and stored in the abort marker.
public struct Refusal: Error, Sendable, Equatable {
  /// The kind of reason.
  public var code: UInt32
  /// Details, such as which precondition failed.
  public var detail: UInt64

  /// The reason `code` with `detail`.
  public init(code: UInt32, detail: UInt64) {
    self.code = code
    self.detail = detail
  }
}
