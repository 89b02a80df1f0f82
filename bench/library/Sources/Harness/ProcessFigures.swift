import Foundation
import Glibc

/// What the system knows about this process and its files.
enum ProcessFigures {
  /// Anonymous memory in use, in bytes.
  static var anonymousByteCount: Int { number("RssAnon:", in: "/proc/self/status") * 1024 }

  /// Bytes this process has caused to be written to the disk.
  static var writtenByteCount: Int { number("write_bytes:", in: "/proc/self/io") }

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
