/// All nodes of a memtable in insertion order. Ordered runs are built from it.
///
///     chunk   address of the next chunk   UInt, written before the first node of that chunk
///             nodes' addresses            UInt each, 511 of them
///
/// The published count is stored with release order after everything it covers. A reader that loads it may
/// walk that many nodes, whatever the writer does meanwhile.
@safe struct NodeList {
  private static let nodesPerChunk = 511

  /// A position in the list.
  @safe struct Position {
    fileprivate var chunk: UnsafeMutableRawPointer
    fileprivate var offset = 0
  }

  let start: Position
  private let published: AtomicWord

  /// - Parameter published: an atomic word, which must be 0.
  init(published: AtomicWord, in arena: inout Arena) {
    self.published = published
    start = Self.makeChunk(in: &arena)
  }

  private static func makeChunk(in arena: inout Arena) -> Position {
    unsafe Position(chunk: arena.allocate(byteCount: 8 * (1 + nodesPerChunk)))
  }

  /// How many nodes are published. Callable from any thread.
  var count: Int { @inline(__always) get { Int(bitPattern: published.load()) } }

  /// Publishes one more node. `end` is the writer's own record of where the list ends.
  @inline(__always)
  func append(_ node: KeyNode, at end: inout Position, in arena: inout Arena) {
    if end.offset == Self.nodesPerChunk {
      let next = Self.makeChunk(in: &arena)
      unsafe end.chunk.storeBytes(of: UInt(bitPattern: next.chunk), as: UInt.self)
      end = next
    }
    end.offset &+= 1
    unsafe end.chunk.storeBytes(of: node.word, toByteOffset: end.offset &* 8, as: UInt.self)
    published.publish(UInt(bitPattern: count &+ 1))
  }

  /// Calls `body` with `count` published nodes from `position` on, and returns where it stopped.
  func forEach(from position: Position, count: Int, _ body: (KeyNode) -> Void) -> Position {
    var position = position
    for _ in 0..<count {
      if position.offset == Self.nodesPerChunk {
        let next = unsafe position.chunk.load(as: UInt.self)
        unsafe position = Position(
          chunk: UnsafeMutableRawPointer(bitPattern: next).unsafelyUnwrapped)
      }
      position.offset &+= 1
      let word = unsafe position.chunk.load(fromByteOffset: position.offset &* 8, as: UInt.self)
      body(KeyNode(at: word))
    }
    return position
  }
}
