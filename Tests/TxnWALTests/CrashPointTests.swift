import Base
import Testing

@Suite struct CrashPointTests {
  @Test func `an armed crash point ends the process the n-th time it is reached, without a trace`()
    async
  {
    await #expect(processExitsWith: .exitCode(137)) {
      let isArmed = CrashPoint.arm("groupBeforeSync:3")
      try #require(isArmed)
      let log = try TestLog.open()
      try log.commit(Part(0, "one"))
      try log.commit(Part(0, "two"))
      try #require(log.device.logSyncCount >= 2)
      try log.commit(Part(0, "three"))
    }
  }

  @Test(arguments: ["", "nowhere", "groupBeforeSync:0", "groupBeforeSync:x", "groupBeforeSync:1:2"])
  func `what names no crash point is refused`(text: String) {
    #expect(!CrashPoint.arm(text))
  }

  @Test func `no deliberate bug is on in a build without them`() {
    if DeliberateBug.areCompiledIn { return }
    for bug in DeliberateBug.allCases {
      DeliberateBug.turnOn(bug)
      #expect(!bug.isOn)
    }
  }
}
