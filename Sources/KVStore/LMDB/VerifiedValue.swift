extension LMDBEnvironment {
  /// The header of a value that was read from this file, with its checksum verified. A value that fails
  /// verification is counted.
  @inline(__always)
  func decode(_ stored: RawSpan, at address: EntryAddress) throws(StoreError) -> StoredValue.Header
  {
    if let header = StoredValue.soundHeader(stored, at: address, seed: checksumSeed) {
      return header
    }
    return try decodeUnsound(stored, at: address)
  }

  @inline(never)
  private func decodeUnsound(
    _ stored: RawSpan, at address: EntryAddress
  ) throws(StoreError) -> StoredValue.Header {
    do throws(StoreError) {
      return try StoredValue.decode(stored, at: address, seed: checksumSeed, file: path)
    } catch {
      noteDamagedValue(error, at: address)
      throw error
    }
  }
}
