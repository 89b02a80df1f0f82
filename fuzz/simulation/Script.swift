import Base
import FaultDevices
import Glibc
import KVStore
import TxnWAL

/// Everything that a seed decides beforehand: how the store is made, what clients do, where it crashes.
/// (What threads do when is decided by the scheduler, from the same seed.)
struct Script {
  let seed: UInt64
  var partitionCount: Int
  var segmentByteCount: Int
  var logByteLimit: Int
  var memtableByteCount: Int
  var applyEntryLimit: Int
  var purgeKeyLimit: Int
  var clientCount: Int
  var durability = Durability.sync
  /// How many segments a hold on the log may keep; nil for as many as it needs.
  var heldSegmentLimit: Int?
  /// Whether what crashes leave is checked before it is opened.
  var checksImages = false
  var rounds: [Round]

  struct Round {
    /// What goes wrong while the store is opened, one attempt after the other; the next one succeeds.
    var openings: [Opening]
    var operations: [Operation]
    /// Where the round ends in the middle; nil where it ends when the clients have done all.
    var crash: (point: CrashPoint, count: Int)?
    var ending: Ending
  }

  enum Opening {
    case crash(CrashPoint, count: Int, Ending)
    case fault(MemoryDevice.Fault)
    case dataFault(DataFiles.Fault)
  }

  /// What is left of the log when a round is over.
  enum Ending {
    case close
    case kill
    case power(Crash)
  }

  struct Operation {
    var id: Int
    var client: Int
    var action: Action
  }

  enum Action {
    case write([Write], conditions: [Condition], wait: Wait)
    case increment(Address, wait: Wait)
    /// Appends to a value until it has so many bytes, and says that it writes a few: as commands do whose
    /// requests are small and whose values are large.
    case grow(Address, count: Int, wait: Wait)
    case get([Address])
    case scan(KeyRange, reverse: Bool, limit: Int)
    case count
    case hold(KeyRange)
    case seal, checkpoint, pause, removeOrphans
    /// Holds on the log, by number: one is made, moved to where its cursor is, or released.
    case holdLog(Int, fromOldest: Bool)
    case advanceHold(Int)
    case releaseHold(Int)
    /// Reads on with the cursor of that hold, or with one that holds nothing.
    case followLog(hold: Int?)
    case jumpClock(milliseconds: Int)
    case fault(MemoryDevice.Fault)
    case dataFault(DataFiles.Fault)
    /// How much more fits, of the log and of the partitions' files.
    case fillDisk(left: Int, ofData: Int)
  }

  enum Write {
    case put(Address, count: Int, fill: UInt8)
    /// With a type, and an expiry that has passed long since or never comes.
    case putEntry([UInt8], count: Int, fill: UInt8, type: UInt8, expiry: UInt64)
    case delete(Address)
    case deleteRange(KeyRange, in: Keyspace = .keys)
    /// An entry that owns others, and one that it owns.
    case putOwner([UInt8], id: [UInt8])
    /// Moves it, if there is one.
    case moveOwner([UInt8], to: [UInt8])
  }

  enum Condition {
    case absent([UInt8])
    case present([UInt8])
    /// On the sequence that the key has at that moment, or on one that it has not.
    case sequence([UInt8], isRight: Bool)
  }

  /// What a client does about the durability of its batch: waits, asks for it, does it itself, waits
  /// some batches later, or nothing.
  enum Wait: CaseIterable { case durable, request, sync, later, none }

  init(seed: UInt64, skipping: Set<Int> = []) {
    var maker = ScriptMaker(seed: seed)
    self = maker.make()
    for index in rounds.indices {
      rounds[index].operations.removeAll { skipping.contains($0.id) }
    }
  }

  init(
    seed: UInt64, partitionCount: Int, segmentByteCount: Int, logByteLimit: Int,
    memtableByteCount: Int, applyEntryLimit: Int, purgeKeyLimit: Int, clientCount: Int,
    durability: Durability, checksImages: Bool, rounds: [Round]
  ) {
    self.seed = seed
    self.partitionCount = partitionCount
    self.segmentByteCount = segmentByteCount
    self.logByteLimit = logByteLimit
    self.memtableByteCount = memtableByteCount
    self.applyEntryLimit = applyEntryLimit
    self.purgeKeyLimit = purgeKeyLimit
    self.clientCount = clientCount
    self.durability = durability
    self.checksImages = checksImages
    self.rounds = rounds
  }
}
