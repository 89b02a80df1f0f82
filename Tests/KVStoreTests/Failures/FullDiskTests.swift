import Base
import Foundation
import Testing

@testable import KVStore

/// A store on a file system that has no room left, in the log or for LMDB.
@Suite(.enabled(if: SmallDisk.isPermitted, Comment(rawValue: SmallDisk.refusal)))
struct FullDiskTests {
  private let disk: SmallDisk
  private var options = StoreOptions.small(partitionCount: 2)

  init() throws { disk = try SmallDisk(byteCount: 64 << 20) }

  private var path: String { disk.path + "/data" }

  private func open() throws(StoreError) -> Store { try Store.open(at: path, options: options) }

  private static let value = [UInt8](repeating: 7, count: 10_000)

  /// Writes keys until one is refused. Returns how many were acknowledged.
  private func writeUntilRefused(_ store: Store, from first: Int = 0) throws -> Int {
    for number in first..<first + 10_000 {
      do throws(StoreError) {
        try store.put(bytes("key \(number)"), Self.value)
      } catch {
        guard case .diskFull(let full) = error else { throw error }
        #expect(full.path.hasPrefix(disk.path))
        return number
      }
    }
    Issue.record("the disk never became full")
    return 0
  }

  private func order(_ name: String, _ store: Store) throws(StoreError) -> Receipt? {
    let key = bytes(name)
    let value = Self.value
    return try store.evaluate { evaluation throws(StoreError) in
      try evaluation.put(key.rawSpan, value.rawSpan)
    }.receipt
  }

  private func expectAll(_ count: Int, _ store: Store) throws {
    for number in 0..<count where try store.get(bytes("key \(number)")) != Self.value {
      Issue.record("key \(number) of \(count) is not there")
      return
    }
  }

  /// It threw that the disk had been full at the last attempt, up to half a second before, and `kvd serve` exited
  /// with 1.
  @Test func `a close right after room was made finds it`() throws {
    let store = try open()
    try disk.fill(leaving: 3 << 20)
    let count = try writeUntilRefused(store)
    #expect(throws: StoreError.self) { try store.checkpoint() }
    disk.empty()
    try store.close()
    let again = try open()
    #expect(again.openReport.recovery.rolledForwardCount == 0)
    try expectAll(count, again)
    try again.close()
  }

  @Test func `writes are refused, reads go on, and nothing acknowledged is lost`() throws {
    let store = try open()
    try disk.fill(leaving: 3 << 20)
    let count = try writeUntilRefused(store)
    #expect(count > 20)
    try expectAll(count, store)
    #expect(store.poisoned == nil)
    disk.empty()
    var isWritten = false
    // It is tried again twice a second.
    for _ in 0..<200 where !isWritten {
      isWritten = (try? store.put(bytes("room"), [1])) != nil
      if !isWritten { usleep(20_000) }
    }
    #expect(isWritten)
    try store.checkpoint()
    #expect(try !store.statistics().isDiskFull)
    try store.close()
    let again = try open()
    try expectAll(count, again)
    try again.close()
  }

  /// Waits until `isSo`; what it waits for is tried again twice a second.
  private func eventually(_ what: Comment, _ isSo: () -> Bool) {
    // So long that only what never comes is missed; everything takes longer with a sanitizer.
    for _ in 0..<(Sanitizer.isOn ? 60_000 : 6000) {
      if isSo() { return }
      usleep(20_000)
    }
    Issue.record(what)
  }

  @Test func `keys are deleted on a full disk, and stay deleted`() throws {
    let store = try open()
    try disk.fill(leaving: 3 << 20)
    let count = try writeUntilRefused(store)
    try disk.fill()
    for number in 0..<count / 2 { #expect(try store.delete(bytes("key \(number)"))) }
    #expect(throws: StoreError.self) { try store.put(bytes("new"), Self.value) }
    #expect(try store.countEntries() == count - count / 2)
    #expect(try store.get(bytes("key 0")) == nil)
    #expect(try store.get(bytes("key \(count - 1)")) == Self.value)
    try? store.close()
    let again = try open()
    #expect(try again.countEntries() == count - count / 2)
    #expect(try again.get(bytes("key 0")) == nil)
    #expect(try again.get(bytes("key \(count - 1)")) == Self.value)
    try? again.close()
  }

  @Test(arguments: [false, true])
  func `a range delete on a full disk makes room for new writes`(reopens: Bool) throws {
    var store = try open()
    try disk.fill(leaving: 3 << 20)
    let count = try writeUntilRefused(store)
    try disk.fill()
    #expect(throws: StoreError.self) { try store.put(bytes("new"), Self.value) }
    try store.deleteRange(.everything)
    #expect(try store.countEntries() == 0)
    if reopens {
      try? store.close()
      store = try open()
      #expect(try store.countEntries() == 0)
    }
    eventually("the range delete was not carried out") { !store.isPurging }
    eventually("nothing can be written") { (try? store.put(bytes("room"), [1])) != nil }
    // Nobody has given the disk any room.
    let written = count / 2
    for number in 0..<written {
      // Now and then refused, until what is in memory has been applied and the log begins again.
      eventually("\(number) of \(written) cannot be written") {
        (try? store.put(bytes("key \(number)"), Self.value)) != nil
      }
    }
    try expectAll(written, store)
    #expect(try store.countEntries() == written + 1)
    try? store.close()
    let again = try open()
    try expectAll(written, again)
    #expect(try again.countEntries() == written + 1)
    try? again.close()
  }

  @Test func `closing a store on a full disk ends, and the log keeps what LMDB had no room for`()
    throws
  {
    let store = try open()
    try disk.fill(leaving: 3 << 20)
    let count = try writeUntilRefused(store)
    try disk.fill()
    // Closed cleanly or not: it comes back, and the store lets go of the directory.
    try? store.close()
    disk.empty()
    let again = try open()
    try expectAll(count, again)
    try again.close()
  }

  /// Regression: more than what the log had segments for was ordered, whoever wrote the log waited for room
  /// without limit, and the rest with it.
  @Test
  func `what the log has no segments for is refused, and all that was ordered becomes durable`()
    throws
  {
    let store = try open()
    try disk.fill()
    var receipt: Receipt?
    var refusal: StoreError?
    for number in 0..<100 where refusal == nil {
      do throws(StoreError) {
        receipt = try order("late \(number)", store)
      } catch .noRoom {
        // The keeper has been asked for a segment, and finds out in a moment that there is no room for one.
        usleep(1000)
      } catch {
        refusal = error
      }
    }
    guard case .diskFull = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
    let last = try #require(receipt)
    try store.syncIfIdle()
    try store.waitUntilDurable(last)
    try? store.close()
    disk.empty()
    let again = try open()
    #expect(try again.countEntries() == Int(last.sequence))
    try again.close()
  }

  @Test func `a value is rewritten or refused on a full disk, and the log goes on being written`()
    throws
  {
    let store = try open()
    let large = [UInt8](repeating: 1, count: 6 << 20)
    try store.put(bytes("large"), large)
    try store.checkpoint()
    try disk.fill()
    let error = #expect(throws: StoreError.self) {
      _ = try store.admitAndEvaluate(byteCount: 0) { evaluation throws(StoreError) in
        try evaluation.put(bytes("large").rawSpan, large.rawSpan, type: 0, expiry: .max - 1)
      }
    }
    guard case .diskFull = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(try store.delete(bytes("large")))
    try? store.close()
  }

  @Test func `an open whose recovery has no room says so and ends, and later goes on`() throws {
    var roomy = options
    roomy.memoryByteCount = 64 << 20
    roomy.logByteLimit = 64 << 20
    let store = try Store.open(at: path, options: roomy)
    for number in 0..<1300 { try store.put(bytes("key \(number)"), Self.value) }
    // What a killed process leaves: the files without a close.
    let image = disk.path + "/image"
    try FileManager.default.copyItem(atPath: path, toPath: image)
    try store.close()
    try FileManager.default.removeItem(atPath: path)
    try disk.fill()
    let error = #expect(throws: StoreError.self) { try Store.open(at: image, options: options) }
    guard case .diskFull = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    disk.empty()
    let again = try Store.open(at: image, options: options)
    try expectAll(1300, again)
    try again.close()
  }

  /// A store is not made by halves.
  @Test func `a store that there is no room for is refused, and made once there is`() throws {
    try disk.fill(leaving: 100 << 10)
    let error = #expect(throws: StoreError.self) { try open() }
    guard case .diskFull = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    disk.empty()
    let store = try open()
    #expect(store.openReport.isNew)
    try store.close()
  }
}

@Suite(.enabled(if: SmallDisk.isPermitted, Comment(rawValue: SmallDisk.refusal)))
struct ReadOnlyFileSystemTests {
  @Test func `a read-only file system is refused by name, and can be checked`() throws {
    let disk = try SmallDisk(byteCount: 24 << 20)
    var options = StoreOptions()
    options.partitionCount = 2
    options.segmentByteCount = 256 << 10
    let path = disk.path + "/data"
    // A closed store keeps the log's files open as long as the object lives.
    do {
      let store = try Store.open(at: path, options: options)
      try store.put([1], [1])
      try store.close()
    }
    try disk.setReadOnly(true)
    #expect(throws: StoreError.io(IOError(errno: EROFS, operation: "open", path: path + "/LOCK"))) {
      try Store.open(at: path, options: options)
    }
    let report = try StoreInspection(at: path).check()
    #expect(report.isSound, "\(report.findings)")
    #expect(report.entryCount == 1)
    try disk.setReadOnly(false)
    let again = try Store.open(at: path, options: options)
    #expect(try again.get([1]) == [1])
    try again.close()
  }
}
