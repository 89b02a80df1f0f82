import Glibc
import Testing

@testable import KVStore

/// Damage made on purpose, and what `kvd check` and `kvd recover` make of it.
struct SalvageTests {
  private func kvd(_ arguments: String...) throws -> (status: Int32, text: String) {
    let process = try TestDaemon(arguments)
    let status = process.wait()
    return (status, process.text)
  }

  private static var options: StoreOptions {
    var options = StoreOptions()
    options.partitionCount = 2
    options.segmentByteCount = 256 << 10
    return options
  }

  private func key(_ number: Int) -> [UInt8] { Array("key \(number)".utf8) }
  private func value(_ number: Int) -> [UInt8] {
    Array("value \(number) \(String(repeating: "v", count: 60))".utf8)
  }

  /// A closed store with 2,000 entries in its partitions.
  private func closed() throws -> TestDirectory {
    let directory = TestDirectory()
    let store = try Store.open(at: directory.path + "/data", options: Self.options)
    var batch = Batch()
    for number in 0..<2000 { try batch.put(key(number), value(number)) }
    try store.commit(batch)
    try store.close()
    return directory
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    fseek(file, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: ftell(file))
    rewind(file)
    fread(&bytes, 1, bytes.count, file)
    return bytes
  }

  private func write(_ bytes: [UInt8], _ path: String) throws {
    let file = try #require(fopen(path, "w"))
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }

  private func places(of bytes: [UInt8], in file: [UInt8]) -> [Int] {
    let end = file.count - bytes.count
    return (0..<end).filter {
      file[$0] == bytes[0] && file[$0..<$0 + bytes.count].elementsEqual(bytes)
    }
  }

  /// The starts of the pages of an LMDB file with these flags and at least `count` nodes.
  private func pages(_ file: [UInt8], flags: UInt8, atLeast count: Int) -> [Int] {
    stride(from: 8192, to: file.count, by: 4096).filter { start in
      let lower = Int(file[start + 12]) | Int(file[start + 13]) << 8
      return file[start + 10] == flags && file[start + 11] == 0 && lower >= 16 + 2 * count
    }
  }

  @Test func `what is left of a partition with damaged pages and a damaged value is salvaged`()
    throws
  {
    let directory = try closed()
    let path = directory.path + "/data"
    let data = path + "/partition-0000/data.mdb"
    var file = try bytes(data)
    let leaves = pages(file, flags: 2, atLeast: 10)
    try #require(leaves.count > 6)
    for leaf in [leaves[1], leaves[4]] { for place in 8..<16 { file[leaf + place] = 0 } }
    // And one value, wherever copies of it stand.
    let changed = try #require((900..<1000).first { !places(of: value($0), in: file).isEmpty })
    for place in places(of: value(changed), in: file) { file[place + 6] ^= 1 }
    try write(file, data)
    let check = try kvd("check", "--data", path)
    #expect(check.status == 1, "\(check.text)")
    let plan = try kvd("recover", "--data", path, "--salvage", directory.path + "/new")
    #expect(plan.status == 3)
    #expect(plan.text.contains("given up: partition 0: the keys between "), "\(plan.text)")
    #expect(plan.text.contains("key \"key \(changed)\""), "\(plan.text)")
    #expect(plan.text.contains("nothing was changed; add --yes-give-up to proceed"))
    #expect(access(directory.path + "/new", F_OK) != 0)
    let done = try kvd(
      "recover", "--data", path, "--salvage", directory.path + "/new", "--yes-give-up")
    #expect(done.status == 0, "\(done.text)")
    #expect(try bytes(data) == file)
    #expect(try kvd("check", "--data", directory.path + "/new").status == 0)
    let store = try Store.open(at: directory.path + "/new", options: Self.options)
    defer { try? store.close() }
    var missing = 0
    for number in 0..<2000 {
      let found = try store.get(key(number))
      #expect(found == nil || found == value(number))
      missing += found == nil ? 1 : 0
    }
    // Two pages of keys, what shares their first bytes, and one value.
    #expect(missing > 2 && missing < 250, "\(missing)")
  }

  @Test
  func `a page that fails an assertion of LMDB's is a finding of check and a loss of salvage`()
    throws
  {
    try judge("expected a valid page tree, found a page that fails an LMDB assertion") { file in
      // A branch page that says it has no nodes at all.
      for branch in pages(file, flags: 1, atLeast: 2) {
        file[branch + 12] = 16
        file[branch + 13] = 0
      }
    }
  }

  @Test func `a partition that ends LMDB's process is a finding of check and a loss of salvage`()
    throws
  {
    try judge("expected a file that LMDB can read", "killed by signal 11") { file in
      // Entries that say of themselves that they have many values, which these files never have: LMDB
      // follows a cursor for them that is not there.
      for leaf in pages(file, flags: 2, atLeast: 10) {
        let node = leaf + (Int(file[leaf + 16]) | Int(file[leaf + 17]) << 8)
        file[node + 4] |= 4
      }
    }
  }

  /// Damages a partition of a sound store, and expects `check` to say so and `salvage` to go on.
  private func judge(_ findings: String..., damage: (inout [UInt8]) throws -> Void) throws {
    let directory = try closed()
    let path = directory.path + "/data"
    let data = path + "/partition-0001/data.mdb"
    var file = try bytes(data)
    try damage(&file)
    try write(file, data)
    let check = try kvd("check", "--data", path)
    #expect(check.status == 1, "\(check.text)")
    #expect(check.text.contains("partition-0001/data.mdb: \(findings[0])"), "\(check.text)")
    for finding in findings { #expect(check.text.contains(finding), "\(check.text)") }
    try salvage(path, into: directory.path + "/new", givingUp: "partition 1: ")
  }

  /// Demands a sound store at `new`, and that `loss` is reported.
  private func salvage(_ path: String, into new: String, givingUp loss: String) throws {
    let done = try kvd("recover", "--data", path, "--salvage", new, "--yes-give-up")
    #expect(done.status == 0, "\(done.text)")
    #expect(done.text.contains("given up: \(loss)"), "\(done.text)")
    let check = try kvd("check", "--data", new)
    #expect(check.status == 0, "\(check.text)")
  }

  /// A store that was killed, with ten batches that only the log has.
  private func killed() throws -> TestDirectory {
    let directory = TestDirectory()
    let path = directory.path + "/data"
    let daemon = try TestDaemon.serving(path, ["--partitions", "2"])
    let client = try daemon.client()
    for number in 0..<10 {
      #expect(try client.ask("MSET", "a\(number)", "\(number)", "b\(number)", "\(number)") == "+OK")
    }
    #expect(daemon.end(with: SIGKILL) == -SIGKILL)
    return directory
  }

  private func damageLog(_ path: String) throws -> (name: String, bytes: [UInt8], lsn: UInt64) {
    var log = try StoreInspection(at: path).log()
    var starts: [UInt64] = []
    var offsets: [Int] = []
    while let record = try log.next() {
      if record.sequence == 5 {
        starts.append(log.position.rawValue)
        offsets.append(record.fileOffset + record.byteCount)
      }
    }
    let name = path + "/log/0000000000000000.log"
    var file = try bytes(name)
    file[try #require(offsets.first) + 41] ^= 0xFF
    try write(file, name)
    return (name, file, starts[0])
  }

  @Test func `a log damaged in its middle is refused, and can be cut there`() throws {
    let directory = try killed()
    let path = directory.path + "/data"
    let (name, damaged, lsn) = try damageLog(path)
    let refused = try kvd("recover", "--data", path)
    #expect(refused.status == 1)
    #expect(refused.text.contains("expected a valid record at LSN \(lsn)"), "\(refused.text)")
    let wrong = try kvd("recover", "--data", path, "--truncate-at", "\(lsn + 8)", "--yes-give-up")
    #expect(wrong.status == 1, "\(wrong.text)")
    let plan = try kvd("recover", "--data", path, "--truncate-at", "\(lsn)")
    #expect(plan.status == 3)
    #expect(plan.text.contains("given up: 4 committed transactions"), "\(plan.text)")
    #expect(try bytes(name) == damaged)
    let done = try kvd("recover", "--data", path, "--truncate-at", "\(lsn)", "--yes-give-up")
    #expect(done.status == 0, "\(done.text)")
    #expect(try bytes(name + ".damaged") == damaged)
    let recovered = try kvd("recover", "--data", path)
    #expect(recovered.status == 0, "\(recovered.text)")
    #expect(recovered.text.contains(": rolled forward\n"))
    #expect(try kvd("check", "--data", path).status == 0)
    let store = try Store.open(at: path)
    defer { try? store.close() }
    #expect(try store.countEntries() == 10)
    #expect(try store.get(Array("a4".utf8)) == Array("4".utf8))
  }

  @Test func `salvage takes what stands behind the damage in the log too`() throws {
    let directory = try killed()
    let path = directory.path + "/data"
    let (name, damaged, _) = try damageLog(path)
    let done = try kvd(
      "recover", "--data", path, "--salvage", directory.path + "/new", "--yes-give-up")
    #expect(done.status == 0, "\(done.text)")
    #expect(done.text.contains("given up: the log from LSN "), "\(done.text)")
    #expect(try bytes(name) == damaged)
    #expect(try kvd("check", "--data", directory.path + "/new").status == 0)
    let store = try Store.open(at: directory.path + "/new")
    defer { try? store.close() }
    // One batch of two keys is lost, of which one partition's half may be all there was.
    #expect(try store.countEntries() == 18)
    #expect(try store.get(Array("a9".utf8)) == Array("9".utf8))
  }

  @Test func `nothing is salvaged into a directory that has something in it`() throws {
    let directory = try closed()
    let path = directory.path + "/data"
    let refused = try kvd("recover", "--data", path, "--salvage", path, "--yes-give-up")
    #expect(refused.status == 1)
    #expect(refused.text.contains("nothing was overwritten"), "\(refused.text)")
  }

  /// Salvage gave up at the first deletion of a field, of a member or of an expiry in the log.
  @Test func `hashes, sets and expiries that the log changes and deletes are salvaged`() throws {
    let directory = TestDirectory()
    let path = directory.path + "/data"
    let daemon = try TestDaemon.serving(path, ["--partitions", "2"])
    let client = try daemon.client()
    let large = (0..<600).flatMap { ["f\($0)", "v"] }
    for request in [
      ["HSET", "h", "a", "1", "b", "2"], ["HDEL", "h", "a"], ["HSET", "gone", "a", "1"],
      ["DEL", "gone"], ["HSET", "large"] + large, ["DEL", "large"], ["SADD", "s", "a", "b"],
      ["SREM", "s", "a"], ["SET", "m", "1", "EX", "1000"], ["EXPIRE", "m", "2000"],
      ["SET", "n", "1", "EX", "1000"], ["SET", "n", "2"],
    ] {
      let reply = try client.ask(request)
      #expect(!reply.hasPrefix("-"), "\(request.prefix(2)): \(reply)")
    }
    #expect(daemon.end(with: SIGKILL) == -SIGKILL)
    try salvage(path, into: directory.path + "/new", givingUp: "nothing")
    let copy = try TestDaemon.serving(directory.path + "/new")
    let reader = try copy.client()
    #expect(try reader.ask("HGETALL", "h") == "[$b $2]")
    #expect(try reader.ask("SMEMBERS", "s") == "[$b]")
    #expect(try reader.ask("EXISTS", "gone", "large") == ":0")
    #expect(try reader.ask("GET", "n") == "$2")
    #expect(try reader.ask("TTL", "n") == ":-1")
    #expect(try reader.ask("DBSIZE") == ":4")
    #expect(copy.end(with: SIGTERM) == 0)
  }
}
