import Testing

@testable import Net

@Suite struct LoopHandleTests {
  @Test func `causes are collected until they are taken`() throws {
    let handle = try LoopHandle()
    #expect(handle.takeCauses() == [])
    handle.signal(.progress)
    handle.signal(.event(3))
    #expect(handle.takeCauses() == [.progress, .event(3)])
    #expect(handle.takeCauses() == [])
  }

  @Test func `a loop that was signalled does not go to sleep`() throws {
    let handle = try LoopHandle()
    #expect(handle.arm())
    handle.disarm()
    handle.signal()
    #expect(!handle.arm())
    _ = handle.takeCauses()
    #expect(handle.arm())
  }

  @Test func `mail is taken once`() throws {
    let handle = try LoopHandle()
    handle.close([1, 2])
    handle.complete(3)
    #expect(handle.takeCauses() == .mail)
    let mail = handle.takeMail()
    #expect(mail.killed == [1, 2])
    #expect(mail.completed == [3])
    #expect(handle.takeMail().killed.isEmpty)
  }
}
