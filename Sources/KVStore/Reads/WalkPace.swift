/// What the walks of one reader may cost, in steps: about one for an entry, whether it is shown or hidden, and one for each
/// 256 bytes of values.
///
/// A thread that others wait for sets a limit, and gives the walk to another thread where it is reached. A thread that
/// nobody waits for has the walk ask now and then whether it is still wanted. An evaluation, which all writers wait
/// for, asks whether its time is up. All of them end a walk with `.walkStopped`.
///
/// Belongs to the reader's thread.
public final class WalkPace {
  private var left = Int.max
  private var isUnwanted: (@Sendable () -> Bool)?
  /// An evaluation with the reader is under way.
  public private(set) var isEvaluating = false
  /// How many there have been.
  public private(set) var evaluationCount: UInt64 = 0
  private var isOverdue: (() -> Bool)?
  private static let stepsBetweenQuestions = 8192

  init() {}

  /// From now on walks may take `stepCount` steps together. In an evaluation, which has a limit of its own that must
  /// hold to its end, this changes nothing, and neither does `lift`.
  public func limit(to stepCount: Int) {
    if isEvaluating { return }
    left = stepCount
    isUnwanted = nil
  }

  /// From now on walks end when `isUnwanted` says so, which they ask every few thousand steps, from their thread.
  public func stop(when isUnwanted: @escaping @Sendable () -> Bool) {
    left = Self.stepsBetweenQuestions
    self.isUnwanted = isUnwanted
  }

  /// From now on walks are not bounded.
  public func lift() {
    if isEvaluating { return }
    left = .max
    isUnwanted = nil
  }

  /// Walks in all evaluations with this reader end when `isOverdue` says so, which they ask every few thousand steps:
  /// one that does less never asks.
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

  /// How many entries of a walk are passed before it tells of them.
  static let batch = 64

  /// How many steps it is to look at so many bytes of values.
  public static func steps(forByteCount byteCount: Int) -> Int { 1 &+ byteCount &>> 8 }

  /// Tells of `stepCount` steps. Throws `.walkStopped`.
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
