import Base
import TxnWAL

/// Reads what can be read of a damaged partition. Changes nothing.
struct PartitionSalvage {
  let inspection: StoreInspection
  let index: Int
  let start: SalvageStart
  let emit: (SalvagedPiece) -> Void

  func run() {
    do throws(StoreError) {
      let environment = try inspection.environment(index)
      defer { environment.close() }
      try read(environment, try environment.makeReader())
    } catch {
      emit(.lost("partition \(index): \(error)"))
    }
    emit(.end)
  }

  private func read(
    _ environment: LMDBEnvironment, _ reader: ReadTransaction
  ) throws(StoreError) {
    var state = AppliedState(lsn: 0, sequence: 0)
    do throws(StoreError) {
      state = try reader.appliedState()
    } catch {
      emit(.lost("partition \(index): its applied LSN: \(error)"))
    }
    let applied = state.lsn
    emit(.applied(applied, sequence: state.sequence))
    let floor = inspection.manifest.partitions[index].leastAppliedLSN
    if applied < floor {
      emit(.lost("partition \(index): all writes between LSN \(applied) and \(floor)"))
    }
    var tombstones = RangeIndex()
    do throws(StoreError) {
      if reader.hasFailed { try reader.renew() }
      tombstones.insert(try reader.tombstones())
    } catch {
      emit(
        .lost("partition \(index): pending range deletes, so deleted keys may reappear: \(error)"))
    }
    walk(environment, reader, tombstones)
  }

  /// Reads all entries. Where a page cannot be read, it seeks keys after it, one bound after another. Each
  /// attempt is reported before it is made, because LMDB may end the process in it.
  private func walk(
    _ environment: LMDBEnvironment, _ reader: ReadTransaction, _ tombstones: RangeIndex
  ) {
    var last = start.after
    var place = start.place
    while true {
      // Before every stored key.
      var bound: [UInt8] = [0]
      if place >= 0 {
        let bounds = SalvageStart.bounds(behind: last)
        guard place < bounds.count else {
          return emit(.lost("partition \(index): all keys after \(text(last))"))
        }
        bound = bounds[place]
        emit(.trying(UInt64(place)))
      }
      let before = last
      do throws(StoreError) {
        // LMDB's rule: after an error a transaction returns nothing more.
        if place >= 0 || reader.hasFailed { try reader.renew() }
        var cursor = try reader.makeCursor()
        var isEntry = try cursor.seek(bound.rawSpan)
        if isEntry, place >= 0 {
          let next = cursor.withEntry { key, _ in Array(copying: key) }
          emit(.lost("partition \(index): the keys between \(text(last)) and \(text(next))"))
        }
        while isEntry {
          last = take(&cursor, environment, tombstones)
          isEntry = try cursor.next()
        }
        if place >= 0, last == before {
          emit(.lost("partition \(index): all keys after \(text(last))"))
        }
        return
      } catch {
        place = last == before ? place + 1 : 0
      }
    }
  }

  private func take(
    _ cursor: inout Cursor, _ environment: LMDBEnvironment, _ tombstones: RangeIndex
  ) -> [UInt8] {
    cursor.withEntry { storedKey, stored in
      let copy = Array(copying: storedKey)
      let address = EntryAddress(storedAs: storedKey)
      do throws(StoreError) {
        let header = try StoredValue.decode(
          stored, at: address, seed: environment.checksumSeed, file: environment.path)
        let value = stored.extracting(droppingFirst: StoredValue.headerByteCount)
        if tombstones.newest(over: address, at: .max) > header.sequence {
          if address.keyspace == .keys, Orphan.isOwner(header.type, value),
            tombstones.newest(over: Orphan.ofEverythingOwned, at: .max) <= header.sequence
          {
            let first = value.extracting(0..<min(value.byteCount, Orphan.valueByteLimit))
            emit(
              .hiddenOwner(
                storedKey: copy, value: Array(copying: first), type: header.type,
                sequence: header.sequence))
          }
        } else {
          emit(
            .entry(
              storedKey: copy, value: Array(copying: value), type: header.type,
              expiry: header.expiryMilliseconds, sequence: header.sequence))
        }
      } catch {
        emit(.lost("partition \(index): \(error)"))
      }
      return copy
    }
  }

  private func text(_ key: [UInt8]?) -> String {
    key.map { Finding.printable(Array($0.dropFirst())) } ?? "the beginning"
  }
}

/// Where to begin reading a partition: at its first key, or after a key at which LMDB ended the process.
public struct SalvageStart: Sendable, Equatable {
  /// The last stored key that was read.
  public var after: [UInt8]?
  /// Which of the bounds after it to try first; -1 begins with the first key of all.
  public var place = -1

  /// Begins at the first key of all, or at the bound number `place` after `after`.
  public init(after: [UInt8]? = nil, place: Int = -1) {
    self.after = after
    self.place = place
  }

  /// Stored keys to seek after `last`, in order: those that share the longest prefix with it first.
  static func bounds(behind last: [UInt8]?) -> [[UInt8]] {
    guard let last else { return (0...255).map { [UInt8($0)] } }
    var bounds: [[UInt8]] = []
    for count in (0..<last.count).reversed() where last[count] < 255 {
      for byte in last[count] + 1...255 { bounds.append(last[..<count] + [byte]) }
    }
    return bounds
  }
}

extension StoreInspection {
  /// Reads what can be read of one partition, and passes it to `write` in pieces for `StoreSalvage`. Call it
  /// in a process that may die: damage can make LMDB abort.
  public func salvage(
    partition index: Int, from start: SalvageStart, _ write: @escaping ([UInt8]) -> Void
  ) {
    PartitionSalvage(inspection: self, index: index, start: start) { write($0.encoded) }.run()
  }
}
