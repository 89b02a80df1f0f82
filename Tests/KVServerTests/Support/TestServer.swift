import Base
import Glibc
import KVServer

@testable import KVStore

/// A server on a port of the system's choice, over a store in a directory of its own.
final class TestServer: @unchecked Sendable {
  // Threads of a test only make clients; it is stopped by the one that made it.
  let directory: TestDirectory
  private let server: Server

  init(
    store options: StoreOptions = StoreOptions(), in directory: TestDirectory = TestDirectory(),
    _ change: (inout ServerOptions) -> Void = { _ in }
  ) throws {
    self.directory = directory
    let path = directory.path + "/data"
    let storeOptions = options
    var options = ServerOptions()
    options.port = 0
    options.dataPath = path
    // Of a test that is not about it, no sanitizer's slowness should meet the limit.
    if Sanitizer.isOn { options.scriptMilliseconds = 120_000 }
    options.reopen = { () throws(StoreError) in try Store.open(at: path, options: storeOptions) }
    change(&options)
    server = try Server(store: Store.open(at: path, options: storeOptions), options: options)
  }

  /// Over a store so small that memtables are sealed and applied, and segments recycled, all the time.
  static func small(_ change: (inout ServerOptions) -> Void = { _ in }) throws -> TestServer {
    var options = StoreOptions()
    options.partitionCount = 4
    options.memoryByteCount = 8 << 20
    options.segmentByteCount = 1 << 20
    options.logByteLimit = 4 << 20
    return try TestServer(store: options, change)
  }

  var store: Store { server.store }
  var port: Int { server.port }

  func client() throws -> TestClient { try TestClient(port: port) }

  func client(as user: String, _ password: String) throws -> TestClient {
    let client = try client()
    let reply = try client.ask("AUTH", user, password)
    guard reply == "+OK" else { throw TestFailure(message: reply) }
    return client
  }

  /// Begins to stop the server as a signal does.
  func beginStop() { server.stop() }

  /// Stops the server as a signal does, and waits until every thread has ended.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    server.stop()
    server.wait()
  }

  /// Stops this one and starts another over the same store.
  func restarted() throws -> TestServer {
    stop()
    try store.close()
    return try TestServer(in: directory)
  }

  private var isStopped = false

  deinit {
    stop()
    try? store.close()
  }
}

/// A directory that goes with the object.
final class TestDirectory: Sendable {
  let path: String

  init() {
    var template = Array("/tmp/kvd-server-test-XXXXXX".utf8CString)
    precondition(mkdtemp(&template) != nil, "no temporary directory")
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit { Self.removeTree(path) }

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

/// Runs `body` with the numbers below `count`, each on a thread of its own, and throws the first error.
func inThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
  let failure = Lock<(any Error)?>(nil)
  let threads = (0..<count).map { number in
    WorkerThread(name: "test-\(number)") {
      do {
        try body(number)
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
  }
  for thread in threads { thread.join() }
  if let failure = failure.withLock({ $0 }) { throw failure }
}
