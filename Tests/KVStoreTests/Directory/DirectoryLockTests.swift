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

  /// A store that was closed and opened again was once "in use by pid" of its own process: another
  /// thread was starting a child, which has copies of all descriptors until it becomes another program.
  /// A duplicate made here stands for the child's.
  @Test(arguments: [true, false])
  func `a lock is free once released, though a child still has its descriptor`(isDropped: Bool)
    throws
  {
    let copy: Int32
    do {
      let lock = try DirectoryLock(directory: directory.path)
      copy = try #require(Self.duplicate(of: lock.path))
      if !isDropped { lock.release() }
    }
    defer { close(copy) }
    _ = try DirectoryLock(directory: directory.path)
  }

  /// A second descriptor for the open file at `path`; dup(2).
  private static func duplicate(of path: String) -> Int32? {
    let names = (try? Files.names(in: "/proc/self/fd")) ?? []
    for descriptor in names.compactMap({ Int32($0) }) {
      var target = [CChar](repeating: 0, count: Int(PATH_MAX))
      let count = readlink("/proc/self/fd/\(descriptor)", &target, target.count)
      let bytes = target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }
      if String(decoding: bytes, as: UTF8.self) == path { return dup(descriptor) }
    }
    return nil
  }

  @Test func `the text of a former holder does not outlive it`() throws {
    write(Array("pid 123456789 and more\n".utf8), to: "\(directory.path)/LOCK")
    let lock = try DirectoryLock(directory: directory.path)
    #expect(String(decoding: contents(lock.path), as: UTF8.self) == "pid \(getpid())\n")
  }
}
