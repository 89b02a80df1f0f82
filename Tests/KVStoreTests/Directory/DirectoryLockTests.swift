import Glibc
import Testing

@testable import KVStore

@Suite struct DirectoryLockTests {
  private let directory = TemporaryDirectory()

  @Test func `a second lock in the same process is refused and told the holder`() throws {
    let lock = try DirectoryLock(directory: directory.path)
    #expect(throws: StoreError.locked(path: lock.path, holder: "pid \(getpid())")) {
      _ = try DirectoryLock(directory: directory.path)
    }
  }

  @Test func `a released lock can be taken again`() throws {
    let lock = try DirectoryLock(directory: directory.path)
    lock.release()
    lock.release()
    _ = try DirectoryLock(directory: directory.path)
  }

  @Test func `a lock that is dropped is released`() throws {
    for _ in 0..<2 { _ = try DirectoryLock(directory: directory.path) }
  }

  @Test func `the text of a former holder does not outlive it`() throws {
    write(Array("pid 123456789 and more\n".utf8), to: "\(directory.path)/LOCK")
    let lock = try DirectoryLock(directory: directory.path)
    #expect(String(decoding: contents(lock.path), as: UTF8.self) == "pid \(getpid())\n")
  }
}
