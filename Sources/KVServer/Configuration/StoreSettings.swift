import KVStore

/// How the store is created and run.
extension Setting {
  static let store: [Setting] = [
    .text(
      "dir", aliases: ["data"], .store, .start, form: "DIR", \.dataPath,
      "The store's directory, created if it does not exist."),
    .integer(
      "partitions", .store, .start, \.store.partitionCount, in: 1...1024,
      "The number of partition files that hold the keys. Fixed when the store is created: an existing store "
        + "with another number keeps it, which is logged."),
    .byteCount(
      "segment", .store, .start, \.store.segmentByteCount, in: (64 << 10)...(1 << 30),
      multipleOf: 4096,
      "The size of a log segment, a multiple of 4kib. Fixed when the store is created: an existing store "
        + "with another size keeps it, which is logged."),
    .choice(
      "durability", .store, .start, form: "MODE", \.store.durability,
      """
      When a write is acknowledged. sync: after fdatasync. periodic: after it was passed to the kernel, \
      with an fdatasync every second; a crash of the machine may lose the last second of writes.
      """),
    .byteCount(
      "memory", .store, .start, \.store.memoryByteCount, in: (8 << 20)...Int.max,
      "Memory for writes that are not in the partition files yet, and for applying them."),
  ]
}
