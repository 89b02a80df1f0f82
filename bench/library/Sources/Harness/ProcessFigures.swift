import Foundation
import Glibc

/// What the system knows about this process and its files.
enum ProcessFigures {
  /// Anonymous memory in use, in bytes.
  static var anonymousByteCount: Int { number("RssAnon:", in: "/proc/self/status") * 1024 }

  /// Bytes written to the disk that `directory` is on, by whomever: to be measured on a quiet machine.
  ///
  /// `write_bytes` of `/proc/self/io` would be this process's own, but Linux counts all of a large folio
  /// there when a part of it gets dirty: hundreds of times what a small synced write puts on the disk.
  static func diskWrittenByteCount(_ directory: String) -> Int {
    var status = stat()
    guard unsafe lstat(directory, &status) == 0 else { return 0 }
    // Linux's encoding of a device number: gnu_dev_major and gnu_dev_minor.
    let device = UInt64(status.st_dev)
    let major = (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
    let minor = device & 0xFF | (device >> 12) & ~0xFF
    let fields = text("/sys/dev/block/\(major):\(minor)/stat").split(separator: " ")
    return fields.count > 6 ? (Int(fields[6]) ?? 0) * 512 : 0
  }

  /// User and system time so far.
  static var cpuSeconds: Double {
    let fields = text("/proc/self/stat").split(separator: ")").last?.split(separator: " ") ?? []
    return fields.dropFirst(11).prefix(2).reduce(0) { $0 + (Double($1) ?? 0) } / 100
  }

  /// The blocks that the files below `directory` take, holes left out, in bytes.
  static func usedByteCount(_ directory: String) -> Int {
    total(directory) { Int($0.st_blocks) * 512 }
  }

  /// The length of the files below `directory` whose names `isMeant`.
  static func byteCount(of directory: String, where isMeant: (String) -> Bool) -> Int {
    total(directory, where: isMeant) { Int($0.st_size) }
  }

  private static func total(
    _ directory: String, where isMeant: (String) -> Bool = { _ in true }, _ size: (stat) -> Int
  ) -> Int {
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: directory)) ?? []
    return names.filter(isMeant).reduce(0) { total, name in
      var status = stat()
      // A file may be gone by now.
      let code = unsafe lstat(directory + "/" + name, &status)
      return total + (code == 0 ? size(status) : 0)
    }
  }

  private static func number(_ field: String, in path: String) -> Int {
    let line = text(path).split(separator: "\n").first { $0.hasPrefix(field) }
    return line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) } ?? 0
  }

  private static func text(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }
}

/// The system's own sleep, which wakes closer to the moment than Foundation's.
enum Sleeping {
  static func sleep(nanoseconds: UInt64) {
    var time = timespec(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
    unsafe nanosleep(&time, nil)
  }
}
