import Testing

@testable import Net

@Suite struct BufferMemoryTests {
  @Test func `no more is reserved than there is room for`() {
    let memory = BufferMemory(limit: 100)
    memory.change(by: 70)
    #expect(memory.reserve(upTo: 50) == 30)
    #expect(memory.isFull)
    #expect(memory.reserve(upTo: 1) == 0)
    memory.change(by: -100)
    #expect(memory.left == 100)
  }

  @Test func `a limit of all memory does not overflow`() {
    let memory = BufferMemory(limit: .max)
    memory.change(by: -1)
    #expect(memory.left == .max)
    #expect(memory.hasRoom(for: .max))
  }

  @Test func `of several refusals the least room is remembered`() {
    let memory = BufferMemory(limit: 1)
    #expect(memory.takeRefusal() == nil)
    memory.noteRefusal(room: 20)
    memory.noteRefusal(room: 10)
    #expect(memory.isRefusing)
    #expect(memory.takeRefusal() == 10)
    #expect(!memory.isRefusing)
  }
}
