/// What a command runs inside of.
struct Surroundings {
  /// It is run by EXEC.
  var isExecuting = false
  /// It is called by a script.
  var isInScript = false
  /// It runs as a `LongRead`: only its client waits for this thread.
  var isLongRead = false
  /// It searches for the key of a cursor that is no longer kept.
  var isResuming = false
  /// Its evaluation ran before and was rolled back for lack of room. It was reported and counted then.
  var isRerun = false
}

extension Call {
  @inline(__always) var isExecuting: Bool {
    get { surroundings.isExecuting }
    set { surroundings.isExecuting = newValue }
  }

  @inline(__always) var isInScript: Bool {
    get { surroundings.isInScript }
    set { surroundings.isInScript = newValue }
  }

  @inline(__always) var isLongRead: Bool {
    get { surroundings.isLongRead }
    set { surroundings.isLongRead = newValue }
  }

  @inline(__always) var isResuming: Bool {
    get { surroundings.isResuming }
    set { surroundings.isResuming = newValue }
  }

  @inline(__always) var isRerun: Bool {
    get { surroundings.isRerun }
    set { surroundings.isRerun = newValue }
  }
}
