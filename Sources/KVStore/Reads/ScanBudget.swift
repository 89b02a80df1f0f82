/// What the walks of one reader may cost, in steps: about one for each entry, shown or hidden, and one for
/// each 256 bytes of values.
///
/// A thread that others wait for sets a limit, and hands the walk to another thread when it is reached. A
/// thread that nothing waits for has the walk check now and then whether it is still wanted. An evaluation,
/// for which all writers wait, checks its deadline. All of them stop a walk with `.walkStopped`.
///
/// For use by the reader's thread.
public final class ScanBudget {
  private var left = Int.max
  private var isUnwanted: (@Sendable () -> Bool)?
  /// Whether an evaluation with the reader is in progress.
  public private(set) var isEvaluating = false
  /// How many evaluations there have been.
  public private(set) var evaluationCount: UInt64 = 0
  private var isOverdue: (() -> Bool)?
  private static let stepsBetweenQuestions = 8192

  init() {}

  /// Limits all further walks together to `stepCount` steps. During an evaluation, whose own limit must hold
  /// to its end, neither this nor `lift` has an effect.
  public func limit(to stepCount: Int) {
    if isEvaluating { return }
    left = stepCount
    isUnwanted = nil
  }

  /// Stops further walks once `isUnwanted` returns true. They call it every few thousand steps, on their
  /// thread.
  public func stop(when isUnwanted: @escaping @Sendable () -> Bool) {
    left = Self.stepsBetweenQuestions
    self.isUnwanted = isUnwanted
  }

  /// Removes the limit.
  public func lift() {
    if isEvaluating { return }
    left = .max
    isUnwanted = nil
  }

  /// Stops the walks of all evaluations with this reader once `isOverdue` returns true. They call it every
  /// few thousand steps: an evaluation of fewer steps never does.
  public func endEvaluations(when isOverdue: @escaping () -> Bool) { self.isOverdue = isOverdue }

  @inline(__always)
  func beginEvaluation() {
    left = Self.stepsBetweenQuestions
    isEvaluating = true
    evaluationCount &+= 1
  }

  @inline(__always)
  func endEvaluation() {
    left = .max
    isEvaluating = false
  }

  /// How many steps a scan takes before it reports them.
  static let batch = 64

  /// How many steps it takes to read so many bytes of values.
  public static func steps(forByteCount byteCount: Int) -> Int { 1 &+ byteCount &>> 8 }

  /// Reports `stepCount` steps. Throws `.walkStopped`.
  @inline(__always)
  public func advance(by stepCount: Int) throws(StoreError) {
    left &-= stepCount
    if left < 0 { try ask() }
  }

  @inline(never)
  private func ask() throws(StoreError) {
    if isEvaluating {
      if let isOverdue, isOverdue() { throw .walkStopped }
    } else {
      guard let isUnwanted, !isUnwanted() else { throw .walkStopped }
    }
    left = Self.stepsBetweenQuestions
  }
}
