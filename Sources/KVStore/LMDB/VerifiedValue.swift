extension LMDBEnvironment {
  /// The header of a value that was read from this file, with its checksum verified. A value that fails
  /// verification is counted.
  @inline(__always)
  func decode(_ stored: RawSpan, key: RawSpan) throws(StoreError) -> StoredValue.Header {
    if let header = StoredValue.soundHeader(stored, key: key, seed: checksumSeed) { return header }
    return try decodeUnsound(stored, key: key)
  }

  @inline(never)
  private func decodeUnsound(
    _ stored: RawSpan, key: RawSpan
  ) throws(StoreError) -> StoredValue.Header {
    do throws(StoreError) {
      return try StoredValue.decode(stored, key: key, seed: checksumSeed, file: path)
    } catch {
      noteDamagedValue(error, key: key)
      throw error
    }
  }
}
