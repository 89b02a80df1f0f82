/// The open connections of an event loop. The place of a connection is its token with the poller, so finding it takes
/// no hashing.
struct ConnectionTable<Context> {
  private var places: [Connection<Context>?] = []
  private var free: [Int] = []
  /// Places that became free in this turn. They are not used in it again: the poller's events of this turn may
  /// still carry their tokens.
  private var freed: [Int] = []
  private var placesByID: [UInt64: Int] = [:]

  var count: Int { placesByID.count }
  var isEmpty: Bool { placesByID.isEmpty }
  var all: [Connection<Context>] { places.compactMap { $0 } }

  /// Sets the connection's token.
  mutating func insert(_ connection: Connection<Context>) {
    let place: Int
    if let last = free.popLast() {
      place = last
      places[place] = connection
    } else {
      place = places.count
      places.append(connection)
    }
    placesByID[connection.id] = place
    connection.token = UInt64(place)
  }

  /// Returns false if it is not there.
  mutating func remove(_ connection: Connection<Context>) -> Bool {
    guard let place = placesByID.removeValue(forKey: connection.id) else { return false }
    places[place] = nil
    freed.append(place)
    return true
  }

  /// To be called when no event of an earlier poll is left.
  mutating func beginTurn() {
    guard !freed.isEmpty else { return }
    free += freed
    freed.removeAll(keepingCapacity: true)
  }

  @inline(__always)
  subscript(token token: UInt64) -> Connection<Context>? { places[Int(token)] }

  subscript(id id: UInt64) -> Connection<Context>? { placesByID[id].flatMap { places[$0] } }
}
