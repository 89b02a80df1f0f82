import Foundation
import Glibc
import Testing

@testable import KVStore

/// Links in the place of a store's files. Whoever owned the directory could have root's `kvd recover` empty any file and
/// give it away: LOCK had only to be a link to it.
@Suite struct LinkTests {
  private static let isRoot = geteuid() == 0
  private static let someone: uid_t = 4711
  private static let another: uid_t = 4712

  private let outside = TemporaryDirectory()
  private let options = StoreOptions()

  /// A file that is not the store's, with these bytes.
  private var victim: String { outside.path + "/victim" }
  private static let secret = bytes("root:*:1:0:99999:7:::\n")

  /// A closed store, which belongs to another user where that can be.
  private func closed() throws -> TemporaryDirectory {
    write(Self.secret, to: victim)
    chmod(victim, 0o600)
    let directory = TemporaryDirectory()
    if Self.isRoot { chown(directory.path, Self.someone, Self.someone) }
    let store = try Store.open(at: directory.path, options: options)
    try store.put([1], [2])
    try store.close()
    return directory
  }

  private func put(_ name: String, in directory: TemporaryDirectory, isHardLink: Bool = false) {
    let path = directory.path + "/" + name
    unlink(path)
    #expect((isHardLink ? link(victim, path) : symlink(victim, path)) == 0)
  }

  private func expectVictimUnchanged(_ comment: Comment) throws {
    #expect(contents(victim) == Self.secret, comment)
    let status = try #require(try Files.status(of: victim))
    #expect(status.st_uid == geteuid(), comment)
    #expect(status.st_mode & 0o777 == 0o600, comment)
  }

  private static let files = [
    "LOCK", "MANIFEST", "log/control", "log/0000000000000000.log", "partition-0002/lock.mdb",
    "partition-0002/data.mdb",
  ]

  @Test(arguments: files)
  func `a link in the place of a file stops the open`(name: String) throws {
    let directory = try closed()
    put(name, in: directory)
    let path = directory.path + "/" + name
    #expect(throws: StoreError.io(IOError(errno: ELOOP, operation: "open", path: path))) {
      _ = try Store.open(at: directory.path, options: options)
    }
    let text = "\(StoreError.io(IOError(errno: ELOOP, operation: "open", path: path)))"
    #expect(text.contains("it is a symbolic link; kvd does not follow"))
    try expectVictimUnchanged("\(name)")
  }

  @Test(arguments: ["BALLAST", "MANIFEST.new"])
  func `a link in the place of a file that may be missing is not followed`(name: String) throws {
    let directory = try closed()
    put(name, in: directory)
    let store = try Store.open(at: directory.path, options: options)
    try store.put([3], [4])
    try store.set(StoreMark(bit: 63))
    #expect(try store.contents() == [[1]: [2], [3]: [4]])
    try store.close()
    try expectVictimUnchanged("\(name)")
  }

  @Test func `a link in the place of the note of a new store is not followed`() throws {
    write(Self.secret, to: victim)
    chmod(victim, 0o600)
    let directory = TemporaryDirectory()
    for target in [victim, outside.path + "/nothing"] {
      let path = directory.path + "/" + StoreOpening.creatingName
      unlink(path)
      symlink(target, path)
      #expect(throws: StoreError.io(IOError(errno: ELOOP, operation: "open", path: path))) {
        _ = try Store.open(at: directory.path, options: options)
      }
    }
    try expectVictimUnchanged("CREATING")
    #expect(access(outside.path + "/nothing", F_OK) != 0)
  }

  @Test(arguments: ["LOCK", "partition-0002/lock.mdb", "partition-0002/data.mdb", "log/control"])
  func `tools follow none either`(name: String) throws {
    let directory = try closed()
    put(name, in: directory)
    let inspection = try StoreInspection(at: directory.path)
    try inspection.checkAccess()
    let report = inspection.check()
    #expect(report.isSound == (name == "LOCK"), "\(report.findings)")
    _ = try salvage(directory.path, into: nil)
    try expectVictimUnchanged("\(name)")
  }

  @Test(
    .enabled(if: isRoot, "only root can do to a file what its owner would not"),
    arguments: ["LOCK", "BALLAST", "MANIFEST.new", "log/control", "partition-0002/lock.mdb"])
  func `a second name of another user's file is not written to by root`(name: String) throws {
    let directory = try closed()
    put(name, in: directory, isHardLink: true)
    // What is not needed is made again, or done without.
    let refused = ["BALLAST", "MANIFEST.new"].contains(name) ? nil : directory.path + "/" + name
    var error: StoreError?
    do throws(StoreError) {
      let store = try Store.open(at: directory.path, options: options)
      try store.set(StoreMark(bit: 63))
      try store.close()
    } catch let thrown {
      error = thrown
    }
    #expect(error == refused.map { .io(IOError(errno: EMLINK, operation: "open", path: $0)) })
    try expectVictimUnchanged("\(name)")
  }

  /// Each write transaction opened the file by its name, and so was a segment that is written again; that was refused by
  /// then, and so were all writes from there on.
  @Test(.enabled(if: isRoot, "only root can do to a file what its owner would not"))
  func `files that get second names while the store is open are no obstacle`() throws {
    let directory = TemporaryDirectory()
    chown(directory.path, Self.someone, Self.someone)
    var options = StoreOptions()
    options.partitionCount = 2
    options.segmentByteCount = 64 << 10
    let store = try Store.open(at: directory.path, options: options)
    func work() throws {
      for number in 0..<20 {
        try store.put([UInt8(number)], [UInt8](repeating: 1, count: 20_000))
      }
      try store.checkpoint()
    }
    try work()
    let files = FileManager.default
    for (number, name) in try files.subpathsOfDirectory(atPath: directory.path).enumerated() {
      let path = directory.path + "/" + name
      if try Files.status(of: path).map({ $0.st_mode & S_IFMT }) != S_IFREG { continue }
      // As where root has no right to give them away.
      chown(path, 0, 0)
      #expect(link(path, outside.path + "/\(number)") == 0)
    }
    for _ in 0..<3 { try work() }
    #expect(store.poisoned == nil)
    try store.close()
  }

  @Test(.enabled(if: isRoot, "only root gives files away"))
  func `what is not root's, or has another name, is not given away`() throws {
    let directory = TemporaryDirectory()
    chown(directory.path, Self.someone, Self.someone)
    let path = directory.path + "/LOCK"
    write([], to: path)
    chown(path, Self.another, Self.another)
    try DirectoryLock(directory: directory.path).release()
    #expect(try Files.status(of: path)?.st_uid == Self.another)
    // One that a crash kept from it.
    chown(path, 0, 0)
    try DirectoryLock(directory: directory.path).release()
    #expect(try Files.status(of: path)?.st_uid == Self.someone)
  }

  @Test func `a pipe in the place of a file is refused, and not waited for`() throws {
    let directory = try closed()
    for name in ["LOCK", "MANIFEST"] {
      let path = directory.path + "/" + name
      let before = contents(path)
      unlink(path)
      mkfifo(path, 0o600)
      #expect(throws: StoreError.io(IOError(errno: ENXIO, operation: "open", path: path))) {
        _ = try Store.open(at: directory.path, options: options)
      }
      unlink(path)
      write(before, to: path)
    }
  }

  @Test(arguments: ["partition-0001", "log"])
  func `a folder may be a link, but root follows none to another user's`(name: String) throws {
    let directory = try closed()
    let (path, moved) = (directory.path + "/" + name, outside.path + "/" + name)
    try FileManager.default.moveItem(atPath: path, toPath: moved)
    symlink(moved, path)
    for owner in Self.isRoot ? [Self.someone, 0] : [] {
      chown(moved, owner, owner)
      let store = try Store.open(at: directory.path, options: options)
      #expect(try store.contents() == [[1]: [2]])
      try store.close()
    }
    #expect(try StoreInspection(at: directory.path).check().isSound)
    guard Self.isRoot else { return }
    chown(moved, Self.another, Self.another)
    #expect(throws: StoreError.io(IOError(errno: ELOOP, operation: "open", path: path))) {
      _ = try Store.open(at: directory.path, options: options)
    }
    #expect(try !StoreInspection(at: directory.path).check().isSound)
  }

  /// A link beside the note of an interrupted creation once had every file of the folder that it leads to removed.
  @Test func `of remains that are a link the link alone is removed`() throws {
    write(Self.secret, to: victim)
    chmod(victim, 0o600)
    let directory = TemporaryDirectory()
    try Files.createEmpty(directory.path + "/" + StoreOpening.creatingName)
    symlink(outside.path, directory.path + "/partition-0000")
    try Store.open(at: directory.path, options: options).close()
    try expectVictimUnchanged("partition-0000")
  }

  @Test func `a small file is replaced through no link, and read through one only where wanted`()
    throws
  {
    write(Self.secret, to: victim)
    chmod(victim, 0o600)
    let path = outside.path + "/kvd.conf"
    symlink(victim, path + ".new")
    try SmallFile.replace(path, with: [1])
    #expect(try SmallFile.contents(of: path) == [1])
    try expectVictimUnchanged("kvd.conf.new")
    let name = outside.path + "/users.acl"
    symlink(victim, name)
    #expect(try SmallFile.contents(of: name) == Self.secret)
    #expect(throws: StoreError.io(IOError(errno: ELOOP, operation: "open", path: name))) {
      _ = try SmallFile.contents(of: name, followsLinks: false)
    }
  }
}
