import Glibc
import Synchronization

/// Zeroed memory mapped from the system, page by page. It costs nothing until it is touched, and
/// unmapping it returns it at once.
enum SystemPages {
  static func roundedUp(_ byteCount: Int) -> Int {
    (byteCount + pageByteCount - 1) / pageByteCount * pageByteCount
  }

  /// Traps when the system has no memory left, as any allocation in Swift does. See mmap(2).
  static func map(byteCount: Int) -> UnsafeMutableRawPointer {
    let result = unsafe mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let address = unsafe result, unsafe address != MAP_FAILED else {
      fatalError("The system has no \(byteCount) bytes of memory left (errno \(errno)).")
    }
    // The hash index keeps hash bits in the upper 16 bits of an address.
    precondition(UInt(bitPattern: address) >> 48 == 0)
    return unsafe address
  }

  /// Returns what `map` gave. See munmap(2).
  static func unmap(_ address: UnsafeMutableRawPointer, byteCount: Int) {
    let status = unsafe munmap(address, byteCount)
    precondition(status == 0)
  }

  private static let pageByteCount = sysconf(Int32(_SC_PAGESIZE))
}

/// A word of mapped memory through which one thread publishes what others then read.
///
/// Whoever loads a value sees everything that its writer wrote before storing it.
@safe struct AtomicWord: BitwiseCopyable {
  private let pointer: UnsafeMutablePointer<Atomic<UInt>>

  init(at address: UnsafeMutableRawPointer) {
    unsafe pointer = address.assumingMemoryBound(to: Atomic<UInt>.self)
  }

  @inline(__always)
  func load() -> UInt { unsafe pointer.pointee.load(ordering: .acquiring) }

  @inline(__always)
  func publish(_ word: UInt) { unsafe pointer.pointee.store(word, ordering: .releasing) }

  /// For a word that no other thread can reach yet.
  @inline(__always)
  func prepare(_ word: UInt) { unsafe pointer.pointee.store(word, ordering: .relaxed) }
}
