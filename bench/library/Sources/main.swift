import Foundation

/// `kvd-engines`: runs one workload against one engine in a fresh directory, and prints one JSON object.
/// It fails where the engine does not hold what it acknowledged.
do {
  let options = try Options(CommandLine.arguments)
  switch options.text("engine", "kvd") {
  case "kvd": try run(Bench<KvdEngine>(options))
  case "rocksdb": try run(Bench<RocksDBEngine>(options))
  case "lmdb": try run(Bench<LMDBEngine>(options))
  case let other: throw Failure("--engine is kvd, rocksdb or lmdb, not \(other)")
  }
} catch {
  FileHandle.standardError.write(Data("kvd-engines: \(error)\n".utf8))
  exit(1)
}

func run<E: Engine>(_ bench: Bench<E>) throws {
  switch bench.options.workload {
  case "write": report(try WriteWorkload.run(bench))
  case "get": report(try GetWorkload.run(bench))
  case "scan": report(try ScanWorkload.run(bench))
  case "fill-log": try RecoveryWorkload.fill(bench, report: report)
  case "replay": report(try RecoveryWorkload.replay(bench))
  case "delete": report(try DeleteWorkload.run(bench))
  case "shape": report(try ShapeWorkload.run(bench))
  case let other: throw Failure("there is no workload \(other)")
  }
}

func report(_ figures: [String: Any]) {
  let json = try? JSONSerialization.data(withJSONObject: figures, options: [.sortedKeys])
  FileHandle.standardOutput.write((json ?? Data()) + Data("\n".utf8))
}
