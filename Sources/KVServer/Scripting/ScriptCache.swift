import Base
import Synchronization

/// A script given by EVAL or SCRIPT LOAD.
struct Script: Sendable {
  /// In lower-case hexadecimal.
  let digest: [UInt8]
  /// The text that is compiled: without the first line, if that declares flags.
  let source: [UInt8]
  /// The script declares that it does not write.
  let isReadOnly: Bool
  /// The first line declares flags, if only an empty list.
  let hasFlags: Bool

  /// The most bytes of one script. Its digest is computed first, which cannot be interrupted. (Compiling ends
  /// when its time is up.)
  static let byteLimit = 1 << 20

  private static let knownFlags: Set<String> = [
    "no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys",
  ]

  struct Refusal: Error {
    let text: String
  }

  /// To be called before the digest is computed, which takes time in proportion to the text.
  static func checkLength(of text: RawSpan) throws(Refusal) {
    guard text.byteCount <= byteLimit else {
      throw Refusal(
        text: "ERR script of \(text.byteCount) bytes is too large: use at most \(byteLimit) bytes")
    }
  }

  /// A first line `#!lua flags=no-writes,…` is parsed as in Redis. Only the flag `no-writes` has an effect.
  init(_ text: RawSpan, digest: [UInt8]) throws(Refusal) {
    self.digest = digest
    let bytes = [UInt8](copying: text)
    guard bytes.starts(with: [0x23, 0x21]) else {
      (source, isReadOnly, hasFlags) = (bytes, false, false)
      return
    }
    guard let end = bytes.firstIndex(of: 0x0A) else {
      throw Refusal(text: "ERR Invalid script shebang")
    }
    let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
    guard words.first == "#!lua" else {
      throw Refusal(text: "ERR Unexpected engine in script shebang: \(words.first ?? "")")
    }
    var flags: Set<String> = []
    for word in words.dropFirst() {
      guard word.hasPrefix("flags=") else {
        throw Refusal(text: "ERR Unknown lua shebang option: \(word)")
      }
      let names = word.dropFirst(6).split(separator: ",", omittingEmptySubsequences: false)
      for name in names.map(String.init) {
        guard Self.knownFlags.contains(name) else {
          throw Refusal(text: "ERR Unexpected flag in script shebang: \(name)")
        }
        flags.insert(name)
      }
    }
    source = [UInt8](bytes[end...])
    isReadOnly = flags.contains("no-writes")
    hasFlags = true
  }
}

/// The scripts that clients may name by their digests. They are lost when the server stops, as in Redis, so
/// clients load an unknown script again.
///
/// Bounded in number and bytes; the least recently used script is evicted first.
final class ScriptCache: Sendable {
  private struct State {
    var scripts: [[UInt8]: (script: Script, usedAt: UInt64)] = [:]
    var byteCount = 0
    var now: UInt64 = 0
  }

  private let state = Lock(State())
  /// The memory of all Lua states, for INFO.
  let machineByteCount = Atomic<Int>(0)
  private let countLimit: Int
  private let byteLimit: Int

  init(countLimit: Int = 4_096, byteLimit: Int = 16 << 20) {
    self.countLimit = countLimit
    self.byteLimit = byteLimit
  }

  /// The number of scripts and their bytes, for INFO.
  var size: (count: Int, byteCount: Int) {
    state.withLock { ($0.scripts.count, $0.byteCount) }
  }

  /// The script with that digest, ignoring case; nil if it is not known.
  func script(_ digest: RawSpan) -> Script? {
    let key = Self.key(digest)
    return state.withLock { state in
      state.now += 1
      state.scripts[key]?.usedAt = state.now
      return state.scripts[key]?.script
    }
  }

  /// Whether the script is known. Does not count as a use.
  func contains(_ digest: RawSpan) -> Bool {
    let key = Self.key(digest)
    return state.withLock { $0.scripts[key] != nil }
  }

  private static func key(_ digest: RawSpan) -> [UInt8] {
    [UInt8](copying: digest).map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
  }

  func add(_ script: Script) {
    state.withLock { state in
      guard state.scripts[script.digest] == nil else { return }
      state.now += 1
      state.scripts[script.digest] = (script, state.now)
      state.byteCount += script.source.count
      while state.scripts.count > countLimit || state.byteCount > byteLimit {
        guard let oldest = state.scripts.min(by: { $0.value.usedAt < $1.value.usedAt }) else {
          return
        }
        state.scripts.removeValue(forKey: oldest.key)
        state.byteCount -= oldest.value.script.source.count
      }
    }
  }

  func removeAll() { state.withLock { $0 = State() } }
}
