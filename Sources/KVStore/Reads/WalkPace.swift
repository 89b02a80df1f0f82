/// What the walks of one reader may cost, in steps: about one for an entry, whether it is shown or hidden, and one for each
/// 256 bytes of values.
///
/// A thread that others wait for sets a limit, and gives the walk to another thread where it is reached. A thread that
/// nobody waits for has the walk ask now and then whether it is still wanted. Both end a walk with `.walkStopped`.
///
/// Belongs to the reader's thread.
public final class WalkPace {
  private var left = Int.max
  private var isUnwanted: (@Sendable () -> Bool)?
  private static let stepsBetweenQuestions = 8192

  init() {}

  /// From now on walks may take `stepCount` steps together.
  public func limit(to stepCount: Int) {
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
    left = .max
    isUnwanted = nil
  }

  /// How many entries of a walk are passed before it tells of them.
  static let batch = 64

  /// Tells of `stepCount` steps.
  @inline(__always)
  func advance(by stepCount: Int) throws(StoreError) {
    left &-= stepCount
    if left < 0 { try ask() }
  }

  /// Tells of a value that was looked up, beside the look-up itself.
  @inline(__always)
  func advance(over value: RawSpan) throws(StoreError) { try advance(by: value.byteCount >> 8) }

  @inline(never)
  private func ask() throws(StoreError) {
    guard let isUnwanted, !isUnwanted() else { throw .walkStopped }
    left = Self.stepsBetweenQuestions
  }
}
