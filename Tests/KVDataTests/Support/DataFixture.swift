import Base
import Foundation
import KVData

@testable import KVStore

/// A store in a directory of its own, small enough that memtables are sealed and applied in a test.
final class DataFixture {
  let path = FileManager.default.temporaryDirectory
    .appending(path: "kvd-data-\(UUID().uuidString)").path
  private let options: StoreOptions
  private(set) var store: Store

  init(_ change: (inout StoreOptions) -> Void = { _ in }) throws {
    var options = StoreOptions()
    options.partitionCount = 4
    options.segmentByteCount = 256 << 10
    options.memoryByteCount = 8 << 20
    options.logByteLimit = 2 << 20
    change(&options)
    self.options = options
    store = try Store.open(at: path, options: options)
  }

  deinit {
    try? store.close()
    try? FileManager.default.removeItem(atPath: path)
  }

  func reopen() throws {
    try store.close()
    store = try Store.open(at: path, options: options)
  }

  /// Opens the store again as it is after `change` to its files.
  func reopen(after change: () throws -> Void) throws {
    try store.close()
    try change()
    store = try Store.open(at: path, options: options)
  }

  /// What `kvd check` says of the store once it is closed; it is open again afterwards.
  func check() throws -> CheckReport {
    try store.close()
    let report = try StoreInspection(at: path).check()
    store = try Store.open(at: path, options: options)
    return report
  }

  func map(_ key: String) -> OrderedMap { OrderedMap(at: bytes(key), in: store) }

  /// Runs `body` as one durable batch.
  func write<R>(_ body: (inout Evaluation) throws(StoreError) -> R) throws -> R {
    let (result, receipt) = try store.admitAndEvaluate(byteCount: 1 << 16, body)
    try store.waitUntilDurable(receipt)
    return result
  }

  /// How many fields of maps the store has.
  func fieldCount() throws -> Int {
    try store.scan(.everything, in: .owned).count
  }
}

extension OrderedMap {
  func contents(
    _ range: KeyRange = .everything, reverse: Bool = false, limit: Int = .max
  ) throws -> [Entry] {
    var entries: [Entry] = []
    try scan(range, reverse: reverse, limit: limit) { field, value in
      entries.append(Entry(field: Array(copying: field), value: Array(copying: value)))
      return true
    }
    return entries
  }
}

struct Entry: Equatable, CustomStringConvertible {
  var field: [UInt8]
  var value: [UInt8]

  var description: String { "\(field): \(value.count) bytes" }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
