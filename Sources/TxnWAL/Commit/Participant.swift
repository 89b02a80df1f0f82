import Base

/// One party to a transaction: it votes, it takes the mutations in, it says how far they are safe.
///
/// The coordinator knows nothing of what mutations mean. All calls but `appliedLSN` come from the
/// thread that is the sequencer, one at a time; in recovery each participant has one thread of its own.
public protocol Participant: AnyObject, Sendable {
  /// Phase one: look whether `mutations` can be carried out after everything ordered before them, and
  /// promise it. A transaction may bring several sections to one participant, each with its own call.
  func prepare(_ mutations: RawSpan, of transaction: TransactionID) -> Vote

  /// Phase two: take the mutations in, invisible until the sequence is published. Cannot fail: what
  /// might fail is found in `prepare`.
  func commit(_ mutations: RawSpan, at position: CommitPosition)

  /// Phase two, where some participant voted no: forget what `prepare` promised.
  func abort(_ transaction: TransactionID)

  /// Recovery: take in mutations of a committed transaction that lie behind `appliedLSN`. Throws where
  /// the bytes, though their checksum is right, cannot be mutations.
  func replay(_ mutations: RawSpan, at position: CommitPosition) throws(Finding)

  /// The position up to which the log is not needed for this participant. `durable` is the position
  /// up to which the log is; a participant that owes nothing answers with it.
  func appliedLSN(durable: LSN) -> LSN

  /// The position up to which this participant's own storage held everything when it was opened.
  var appliedLSNAtOpen: LSN { get }
}

/// The place of a committed transaction in the order of all.
public struct CommitPosition: Sendable, Equatable, BitwiseCopyable {
  /// The order in which batches become visible, dense from 1.
  public var sequence: UInt64
  /// The position right behind the record that decided the transaction.
  public var end: LSN

  /// The place with this sequence whose deciding record ends at `end`.
  public init(sequence: UInt64, end: LSN) {
    self.sequence = sequence
    self.end = end
  }
}

/// A participant's answer to `prepare`.
public enum Vote: Sendable, Equatable {
  /// The mutations will be taken in if the coordinator says so.
  case yes
  /// They must not be.
  case no(Refusal)
}

/// Why a participant voted no. The numbers are the participant's own; they stand in the abort marker.
public struct Refusal: Error, Sendable, Equatable {
  /// What kind of reason.
  public var code: UInt32
  /// More about it, such as which precondition failed.
  public var detail: UInt64

  /// The reason `code` with `detail`.
  public init(code: UInt32, detail: UInt64) {
    self.code = code
    self.detail = detail
  }
}
