import Base
import Glibc
import KVStore
import TxnWAL

/// `kvd stat`: figures about a store.
enum StatCommand: Subcommand {
  static let name = "stat"
  static let summary = "print sizes, watermarks, free pages and reader slots"
  static let help = """
    usage: kvd stat [--data DIR] [--json yes]

      --data DIR   the store's directory               (default ./kvd-data)
      --json yes   print the result as one line of JSON

    Changes nothing. Can be used while kvd is running. A partition that cannot be read is reported on
    stderr, and the others are shown.

    Exit status: 0 success, 2 the store or part of it could not be read, 64 usage error.

    """

  static func run(_ arguments: ArraySlice<String>) throws(UsageError) -> Int32 {
    let flags = try Flags(arguments, known: ["data", "json"])
    let path = try flags.text("data", default: "./kvd-data")
    let isJSON = try flags.isSet("json")
    do throws(StoreError) {
      let inspection = try StoreInspection(at: path)
      let log = try inspection.log().summary
      let (partitions, failures) = partitions(of: inspection)
      Log.write(
        isJSON
          ? json(inspection, log, partitions, failures).encoded + "\n"
          : text(inspection, log, partitions), to: STDOUT_FILENO)
      for (index, error) in failures {
        Log.write("kvd stat: partition \(index) cannot be read: \(error)\n", to: STDERR_FILENO)
      }
      return failures.isEmpty ? 0 : 2
    } catch {
      Log.write("kvd stat: \(error)\n", to: STDERR_FILENO)
      return 2
    }
  }

  private static func partitions(
    of inspection: StoreInspection
  ) -> (readable: [PartitionSummary], failures: [(Int, StoreError)]) {
    var readable: [PartitionSummary] = []
    var failures: [(Int, StoreError)] = []
    for index in 0..<inspection.partitionCount {
      do throws(StoreError) {
        readable.append(try inspection.partition(index))
      } catch {
        failures.append((index, error))
      }
    }
    return (readable, failures)
  }

  private static func text(
    _ inspection: StoreInspection, _ log: LogSummary, _ partitions: [PartitionSummary]
  ) -> String {
    var text = """
      store       \(inspection.storeID), opened \(Plural.count(Int(log.epoch), "time"))
      log         \(Plural.count(log.segmentCount, "segment")) of \(log.segmentByteCount) bytes, checkpoint at LSN \
      \(log.checkpoint), sequence \(log.sequence)
      partition  applied LSN  applied sequence     entries  deletes       bytes     pages  \
      free pages  depth  reader slots

      """
    for partition in partitions {
      text +=
        column(partition.index, 9) + column(partition.appliedLSN, 13)
        + column(partition.appliedSequence, 18) + column(partition.entryCount, 12)
        + column(partition.tombstoneCount, 9) + column(partition.fileByteCount, 12)
        + column(partition.pageCount, 10) + column(partition.freePageCount, 12)
        + column(partition.depth, 7) + column(partition.readerSlotCount, 14) + "\n"
    }
    return text
  }

  private static func column(_ value: some BinaryInteger, _ width: Int) -> String {
    let digits = "\(value)"
    return String(repeating: " ", count: max(1, width - digits.count)) + digits
  }

  private static func json(
    _ inspection: StoreInspection, _ log: LogSummary, _ partitions: [PartitionSummary],
    _ failures: [(Int, StoreError)]
  ) -> JSONText {
    .object([
      ("store", .text(inspection.storeID)), ("epoch", .number(UInt64(log.epoch))),
      ("segments", .number(log.segmentCount)), ("segment_bytes", .number(log.segmentByteCount)),
      ("checkpoint_lsn", .number(log.checkpoint.rawValue)), ("sequence", .number(log.sequence)),
      (
        "partitions",
        .list(
          partitions.map { partition in
            .object([
              ("partition", .number(partition.index)),
              ("applied_lsn", .number(partition.appliedLSN)),
              ("applied_sequence", .number(partition.appliedSequence)),
              ("entries", .number(partition.entryCount)),
              ("range_deletes", .number(partition.tombstoneCount)),
              ("bytes", .number(partition.fileByteCount)),
              ("pages", .number(partition.pageCount)),
              ("free_pages", .number(partition.freePageCount)),
              ("depth", .number(partition.depth)),
              ("reader_slots", .number(partition.readerSlotCount)),
            ])
          })
      ),
      (
        "unreadable",
        .list(
          failures.map { index, error in
            .object([("partition", .number(index)), ("error", .text("\(error)"))])
          })
      ),
    ])
  }
}
