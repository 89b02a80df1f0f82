import Foundation

/// How a process that runs seeds tells what became of one.
enum Verdict {
  /// The run is over: this is what is wrong.
  static func fail(_ reason: String) -> Never {
    say("FAILED \(reason)")
    _exit(3)
  }

  static func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }
}
