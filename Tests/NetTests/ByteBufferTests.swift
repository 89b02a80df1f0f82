import Base
import Testing

@testable import Net

@Suite struct ByteBufferTests {
  private static func bytes(of buffer: borrowing ByteBuffer) -> [UInt8] {
    buffer.withBytes { bytes in (0..<bytes.byteCount).map { bytes.load(at: $0, as: UInt8.self) } }
  }

  /// Random operations against an array.
  @Test(arguments: 1...20) func `a buffer holds what an array would`(seed: UInt64) {
    var random = Random(seed: seed)
    var buffer = ByteBuffer()
    var model: [UInt8] = []
    var spare = ByteBuffer()
    for step in 0..<2_000 {
      let piece = (0..<random.next(200)).map { _ in UInt8(random.next(256)) }
      switch random.next(9) {
      case 0, 1:
        buffer.append(piece.span.bytes)
        model += piece
      case 2:
        buffer.append(UInt8(step & 255))
        model.append(UInt8(step & 255))
      case 3:
        let count = random.next(model.count + 1)
        buffer.consume(count)
        model.removeFirst(count)
      case 4:
        let count = random.next(model.count + 1)
        buffer.truncate(to: count)
        model.removeLast(model.count - count)
      case 5:
        let offset = random.next(model.count + 1)
        buffer.insert(piece.span.bytes, at: offset)
        model.insert(contentsOf: piece, at: offset)
      case 6:
        let start = random.next(model.count + 1)
        let end = start + random.next(model.count - start + 1)
        buffer.append(copyOf: start..<end)
        model += model[start..<end]
        if model.count > 10_000 {
          buffer.consume(9_000)
          model.removeFirst(9_000)
        }
      case 7: buffer.reserveTotal(random.next(5_000))
      default:
        buffer.shrink(leaving: &spare)
        spare.release()
      }
      let byte = UInt8(random.next(256))
      let (count, offset) = (buffer.count, buffer.firstOffset(of: byte, from: 0))
      #expect(count == model.count, "seed \(seed)")
      #expect(offset == model.firstIndex(of: byte), "seed \(seed)")
    }
    let bytes = Self.bytes(of: buffer)
    #expect(bytes == model, "seed \(seed)")
  }

  @Test func `an empty buffer that was released owns no memory`() {
    var buffer = ByteBuffer()
    buffer.append("text")
    buffer.consume(4)
    let before = buffer.capacity
    buffer.release()
    let after = buffer.capacity
    #expect(before > 0)
    #expect(after == 0)
  }
}
