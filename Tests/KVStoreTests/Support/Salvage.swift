@testable import KVStore

/// Salvages the store at `path` into `target`, reading its partitions in this process.
@discardableResult
func salvage(
  _ path: String, into target: String?, beforeReading: () throws -> Void = {}
) throws -> SalvageReport {
  let inspection = try StoreInspection(at: path)
  var salvage = StoreSalvage(of: inspection)
  var failure: (any Error)?
  let report = try salvage.run(into: target) { index, start, take in
    do { try beforeReading() } catch { failure = error }
    var pieces: [UInt8] = []
    inspection.salvage(partition: index, from: start) { pieces += $0 }
    take(pieces[...])
    return 0
  }
  if let failure { throw failure }
  return report
}
