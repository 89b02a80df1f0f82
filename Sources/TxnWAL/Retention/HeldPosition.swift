import Base
import Synchronization

/// One hold: the position from which it keeps the log, and whether it still does. Shared by the table of holds and the
/// handles of its owner.
final class HeldPosition: Sendable {
  /// 1 to 64 bytes of `0-9A-Za-z._-`.
  let name: String
  /// Whether the hold ends with its handle. Such a hold is not written to the file.
  let isTemporary: Bool
  let policy: HoldPolicy
  /// When the hold was made, in milliseconds since 1970.
  let creationMilliseconds: UInt64

  private let lsn: Atomic<UInt64>
  /// 0 while the hold is in force, else why not: the number of a `HoldLoss`, or `released`.
  private let ending: Atomic<UInt8>
  private static let released: UInt8 = 255

  init(
    name: String, isTemporary: Bool, policy: HoldPolicy, position: LSN,
    creationMilliseconds: UInt64, loss: HoldLoss? = nil
  ) {
    self.name = name
    self.isTemporary = isTemporary
    self.policy = policy
    self.creationMilliseconds = creationMilliseconds
    lsn = Atomic(position.rawValue)
    ending = Atomic(loss?.rawValue ?? 0)
  }

  /// The log is kept from here on. Never decreases.
  var position: LSN { LSN(rawValue: lsn.load(ordering: .acquiring)) }

  /// Whether the hold is neither lost nor released.
  var isInForce: Bool { ending.load(ordering: .acquiring) == 0 }

  var loss: HoldLoss? { HoldLoss(rawValue: ending.load(ordering: .acquiring)) }

  /// Moves the position forward; a position that is not later changes nothing. Returns the position before.
  func advance(to position: LSN) -> LSN {
    LSN(rawValue: lsn.max(position.rawValue, ordering: .acquiringAndReleasing).oldValue)
  }

  /// The first reason is kept.
  func lose(because loss: HoldLoss) { end(loss.rawValue) }

  func release() { end(Self.released) }

  private func end(_ reason: UInt8) {
    _ = ending.compareExchange(
      expected: 0, desired: reason, ordering: .acquiringAndReleasing)
  }

  /// Throws if the hold no longer keeps the log.
  func check() throws(LogError) {
    let ending = ending.load(ordering: .acquiring)
    if ending == 0 { return }
    if let loss = HoldLoss(rawValue: ending) { throw .holdLost(name: name, because: loss) }
    throw .invalidHold(name: name, because: "it was released")
  }
}

/// The rule for the names of holds.
enum HoldName {
  static let byteLimit = 64

  /// Whether `name` has 1 to 64 bytes, each a digit, an ASCII letter, `.`, `_` or `-`.
  static func isValid(_ name: some Sequence<UInt8>) -> Bool {
    var count = 0
    for byte in name {
      count += 1
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "-"):
        continue
      default: return false
      }
    }
    return (1...byteLimit).contains(count)
  }

  static func check(_ name: String) throws(LogError) {
    guard isValid(name.utf8) else {
      throw .invalidHold(
        name: Finding.printable(Array(name.utf8.prefix(byteLimit))),
        because: "a name has 1 to \(byteLimit) of the characters 0-9 A-Z a-z . _ -")
    }
  }
}
