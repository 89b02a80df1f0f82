import CLinux
import Glibc

enum System {
  static func monotonicSeconds() -> Int64 { 0 }
  static var processID: Int32 { 0 }
  static func residentByteCount() -> Int { 0 }
}
