import Foundation
import Testing

/// What the fuzzers once found worth keeping, fed to the decoders again. An input that breaks a decoder
/// ends the tests, as it would end the daemon.
@Suite struct CorpusTests {
  enum Decoder: String, CaseIterable {
    case requests = "Requests"
    case records = "Records"
    case stored = "Stored"
    case tuples = "Tuples"

    func feed(_ bytes: [UInt8]) -> Bool {
      switch self {
      case .requests: feedRequests(bytes)
      case .records: feedRecords(bytes)
      case .stored: feedStored(bytes)
      case .tuples: feedTuples(bytes)
      }
    }
  }

  @Test(arguments: Decoder.allCases)
  func `every kept input is borne, and some are understood`(decoder: Decoder) throws {
    let inputs = try Self.inputs(of: decoder)
    #expect(inputs.count > 10)
    let understood = inputs.filter(decoder.feed).count
    #expect(understood > 0 && understood < inputs.count)
  }

  /// Cut at every byte, and with every bit of its first bytes turned over.
  @Test(arguments: Decoder.allCases)
  func `inputs near the kept ones are borne too`(decoder: Decoder) throws {
    var understood = 0
    for input in try Self.inputs(of: decoder) {
      for count in 0..<min(input.count, 512) where decoder.feed(Array(input[..<count])) {
        understood += 1
      }
      for place in 0..<min(input.count, 48) {
        for bit in 0..<8 {
          var other = input
          other[place] ^= 1 << UInt8(bit)
          if decoder.feed(other) { understood += 1 }
        }
      }
    }
    #expect(understood > 0)
  }

  private static func inputs(of decoder: Decoder) throws -> [[UInt8]] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "corpus/\(decoder.rawValue)")
    return try FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: nil
    ).map { [UInt8](try Data(contentsOf: $0)) }
  }
}
