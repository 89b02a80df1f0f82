/// Where libFuzzer enters. Which decoder it is for is told by a flag, one build a decoder.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  #if FUZZ_REQUESTS
    _ = feedRequests(bytes)
  #elseif FUZZ_RECORDS
    _ = feedRecords(bytes)
  #elseif FUZZ_STORED
    _ = feedStored(bytes)
  #elseif FUZZ_TUPLES
    _ = feedTuples(bytes)
  #endif
  return 0
}
