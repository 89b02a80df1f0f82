import Base
import Glibc
import Synchronization

/// Zeroed memory, mapped from the system in pages. It costs nothing until it is touched, and unmapping
/// returns it at once.
enum SystemPages {
  static func roundedUp(_ byteCount: Int) -> Int {
    (byteCount + pageByteCount - 1) / pageByteCount * pageByteCount
  }

  /// Traps when the system is out of memory, as any allocation in Swift does. See mmap(2).
  static func map(byteCount: Int) -> UnsafeMutableRawPointer {
    let result = unsafe mmap(
      nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let address = unsafe result, unsafe address != MAP_FAILED else {
      fatalError("out of memory: cannot map \(byteCount) bytes (errno \(errno))")
    }
    // The hash index keeps hash bits in the upper 16 bits of an address.
    precondition(UInt(bitPattern: address) >> 48 == 0)
    return unsafe address
  }

  /// Unmaps memory returned by `map`. See munmap(2).
  static func unmap(_ address: UnsafeMutableRawPointer, byteCount: Int) {
    let status = unsafe munmap(address, byteCount)
    precondition(status == 0)
  }

  private static let pageByteCount = sysconf(Int32(_SC_PAGESIZE))
}

/// Memory of freed memtables, kept for reuse by later ones. The system has to find, clear and map each page
/// when a program first touches it, which costs several times as much as the write itself.
///
/// Memory is zeroed before it is kept, on the thread that returns it, for which no other thread waits. At
/// most `byteLimit` bytes are kept, as part of the store's memory limit; the rest returns to the system.
final class PagePool: Sendable {
  private struct Kept {
    /// Addresses, by the number of bytes at each.
    var addresses: [Int: [UInt]] = [:]
    var byteCount = 0
  }

  let byteLimit: Int
  private let kept = Lock(Kept())

  init(byteLimit: Int) {
    self.byteLimit = byteLimit
  }

  deinit {
    kept.withLock { kept in
      for (byteCount, addresses) in kept.addresses {
        for address in addresses {
          guard let address = unsafe UnsafeMutableRawPointer(bitPattern: address) else { continue }
          unsafe SystemPages.unmap(address, byteCount: byteCount)
        }
      }
    }
  }

  /// The number of bytes kept.
  var byteCount: Int { kept.withLock { $0.byteCount } }

  /// As `SystemPages.map`, but takes kept memory of that size if there is any.
  func map(byteCount: Int) -> UnsafeMutableRawPointer {
    let address = kept.withLock { kept in
      let address = kept.addresses[byteCount]?.popLast()
      if address != nil { kept.byteCount -= byteCount }
      return address
    }
    if let address, let memory = unsafe UnsafeMutableRawPointer(bitPattern: address) {
      return unsafe memory
    }
    return unsafe SystemPages.map(byteCount: byteCount)
  }

  /// As `SystemPages.unmap`, but keeps the memory for reuse if the limit allows.
  func unmap(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    let isKept = kept.withLock { kept in
      guard kept.byteCount + byteCount <= byteLimit else { return false }
      kept.byteCount += byteCount
      return true
    }
    guard isKept else { return unsafe SystemPages.unmap(memory, byteCount: byteCount) }
    unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    kept.withLock { $0.addresses[byteCount, default: []].append(UInt(bitPattern: memory)) }
  }
}

/// A word of mapped memory through which one thread publishes to others.
///
/// A reader that loads a value sees everything that was written before the value was stored.
@safe struct AtomicWord: BitwiseCopyable {
  private let pointer: UnsafeMutablePointer<Atomic<UInt>>

  init(at address: UnsafeMutableRawPointer) {
    unsafe pointer = address.assumingMemoryBound(to: Atomic<UInt>.self)
  }

  @inline(__always)
  func load() -> UInt { unsafe pointer.pointee.load(ordering: .acquiring) }

  @inline(__always)
  func publish(_ word: UInt) { unsafe pointer.pointee.store(word, ordering: .releasing) }

  /// Stores to a word that no other thread can reach yet.
  @inline(__always)
  func prepare(_ word: UInt) { unsafe pointer.pointee.store(word, ordering: .relaxed) }
}
