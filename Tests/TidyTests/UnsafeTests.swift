import Testing

/// Where the compiler's guarantees end is written down, and stays few.
@Suite struct UnsafeTests {
  /// The audit list: the only files that may contain the word `unsafe`. A file that is added here is
  /// one more that a reviewer has to read line by line.
  static let audited: Set<String> = [
    "Sources/Base/Bytes/ByteOrder.swift",
    "Sources/Base/Bytes/CRC32C.swift",
    "Sources/Base/Bytes/LittleEndian.swift",
    "Sources/Base/Errors/IOError.swift",
    "Sources/Base/Files/DiskSpace.swift",
    "Sources/Base/Files/FileNames.swift",
    "Sources/Base/Files/FileSystem.swift",
    "Sources/Base/Files/SecureOpen.swift",
    "Sources/Base/Threads/Lock.swift",
    "Sources/Base/Threads/Monitor.swift",
    "Sources/Base/Threads/PlatformMutex.swift",
    "Sources/Base/Threads/WorkerThread.swift",
    "Sources/Base/Time/SystemClock.swift",
    "Sources/KVFoundation/UUID.swift",
    "Sources/KVServer/Protocol/Decimal.swift",
    "Sources/KVServer/Protocol/RawBytes.swift",
    "Sources/KVServer/Scripting/LuaMachine.swift",
    "Sources/KVServer/System/System.swift",
    "Sources/KVStore/Bytes/CopiedBytes.swift",
    "Sources/KVStore/Bytes/LentBytes.swift",
    "Sources/KVStore/Format/StoredValue.swift",
    "Sources/KVStore/LMDB/Cursor.swift",
    "Sources/KVStore/LMDB/LMDBEnvironment.swift",
    "Sources/KVStore/LMDB/LMDBFile.swift",
    "Sources/KVStore/LMDB/LMDBStatistics.swift",
    "Sources/KVStore/LMDB/LMDBStatus.swift",
    "Sources/KVStore/LMDB/MappedPage.swift",
    "Sources/KVStore/LMDB/MappedTree.swift",
    "Sources/KVStore/LMDB/RawTransaction.swift",
    "Sources/KVStore/LMDB/ReadTransaction.swift",
    "Sources/KVStore/LMDB/WriteTransaction.swift",
    "Sources/KVStore/Memtable/Arena.swift",
    "Sources/KVStore/Memtable/IndexTable.swift",
    "Sources/KVStore/Memtable/KeyNode.swift",
    "Sources/KVStore/Memtable/KeyVersion.swift",
    "Sources/KVStore/Memtable/Memtable.swift",
    "Sources/KVStore/Memtable/NodeList.swift",
    "Sources/KVStore/Memtable/SortedRun.swift",
    "Sources/KVStore/Memtable/SystemPages.swift",
    "Sources/Net/Buffers/ByteBuffer.swift",
    "Sources/Net/System/EventDescriptor.swift",
    "Sources/Net/System/Poller.swift",
    "Sources/Net/System/Socket.swift",
    "Sources/TxnWAL/Log/LogBuffer.swift",
    "Sources/kvd/ChildProcess.swift",
    "Sources/kvd/Descriptors.swift",
    "Sources/kvd/Environment.swift",
    "Sources/kvd/Log.swift",
    "Sources/kvd/Signals.swift",
  ]

  /// How long the audit list may become.
  static let limit = 49

  @Test func `unsafe code lives in the audited files only`() throws {
    let found = Set(
      try SourceTree.files(under: "Sources").filter { $0.contains(word: "unsafe") }.map(\.path))
    #expect(found.subtracting(Self.audited).isEmpty, "not on the audit list")
    #expect(Self.audited.subtracting(found).isEmpty, "on the audit list without need")
    #expect(Self.audited.count <= Self.limit)
  }

  @Test func `every unchecked Sendable has its reason beside it or right above`() throws {
    for file in try SourceTree.files(under: "Sources") {
      let lines = file.lines
      for (index, line) in lines.enumerated() where line.contains("@unchecked Sendable") {
        if line.contains("//") { continue }
        let above = lines[..<index].last { !$0.isAttribute }
        #expect(
          above?.isComment == true, "\(file):\(index + 1): why is it sound to send this?")
      }
    }
  }
}

extension Substring {
  /// Whether the line is a comment and nothing else.
  var isComment: Bool { drop { $0 == " " }.hasPrefix("//") }

  /// Whether the line holds an attribute of the declaration below it and nothing else.
  var isAttribute: Bool {
    let content = drop { $0 == " " }
    guard content.hasPrefix("@") else { return false }
    let name = content.prefix { $0 != "(" && $0 != " " }
    let rest = content.dropFirst(name.count)
    return rest.isEmpty || rest.hasPrefix("(") && rest.hasSuffix(")")
  }
}
