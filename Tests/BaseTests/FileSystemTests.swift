import Foundation
import Glibc
import Testing

@testable import Base

/// What the wrapped system calls answer, and what they throw.
@Suite struct FileSystemTests {
  private typealias Files = FileSystem<IOError>

  /// A folder of the test's own, removed at its end.
  private final class Folder {
    let path: String

    init() throws {
      path = NSTemporaryDirectory() + "kvd-base-" + UUID().uuidString
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  @Test func `an error tells what could not be done, to which file, and why`() throws {
    let folder = try Folder()
    let path = folder.path + "/absent"
    let error = #expect(throws: IOError.self) { _ = try Files.open(path, O_RDONLY) }
    #expect(error == IOError(errno: ENOENT, operation: "open", path: path))
    #expect(error?.description == "open \(path): No such file or directory (errno 2)")
    #expect(error?.isDiskFull == false)
  }

  @Test(arguments: [(ENOSPC, true), (EDQUOT, true), (EIO, false), (EFBIG, false)])
  func `no space and no quota are a full disk`(code: Int32, isFull: Bool) {
    #expect(IOError(errno: code, operation: "write", path: "p").isDiskFull == isFull)
  }

  @Test func `a layer's own error is thrown in place of an IOError`() throws {
    struct Wrapped: IOFailure, Equatable {
      let error: IOError
      init(_ error: IOError) { self.error = error }
    }
    let folder = try Folder()
    let path = folder.path + "/absent"
    let error = #expect(throws: Wrapped.self) { try FileSystem<Wrapped>.remove(path) }
    #expect(error?.error == IOError(errno: ENOENT, operation: "remove", path: path))
  }

  @Test func `a read ends where the file does`() throws {
    let folder = try Folder()
    let file = try Files.replace(folder.path + "/file")
    let bytes: [UInt8] = [1, 2, 3, 4, 5]
    try Files.write(bytes.rawSpan, at: 2, to: file)
    #expect(try Files.byteCount(of: file) == 7)
    let again = try Files.open(folder.path + "/file", O_RDONLY)
    #expect(try Files.read(100, at: 0, from: again) == [0, 0] + bytes)
    #expect(try Files.read(2, at: 3, from: again) == [2, 3])
    #expect(try Files.read(0, at: 0, from: again).isEmpty)
    #expect(try Files.read(9, at: 7, from: again).isEmpty)
    #expect(throws: IOError(errno: EBADF, operation: "write", path: folder.path + "/file")) {
      try Files.write(bytes.rawSpan, at: 0, to: again)
    }
  }

  @Test func `what is missing is no error where it is asked whether it is there`() throws {
    let folder = try Folder()
    let path = folder.path + "/absent"
    #expect(try !Files.exists(path))
    #expect(try Files.status(of: path) == nil)
    #expect(Files.isMissing(path))
    // A file where a folder should be is something else.
    try Files.createEmpty(folder.path + "/file")
    let below = folder.path + "/file/below"
    #expect(throws: IOError(errno: ENOTDIR, operation: "access", path: below)) {
      _ = try Files.exists(below)
    }
    #expect(Files.isMissing(below))
  }

  @Test func `a directory is made once, and a file in its place is told`() throws {
    let folder = try Folder()
    let path = folder.path + "/made"
    #expect(try Files.makeDirectory(path))
    #expect(try !Files.makeDirectory(path))
    try Files.createEmpty(folder.path + "/file")
    #expect(throws: IOError(errno: ENOTDIR, operation: "open", path: folder.path + "/file")) {
      try Files.makeDirectory(folder.path + "/file")
    }
  }

  @Test func `of a link to a folder the link alone is removed`() throws {
    let folder = try Folder()
    for name in ["one", "other"] {
      try Files.makeDirectory(folder.path + "/" + name)
      try Files.createEmpty(folder.path + "/" + name + "/file")
    }
    #expect(symlink(folder.path + "/other", folder.path + "/link") == 0)
    try Files.removeTree(folder.path + "/link")
    try Files.removeTree(folder.path + "/one")
    #expect(try Files.names(in: folder.path) == ["other"])
    #expect(try Files.names(in: folder.path + "/other") == ["file"])
  }

  @Test func `a file is known by what it is, whatever its name`() throws {
    let folder = try Folder()
    let path = folder.path + "/file"
    let file = try Files.replace(path)
    let identity = FileIdentity(ofRaw: file.raw)
    #expect(identity != nil && identity == FileIdentity(at: path))
    try Files.rename(path, to: path + ".moved")
    #expect(identity == FileIdentity(at: path + ".moved"))
    #expect(FileIdentity(at: path) == nil)
    try Files.createEmpty(path)
    #expect(identity != FileIdentity(at: path))
    #expect(FileIdentity(ofRaw: -1) == nil)
  }

  @Test func `a disk says how much room it has`() throws {
    let space = try Files.space(at: NSTemporaryDirectory())
    #expect(space.total > 0 && space.available <= space.total)
    #expect(!DiskSpace.lacksInodes(at: NSTemporaryDirectory() + "/absent"))
  }
}
