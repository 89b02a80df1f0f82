import Glibc

// The system calls with which LMDB writes, under their own names: the dynamic linker gives the library
// those of the program before those of the C library, to which they hand on.

/// The C library's own.
enum LibC {
  private static func find<F>(_ name: String, _ type: F.Type) -> F {
    // RTLD_NEXT, a macro that Swift does not see.
    guard let symbol = dlsym(UnsafeMutableRawPointer(bitPattern: -1), name) else {
      Verdict.fail("the C library has no \(name)")
    }
    return unsafeBitCast(symbol, to: type)
  }

  typealias Vectors = UnsafePointer<iovec>?
  typealias Status = UnsafeMutablePointer<Glibc.statvfs>

  static let pwrite = find(
    "pwrite", (@convention(c) (Int32, UnsafeRawPointer?, Int, Int) -> Int).self)
  static let writev = find("writev", (@convention(c) (Int32, Vectors, Int32) -> Int).self)
  static let fdatasync = find("fdatasync", (@convention(c) (Int32) -> Int32).self)
  static let fsync = find("fsync", (@convention(c) (Int32) -> Int32).self)
  static let statvfs = find(
    "statvfs", (@convention(c) (UnsafePointer<CChar>, Status) -> Int32).self)
}

private func write(
  _ descriptor: Int32, _ bytes: [UInt8], at offset: Int, _ decision: DataFiles.Decision
) -> Int {
  let kept = Array(bytes.prefix(decision.count))
  if !kept.isEmpty {
    let count = kept.withUnsafeBytes { LibC.pwrite(descriptor, $0.baseAddress, $0.count, offset) }
    if count != kept.count { Verdict.fail("the harness could not write a data file") }
    DataFiles.didWrite(descriptor, kept, at: offset, isWhole: decision.code == 0)
  }
  if decision.code == 0 { return kept.count }
  errno = decision.code
  return -1
}

@_cdecl("pwrite")
public func simulatedWrite(
  _ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int, _ offset: Int
) -> Int {
  guard let decision = DataFiles.willWrite(descriptor, count: count, at: offset) else {
    return LibC.pwrite(descriptor, bytes, count, offset)
  }
  let copy = [UInt8](UnsafeRawBufferPointer(start: bytes, count: count))
  return write(descriptor, copy, at: offset, decision)
}

@_cdecl("writev")
public func simulatedVectorWrite(
  _ descriptor: Int32, _ vectors: UnsafePointer<iovec>?, _ vectorCount: Int32
) -> Int {
  var bytes: [UInt8] = []
  for vector in UnsafeBufferPointer(start: vectors, count: Int(vectorCount)) {
    bytes += UnsafeRawBufferPointer(start: vector.iov_base, count: vector.iov_len)
  }
  let offset = lseek(descriptor, 0, SEEK_CUR)
  guard let decision = DataFiles.willWrite(descriptor, count: bytes.count, at: offset) else {
    return LibC.writev(descriptor, vectors, vectorCount)
  }
  let written = write(descriptor, bytes, at: offset, decision)
  if written > 0 { lseek(descriptor, offset + written, SEEK_SET) }
  return written
}

private func sync(_ descriptor: Int32, _ real: (Int32) -> Int32) -> Int32 {
  let code = DataFiles.sync(descriptor)
  if code == 0 { return real(descriptor) }
  errno = code
  return -1
}

@_cdecl("fdatasync")
public func simulatedDataSync(_ descriptor: Int32) -> Int32 {
  sync(descriptor, LibC.fdatasync)
}

@_cdecl("fsync")
public func simulatedSync(_ descriptor: Int32) -> Int32 {
  sync(descriptor, LibC.fsync)
}

@_cdecl("statvfs")
public func simulatedSpace(
  _ path: UnsafePointer<CChar>, _ status: UnsafeMutablePointer<Glibc.statvfs>
) -> Int32 {
  let code = LibC.statvfs(path, status)
  if code == 0, let room = DataFiles.room(at: path) {
    status.pointee.f_bavail = fsblkcnt_t(room) / fsblkcnt_t(status.pointee.f_frsize)
  }
  return code
}
