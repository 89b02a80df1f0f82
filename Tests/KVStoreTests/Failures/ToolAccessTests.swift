import Glibc
import Testing

@testable import KVStore

// Swift's Glibc leaves <sys/fsuid.h> out.
@_silgen_name("setfsuid") private func setfsuid(_ user: uid_t) -> Int32

/// Tools that read a store and may not write to it. Modes mean nothing to root, so these run as nobody.
@Suite(.enabled(if: geteuid() == 0, "only root can be nobody for a while"))
struct ToolAccessTests {
  private func asNobody<R>(_ body: () throws -> R) rethrows -> R {
    let before = setfsuid(65534)
    defer { _ = setfsuid(uid_t(before)) }
    return try body()
  }

  private func openForReading(_ fixture: StoreFixture) {
    let folder = fixture.directory.path
    for name in ["", "/log", "/partition-0000", "/partition-0001", "/partition-0002"]
      + ["/partition-0003"]
    {
      chmod(folder + name, 0o755)
    }
    for index in 0..<4 {
      chmod(folder + "/partition-000\(index)/data.mdb", 0o644)
      chmod(folder + "/partition-000\(index)/lock.mdb", 0o644)
    }
    for name in ["/MANIFEST", "/LOCK", "/log/control"] { chmod(folder + name, 0o644) }
    for name in (try? Files.names(in: folder + "/log")) ?? [] {
      chmod(folder + "/log/" + name, 0o644)
    }
  }

  @Test func `a store that nobody has open is checked by who may only read it`() throws {
    let fixture = try StoreFixture()
    for index in 0..<100 { try fixture.store.put([UInt8(index)], [1]) }
    try fixture.close()
    openForReading(fixture)
    try asNobody {
      let inspection = try StoreInspection(at: fixture.directory.path)
      try inspection.checkAccess()
      let report = inspection.check()
      #expect(report.isSound, "\(report.findings)")
      #expect(report.entryCount == 100)
      #expect(try inspection.partition(2).index == 2)
    }
  }

  @Test func `what this user may not read is told as such and is no finding`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put([1], [2])
    try fixture.close()
    for name in ["log/control", "partition-0001/data.mdb", "partition-0003"] {
      openForReading(fixture)
      chmod(fixture.directory.path + "/" + name, 0)
      let error = #expect(throws: StoreError.self) {
        try asNobody { try StoreInspection(at: fixture.directory.path).checkAccess() }
      }
      guard case .io(let failure) = error, failure.errno == EACCES, failure.operation == "open"
      else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(failure.path.hasPrefix(fixture.directory.path + "/" + name))
    }
  }

  @Test func `beside a process that has the store open a reader needs the lock file`() throws {
    let fixture = try StoreFixture()
    openForReading(fixture)
    let error = #expect(throws: StoreError.self) {
      try asNobody { try StoreInspection(at: fixture.directory.path).checkAccess() }
    }
    guard case .io(let failure) = error, failure.errno == EACCES, failure.operation == "open" else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(failure.path.hasSuffix("partition-0000/lock.mdb"))
  }

  @Test func `reading a store that has no lock files makes none`() throws {
    let fixture = try StoreFixture()
    try fixture.store.put([1], [2])
    try fixture.close()
    for index in 0..<4 { unlink(fixture.directory.path + "/partition-000\(index)/lock.mdb") }
    let report = try StoreInspection(at: fixture.directory.path).check()
    #expect(report.isSound)
    #expect(report.entryCount == 1)
    #expect(access(fixture.directory.path + "/partition-0000/lock.mdb", F_OK) != 0)
  }
}
