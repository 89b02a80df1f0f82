import Foundation
import Testing

@testable import KVStore

@Suite struct DescriptorTests {
  /// LMDB opens its data file for writing twice, both without `O_CLOEXEC`; a child that keeps one could
  /// write to the store.
  @Test func `no file of a store is inherited by children`() throws {
    let fixture = try StoreFixture()
    var count = 0
    for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      guard let descriptor = Int32(name),
        let path = try? FileManager.default.destinationOfSymbolicLink(
          atPath: "/proc/self/fd/\(name)"),
        path.hasPrefix(fixture.directory.path)
      else { continue }
      count += 1
      #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0, "\(path)")
    }
    #expect(count >= 2 * fixture.options.partitionCount)
  }
}
