import KVStore

/// How the store is created and run.
extension Setting {
  static let store: [Setting] = [
    .text(
      "dir", aliases: ["data"], .store, .start, form: "DIR", \.dataPath,
      "The store's directory, made if absent."),
    .integer(
      "partitions", .store, .start, \.store.partitionCount, in: 1...1024,
      "Into how many files the keys are spread. Fixed when the store is made: a store that has another "
        + "number keeps it, and the log says so."),
    .byteCount(
      "segment", .store, .start, \.store.segmentByteCount, in: (64 << 10)...(1 << 30),
      multipleOf: 4096,
      "The size of a file of the log, in steps of 4kib. Fixed when the store is made: a store that has "
        + "another size keeps it, and the log says so."),
    .choice(
      "durability", .store, .start, form: "MODE", \.store.durability,
      """
      When a write is acknowledged. sync: its bytes have survived fdatasync. periodic: they are in \
      the kernel's hands and synced every second; a crash of the machine may lose the last second.
      """),
    .byteCount(
      "memory", .store, .start, \.store.memoryByteCount, in: (8 << 20)...Int.max,
      "For what is not in the partition files yet and for carrying it there."),
  ]
}
