import Base
import Foundation
import Testing

@testable import TxnWAL

/// The log on a real file system.
@Suite struct DirectoryDeviceTests {
  private func withFolder(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "kvd-wal-\(UInt64.random(in: .min ... .max))"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  @Test func `a log on disk comes back, over several segments and openings`() throws {
    try withFolder { path in
      let storages = TestLog.storages()
      var options = CoordinatorOptions()
      options.createsIfMissing = true
      options.segmentByteCount = 64 << 10
      var expected: [UInt64: [UInt8]] = [:]
      for round in 0..<4 {
        let device = try DirectoryDevice(path: path)
        let participants = storages.map { FakeParticipant($0) }
        let coordinator = try Coordinator.open(
          on: device, storeID: TestLog.storeID, participants: participants, options: options)
        #expect(participants[1].entries == expected)
        for number in 0..<10 {
          let bytes = [UInt8](repeating: UInt8(round * 10 + number), count: 9000)
          let position = try coordinator.order([Part(1, bytes)])
          try coordinator.waitUntilAcknowledged(position.end)
          expected[position.sequence] = bytes
        }
        if round == 2 {
          participants[1].apply(upTo: coordinator.watermarks.durable)
          try coordinator.checkpoint(waiting: true)
        }
        try coordinator.close()
      }
    }
  }

  @Test func `errors name the call and the file`() throws {
    try withFolder { path in
      let device = try DirectoryDevice(path: path)
      let error = #expect(throws: LogError.self) { try device.open("absent", creating: false) }
      #expect(error == .io(IOError(errno: ENOENT, operation: "open", path: "\(path)/absent")))
      _ = try device.open("present", creating: true)
      #expect(
        throws: LogError.io(IOError(errno: EEXIST, operation: "open", path: "\(path)/present"))
      ) {
        try device.open("present", creating: true)
      }
      #expect(try device.fileNames() == ["present"])
    }
  }

  @Test func `a read past the end of a file is short`() throws {
    try withFolder { path in
      let file = try DirectoryDevice(path: path).open("file", creating: true)
      try file.write([1, 2, 3].rawSpan, at: 2)
      try file.sync()
      #expect(try file.byteCount() == 5)
      #expect(try file.read(at: 0, count: 100) == [0, 0, 1, 2, 3])
      #expect(try file.read(at: 5, count: 1) == [])
    }
  }
}
