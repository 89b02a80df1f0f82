import CLinux

/// One table of the hash index, in the arena.
///
///     mask: slot count - 1     UInt
///     unused                   up to a cache line
///     slots                    UInt each, atomic, a power of two of them
///
/// A slot is 0 while empty; then the upper 16 bits of the hash over the 48 of a node's address. A place in
/// the table is taken modulo the slot count.
@safe struct IndexTable: BitwiseCopyable {
  private static let headerByteCount = 64

  private let address: UnsafeMutableRawPointer

  /// A filled slot.
  struct Slot {
    fileprivate let word: UInt

    /// False only if the slot's key has another hash than `hash`.
    @inline(__always)
    func mayHold(_ hash: UInt64) -> Bool { (UInt64(word) ^ hash) >> 48 == 0 }

    @inline(__always)
    var node: KeyNode { KeyNode(at: word & (1 << 48 - 1)) }
  }

  init(slotCount: Int, in arena: inout Arena) {
    unsafe address = arena.allocate(byteCount: Self.headerByteCount + slotCount * 8)
    unsafe address.storeBytes(of: UInt(slotCount) - 1, as: UInt.self)
  }

  /// The table at an address that `word` gave.
  @inline(__always)
  init(at word: UInt) {
    unsafe address = UnsafeMutableRawPointer(bitPattern: word).unsafelyUnwrapped
  }

  var word: UInt { unsafe UInt(bitPattern: address) }

  private var mask: UInt { @inline(__always) get { unsafe address.load(as: UInt.self) } }

  var slotCount: Int { @inline(__always) get { Int(mask &+ 1) } }

  @inline(__always)
  private func atomicSlot(at place: UInt64) -> AtomicWord {
    let slot = Int(bitPattern: UInt(truncatingIfNeeded: place) & mask)
    return unsafe AtomicWord(at: address + Self.headerByteCount + slot &* 8)
  }

  /// The slot at `place`; nil while it is empty.
  @inline(__always)
  func slot(at place: UInt64) -> Slot? {
    let word = atomicSlot(at: place).load()
    return word == 0 ? nil : Slot(word: word)
  }

  /// Asks for the slot at `place`, without waiting for it.
  @inline(__always)
  func fetchSlot(at place: UInt64) {
    let slot = Int(bitPattern: UInt(truncatingIfNeeded: place) & mask)
    unsafe kvd_prefetch(address + Self.headerByteCount + slot &* 8)
  }

  /// Asks for the first node that may be that of a key with this hash. False if there is none.
  @inline(__always)
  func fetchNode(of hash: UInt64) -> Bool {
    var place = hash
    while let slot = slot(at: place) {
      if slot.mayHold(hash) {
        slot.node.fetch()
        return true
      }
      place &+= 1
    }
    return false
  }

  /// Publishes `node` in the first empty slot from its place on: whoever finds the address there also sees
  /// the node that was written before.
  @inline(__always)
  func fillEmptySlot(with node: KeyNode, hash: UInt64) {
    var place = hash
    while slot(at: place) != nil { place &+= 1 }
    atomicSlot(at: place).publish(UInt(hash >> 48) << 48 | node.word)
  }
}
