import Base
import CLua
import KVStore

/// The fence around Lua: the only file that calls it.
///
/// A machine belongs to one event loop and runs one script at a time. Its Lua state is kept from script to
/// script, and is freed when scripts have left much behind.
@safe
final class LuaMachine {
  enum Outcome {
    /// The reply is in the call's reply.
    case done
    /// The run's `error` tells why there is no reply.
    case failed
    /// The server ended the script: it was killed, its reply was lost, the server is stopping, or the run's
    /// `failure` tells what is wrong with the store.
    case ended
    case late
    case starved
  }

  /// A larger state is replaced by a new one, because Lua does not collect what earlier scripts left when
  /// memory runs out.
  private var keptByteCount: Int { min(4 << 20, memoryByteCount / 4) }

  private let memoryByteCount: Int
  private let cache: ScriptCache
  private var machine: UnsafeMutablePointer<kvd_lua_machine>?
  /// The size of `machine` that `cache.machineByteCount` includes.
  private var reportedByteCount = 0

  init(_ options: ServerOptions, _ cache: ScriptCache) {
    memoryByteCount = options.scriptMemoryByteCount
    self.cache = cache
    unsafe machine = nil
  }

  deinit { if let machine = unsafe machine { unsafe kvd_lua_free(machine) } }

  /// Frees what scripts have left behind. To be called while no writer waits, where possible.
  func settle() {
    guard let used = unsafe machine, unsafe used.pointee.used > keptByteCount else { return }
    unsafe kvd_lua_free(used)
    unsafe machine = nil
    tellMemory()
  }

  private func tellMemory() {
    let byteCount = unsafe machine?.pointee.used ?? 0
    cache.machineByteCount.add(byteCount - reportedByteCount, ordering: .relaxed)
    reportedByteCount = byteCount
  }

  /// Runs `script` with the keys and arguments at these ranges of `request`.
  func run(
    _ script: Script, keys: ArraySlice<Range<Int>>, arguments: ArraySlice<Range<Int>>,
    _ request: RawSpan, _ run: inout ScriptRun, _ evaluation: inout Evaluation, _ call: inout Call
  ) -> Outcome {
    unsafe withUnsafeMutablePointer(to: &evaluation) { evaluation in
      unsafe self.run(script, keys: keys, arguments: arguments, request, &run, evaluation, &call)
    }
  }

  /// Compiles `script` without running it. If that fails, the run's `error` tells why.
  func compile(_ script: Script, _ run: inout ScriptRun, _ call: inout Call) -> Outcome {
    let empty: [UInt8] = []
    return empty.withRawBytes {
      unsafe self.run(script, keys: [], arguments: [], $0, &run, nil, &call)
    }
  }

  private func run(
    _ script: Script, keys: ArraySlice<Range<Int>>, arguments: ArraySlice<Range<Int>>,
    _ request: RawSpan, _ run: inout ScriptRun, _ evaluation: UnsafeMutablePointer<Evaluation>?,
    _ call: inout Call
  ) -> Outcome {
    // Earlier scripts must not use up the memory of this one.
    settle()
    guard let machine = unsafe machine ?? Host.makeMachine(memoryByteCount) else { return .starved }
    unsafe self.machine = machine
    unsafe machine.pointee.deadline = kvd_lua_now() + call.time.nanosecondsLeft
    let status = unsafe request.withUnsafeBytes { request in
      let texts = unsafe (Array(keys) + Array(arguments)).map { range in
        unsafe kvd_lua_bytes(
          base: request.baseAddress?.advanced(by: range.lowerBound).assumingMemoryBound(
            to: CChar.self), count: range.count)
      }
      return unsafe texts.withUnsafeBufferPointer { texts in
        unsafe (script.digest + [0]).withUnsafeBytes { digest in
          unsafe script.source.withUnsafeBytes { source in
            unsafe withUnsafeMutablePointer(to: &run) { run in
              unsafe withUnsafeMutablePointer(to: &call) { call in
                var host = unsafe Host(run: run, evaluation: evaluation, call: call)
                return unsafe withUnsafeMutablePointer(to: &host) { host in
                  var lua = unsafe kvd_lua_script()
                  unsafe lua.digest = Host.bytes(
                    UnsafeRawBufferPointer(rebasing: digest.dropLast()))
                  unsafe lua.source = Host.bytes(source)
                  unsafe lua.keys = texts.baseAddress
                  unsafe lua.key_count = keys.count
                  unsafe lua.arguments = texts.baseAddress.map { unsafe $0 + keys.count }
                  unsafe lua.argument_count = arguments.count
                  unsafe lua.only_compiles = evaluation == nil ? 1 : 0
                  unsafe machine.pointee.context = UnsafeMutableRawPointer(host)
                  defer { unsafe machine.pointee.context = nil }
                  return unsafe kvd_lua_run(machine, &lua)
                }
              }
            }
          }
        }
      }
    }
    tellMemory()
    if let rest = run.log.rest { call.server.options.log(rest) }
    switch status {
    case KVD_LUA_DONE: return .done
    case KVD_LUA_FAILED: return .failed
    case KVD_LUA_LATE: return .late
    case KVD_LUA_ENDED: return .ended
    default: return .starved
    }
  }
}

/// The functions that Lua calls, and their context. They do not throw and keep nothing that they are lent.
@unsafe
private struct Host {
  let run: UnsafeMutablePointer<ScriptRun>
  /// Nil if the script is only compiled.
  let evaluation: UnsafeMutablePointer<Evaluation>?
  let call: UnsafeMutablePointer<Call>

  /// Never freed: machines point to it.
  nonisolated(unsafe) private static let functions: UnsafeMutablePointer<kvd_lua_host> = {
    let functions = UnsafeMutablePointer<kvd_lua_host>.allocate(capacity: 1)
    unsafe functions.initialize(
      to: kvd_lua_host(
        call: { context, arguments, count, resp, onlyAsks, reply in
          unsafe Host.from(context).carryOut(
            UnsafeBufferPointer(start: arguments, count: count), Int(resp), onlyAsks != 0, reply!)
        },
        emit: { context, value in unsafe Host.from(context).emit(value!.pointee) },
        fail: { context, text, isCounted in
          unsafe Host.from(context).run.pointee.error = [UInt8](Host.buffer(text))
          unsafe Host.from(context).run.pointee.isErrorCounted = isCounted != 0
        },
        is_killed: { context in
          unsafe Host.from(context).call.pointee.shouldStopScript ? 1 : 0
        },
        log: { context, level, text in
          guard unsafe Host.from(context).run.pointee.log.admits() else { return }
          unsafe Host.from(context).call.pointee.server.options.log(
            "script: " + String(decoding: Host.buffer(text), as: UTF8.self))
        },
        digest: { bytes, text in
          let digest = unsafe SHA1.hexadecimal(of: Host.buffer(bytes).bytes)
          unsafe UnsafeMutableRawPointer(text!).copyMemory(from: digest, byteCount: digest.count)
        }))
    return unsafe functions
  }()

  static func makeMachine(_ byteCount: Int) -> UnsafeMutablePointer<kvd_lua_machine>? {
    unsafe kvd_lua_make(functions, byteCount)
  }

  static func from(_ context: UnsafeMutableRawPointer?) -> Host {
    unsafe context!.assumingMemoryBound(to: Host.self).pointee
  }

  static func bytes(_ buffer: UnsafeRawBufferPointer) -> kvd_lua_bytes {
    unsafe kvd_lua_bytes(
      base: buffer.baseAddress?.assumingMemoryBound(to: CChar.self), count: buffer.count)
  }

  static func buffer(_ bytes: kvd_lua_bytes) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(start: bytes.base, count: bytes.base == nil ? 0 : bytes.count)
  }

  func carryOut(
    _ arguments: UnsafeBufferPointer<kvd_lua_bytes>, _ resp: Int, _ onlyAsks: Bool,
    _ reply: UnsafeMutablePointer<kvd_lua_bytes>
  ) -> Int32 {
    guard let evaluation = unsafe evaluation else { return 0 }
    unsafe run.pointee.bytes.removeAll(keepingCapacity: true)
    unsafe run.pointee.arguments.removeAll(keepingCapacity: true)
    for index in 0..<arguments.count {
      let argument = unsafe arguments[index]
      let start = unsafe run.pointee.bytes.count
      unsafe run.pointee.bytes.append(contentsOf: Self.buffer(argument))
      unsafe run.pointee.arguments.append(start..<run.pointee.bytes.count)
    }
    let goesOn = unsafe run.pointee.carryOut(
      &evaluation.pointee, &call.pointee, resp: resp, onlyAsks: onlyAsks)
    guard goesOn, unsafe run.pointee.reply.count > 0 else { return 0 }
    // The bytes stay where they are until the next command.
    unsafe run.pointee.reply.bytes.withBytes { bytes in
      unsafe bytes.withUnsafeBytes { unsafe reply.pointee = Self.bytes($0) }
    }
    return 1
  }

  func emit(_ value: kvd_lua_value) {
    let bytes = unsafe Self.buffer(value.bytes).bytes
    let count = unsafe Int(value.number)
    // A table that occurs many times in another one yields any number of values.
    if unsafe call.pointee.reply.isOverflowing { return }
    switch unsafe value.kind {
    case KVD_LUA_STRING: unsafe call.pointee.reply.bulk(bytes)
    case KVD_LUA_INTEGER: unsafe call.pointee.reply.integer(value.number)
    case KVD_LUA_BOOLEAN: unsafe call.pointee.reply.bool(count != 0)
    case KVD_LUA_STATUS: unsafe call.pointee.reply.simple(bytes)
    case KVD_LUA_ERROR:
      unsafe call.pointee.reply.error(bytes.quoted(atMost: .max), isCounted: count != 0)
    case KVD_LUA_DOUBLE: unsafe call.pointee.reply.double(bytes)
    case KVD_LUA_BIG_NUMBER: unsafe call.pointee.reply.bigNumber(bytes)
    case KVD_LUA_VERBATIM:
      unsafe call.pointee.reply.verbatim(bytes, format: Self.buffer(value.format).bytes)
    case KVD_LUA_ARRAY: unsafe call.pointee.reply.array(count)
    case KVD_LUA_MAP: unsafe call.pointee.reply.map(count)
    case KVD_LUA_SET: unsafe call.pointee.reply.set(count)
    default: unsafe call.pointee.reply.null()
    }
  }
}
