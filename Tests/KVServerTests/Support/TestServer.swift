import Glibc
import KVServer
import KVStore

/// A server on a port of the system's choice, over a store in a directory of its own.
final class TestServer {
  let store: Store
  private let server: Server
  private let directory: String

  init(_ change: (inout ServerOptions) -> Void = { _ in }) throws {
    var template = Array("/tmp/kvd-server-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw TestFailure(message: "mkdtemp failed") }
    directory = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    store = try Store.open(at: directory + "/data", options: StoreOptions())
    var options = ServerOptions()
    options.port = 0
    change(&options)
    server = try Server(store: store, options: options)
  }

  var port: Int { server.port }

  func client() throws -> TestClient { try TestClient(port: port) }

  /// Stops the server as a signal does, and waits until every thread has ended.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    server.stop()
    server.wait()
  }

  private var isStopped = false

  deinit {
    stop()
    try? store.close()
    Self.removeTree(directory)
  }

  private static func removeTree(_ path: String) {
    if let entries = opendir(path) {
      while let entry = readdir(entries) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { removeTree(path + "/" + name) }
      }
      closedir(entries)
    }
    remove(path)
  }
}

struct TestFailure: Error {
  let message: String
}
