import Testing

@testable import kvd_drive

/// What the driver makes of how `kvd check` and `kvd recover` ended.
@Suite struct ToolRunTests {
  private let message = "kvd recover: recovery is incomplete; …: no space left for …/data.mdb"

  private func run(
    _ name: String, _ status: Int32, _ output: String, mayCrash: Bool = false
  ) -> ToolRun {
    ToolRun(name: name, ending: .exited(status), output: output, mayCrash: mayCrash)
  }

  /// It ended with 1 as for any fault, and the driver took every full disk that it had not filled itself for a
  /// finding.
  @Test func `recover may lack room where there is none, and says so by status and message`() {
    #expect(run("recover", 4, message).verdict(isDiskFull: true) == .lacksRoom)
    #expect(run("recover", 4, message).verdict(isDiskFull: false) == .wrong)
    #expect(run("recover", 4, "").verdict(isDiskFull: true) == .wrong)
    #expect(run("recover", 1, message).verdict(isDiskFull: true) == .wrong)
    // It writes nothing.
    #expect(run("check", 4, message).verdict(isDiskFull: true) == .wrong)
  }

  @Test(arguments: [false, true])
  func `done is sound, and the end at a crash point must have been asked for`(isDiskFull: Bool) {
    for name in ["check", "recover"] {
      #expect(run(name, 0, "").verdict(isDiskFull: isDiskFull) == .sound)
      #expect(run(name, 137, "").verdict(isDiskFull: isDiskFull) == .wrong)
      #expect(run(name, 137, "", mayCrash: true).verdict(isDiskFull: isDiskFull) == .crashed)
      let killed = ToolRun(name: name, ending: .killed(11), output: "", mayCrash: true)
      #expect(killed.verdict(isDiskFull: isDiskFull) == .wrong)
    }
  }
}
