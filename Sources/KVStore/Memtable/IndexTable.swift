import CLinux

/// One table of the hash index, in the arena.
///
///     mask: slot count - 1     UInt
///     unused                   up to a cache line
///     slots                    UInt each, atomic; their number is a power of two
///
/// An empty slot is 0. A filled one has the upper 16 bits of the hash above the 48 bits of a node's address.
/// A place is a slot number, taken modulo the slot count.
@safe struct IndexTable: BitwiseCopyable {
  private static let headerByteCount = 64

  private let address: UnsafeMutableRawPointer

  /// A filled slot.
  struct Slot {
    fileprivate let word: UInt

    /// False only if the hash of the slot's key differs from `hash`.
    @inline(__always)
    func mayHold(_ hash: UInt64) -> Bool { (UInt64(word) ^ hash) >> 48 == 0 }

    @inline(__always)
    var node: KeyNode { KeyNode(at: word & (1 << 48 - 1)) }
  }

  init(slotCount: Int, in arena: inout Arena) {
    unsafe address = arena.allocate(byteCount: Self.headerByteCount + slotCount * 8)
    unsafe address.storeBytes(of: UInt(slotCount) - 1, as: UInt.self)
  }

  /// The table at an address returned by `word`.
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

  /// The slot at `place`, or nil while it is empty.
  @inline(__always)
  func slot(at place: UInt64) -> Slot? {
    let word = atomicSlot(at: place).load()
    return word == 0 ? nil : Slot(word: word)
  }

  /// Prefetches the slot at `place`.
  @inline(__always)
  func fetchSlot(at place: UInt64) {
    let slot = Int(bitPattern: UInt(truncatingIfNeeded: place) & mask)
    unsafe kvd_prefetch(address + Self.headerByteCount + slot &* 8)
  }

  /// Prefetches the first node that may have a key with this hash. Returns false if there is none.
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

  /// Publishes `node` in the first empty slot at or after its place. A reader that finds the address there
  /// also sees the contents of the node.
  @inline(__always)
  func fillEmptySlot(with node: KeyNode, hash: UInt64) {
    var place = hash
    while slot(at: place) != nil { place &+= 1 }
    atomicSlot(at: place).publish(UInt(hash >> 48) << 48 | node.word)
  }
}
