import KVStore

/// Lets the store's own write paths remove the fields of maps and sets whose records they replace or remove.
struct MapFieldCleanup: DependentEntries {
  func release(_ key: RawSpan, in evaluation: inout Evaluation) throws(StoreError) {
    try Records.release(key, in: &evaluation)
  }

  func touch(_ key: RawSpan, with reader: Reader) throws(StoreError) -> Int {
    try Records.touch(key, with: reader)
  }
}

extension Store {
  /// Makes the store's own writes (`put`, `delete`, `commit`, `Evaluation.put`, …) remove the fields of a map when
  /// they replace or remove its key. Without it they refuse to do so, with `.wrongType`.
  ///
  /// Creating an `OrderedMap` or an `ExpiryWorker` does this, and so does an evaluation that creates a map. Only a
  /// program that opens a store with existing maps and writes before any of these needs to call it.
  public func attachMaps() { attach(MapFieldCleanup()) }
}
