import Base
import Net

/// The clients in MONITOR on one event loop.
extension RESPFrontEnd {
  func beginMonitoring(_ connection: Client) {
    monitors.append(connection)
    connection.limits.isPushedTo = true
    configure(connection)
  }

  /// Sends monitors their lines and cuts off those that are too slow.
  func deliverFeeds(on loop: ClientLoop) {
    guard !monitors.isEmpty else { return }
    for connection in monitors {
      guard connection.isServed, let feed = connection.context.session.feed else { continue }
      guard let lines = feed.take() else {
        loop.cutOff(connection, because: .slowReader)
        continue
      }
      guard !lines.isEmpty else { continue }
      let limit = connection.limits.output.hard
      guard limit == 0 || connection.output.count + lines.count <= limit else {
        loop.cutOff(connection, because: .outputLimit)
        continue
      }
      lines.withRawBytes { connection.output.bytes.append($0) }
      loop.send(connection)
    }
  }
}
