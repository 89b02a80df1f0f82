import KVStore

/// The fields of maps and sets, for the store's own ways of writing: whoever replaces or removes a record there
/// removes them as well.
struct MapsOfRecords: RelatedEntries {
  func release(_ key: RawSpan, in evaluation: inout Evaluation) throws(StoreError) {
    try Records.release(key, in: &evaluation)
  }

  func touch(_ key: RawSpan, with reader: Reader) throws(StoreError) -> Int {
    try Records.touch(key, with: reader)
  }
}

extension Store {
  /// Has the store's own ways of writing (`put`, `delete`, `commit`, `Evaluation.put`, …) remove the fields of a map
  /// whose key they replace or remove; until then they refuse to, with `.wrongType`.
  ///
  /// Making an `OrderedMap` or an `ExpiryWorker` does it, and so does an evaluation that makes a map. Only a program
  /// that opens a store which has maps, and writes there before any of those, needs to call it.
  public func attachMaps() { attach(MapsOfRecords()) }
}
