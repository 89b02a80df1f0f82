import Base
import Testing

@testable import KVStore

/// The form in which batches stand in the log.
@Suite struct MutationTests {
  private static func samples() -> [[UInt8]] {
    var samples: [[UInt8]] = []
    let keys = [[], [0], [0xFF, 0xFF], Array(repeating: 7, count: 500)] as [[UInt8]]
    for (key, keyspace) in zip(keys, [.keys, .owned, .expiries, .keys] as [Keyspace]) {
      for value in [[], [1, 2, 3], Array(repeating: 9, count: 300)] as [[UInt8]] {
        samples.append(encoded { $0.appendPut(EntryAddress(keyspace, key.rawSpan), value.rawSpan) })
        for (type, expiry) in [(0, 1), (1, 0), (127, .max)] as [(UInt8, UInt64)] {
          samples.append(
            encoded {
              $0.appendPut(
                EntryAddress(.keys, key.rawSpan), value.rawSpan, type: type, expiry: expiry)
            })
        }
      }
      samples.append(encoded { $0.appendDelete(EntryAddress(keyspace, key.rawSpan)) })
      samples.append(encoded { $0.appendDeleteRange(KeyRange(from: key), in: keyspace) })
      samples.append(encoded { $0.appendDeleteRange(KeyRange(from: key, to: []), in: keyspace) })
      samples.append(
        encoded { $0.appendDeleteRange(KeyRange(from: [], to: key + [0]), in: keyspace) })
      for condition in [.absent, .present, .sequence(.max)] as [Precondition] {
        samples.append(
          encoded {
            $0.appendRequire(condition, of: EntryAddress(keyspace, key.rawSpan), index: 70_000)
          })
      }
    }
    return samples
  }

  private static func encoded(_ body: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes: [UInt8] = []
    body(&bytes)
    return bytes
  }

  /// The mutation written out again.
  private func written(_ mutation: Mutation, in bytes: [UInt8]) -> [UInt8] {
    var copy: [UInt8] = []
    let address = mutation.address(in: bytes.rawSpan)
    switch mutation.kind {
    case .put: copy.appendPut(address, bytes.rawSpan.extracting(mutation.value ?? 0..<0))
    case .putEntry:
      copy.appendPut(
        address, bytes.rawSpan.extracting(mutation.value ?? 0..<0), type: mutation.type,
        expiry: mutation.expiry)
    case .delete: copy.appendDelete(address)
    case .deleteRange:
      let deleted = DeletedRange(mutation, in: bytes.rawSpan)
      copy.appendDeleteRange(deleted.range, in: deleted.keyspace)
    case .requireAbsent, .requirePresent, .requireSequence:
      guard let condition = Precondition(mutation) else { break }
      copy.appendRequire(condition, of: address, index: mutation.index)
    }
    return copy
  }

  private func parse(_ bytes: [UInt8], at offset: Int = 0) -> Mutation? {
    Mutation.parse(bytes.rawSpan, at: offset)
  }

  @Test func `a mutation survives its encoding, wherever it stands`() throws {
    for bytes in Self.samples() {
      for offset in [0, 1, 7] {
        let shifted = Array(repeating: 0xAA as UInt8, count: offset) + bytes + [1, 2, 3]
        let mutation = try #require(parse(shifted, at: offset))
        #expect(mutation.end == offset + bytes.count)
        #expect(written(mutation, in: shifted) == bytes)
      }
    }
  }

  @Test func `only users' entries have a type or an expiry`() {
    let sound = Self.encoded {
      $0.appendPut(EntryAddress(.keys, [1].rawSpan), [2].rawSpan, type: 1, expiry: 3)
    }
    let other = Self.encoded {
      $0.appendPut(EntryAddress(.owned, [1].rawSpan), [2].rawSpan, type: 1, expiry: 3)
    }
    #expect(parse(sound) != nil)
    #expect(parse(other) == nil)
  }

  @Test func `a bound longer than any can be is no range delete`() {
    let longest = [UInt8](repeating: 1, count: Limits.storedKeyByteCount)
    for (range, isOne) in [
      (KeyRange(from: longest), true), (KeyRange(to: longest), true),
      (KeyRange(from: longest + [1]), false), (KeyRange(to: longest + [1]), false),
    ] {
      #expect((parse(Self.encoded { $0.appendDeleteRange(range, in: .owned) }) != nil) == isOne)
    }
  }

  @Test func `a mutation cut at any byte is none`() {
    for bytes in Self.samples() {
      for count in 0..<bytes.count {
        #expect(parse(Array(bytes[..<count])) == nil)
      }
    }
  }

  @Test func `a mutation changed in any byte is none or stays within its bytes`() {
    for bytes in Self.samples() {
      for place in bytes.indices.prefix(24) {
        for mask in [0x01, 0x04, 0x80, 0xFF] as [UInt8] {
          var changed = bytes
          changed[place] ^= mask
          guard let mutation = parse(changed) else { continue }
          #expect(mutation.end <= changed.count && mutation.key.upperBound <= mutation.end)
          #expect((mutation.value?.upperBound ?? 0) <= mutation.end)
        }
      }
    }
  }
}
