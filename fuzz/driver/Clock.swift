/// Sets the daemon's wall clock, with fuzz/clock preloaded. The monotonic clock stays honest: the wall
/// clock is what operators and time servers change.
struct Clock {
  private let library: String
  private let file: String

  /// Nil where the library was not built.
  init?(library: String, work: String, reason: (String) -> Void) {
    guard System.exists(library) else {
      reason("there is no \(library) (make fuzz-build makes it): no rounds with clock jumps")
      return nil
    }
    self.library = library
    file = work + "/clock"
    set(seconds: 0)
  }

  var environment: [String] { ["LD_PRELOAD=\(library)", "KVD_CLOCK_FILE=\(file)"] }

  /// So far from the truth from now on.
  func set(seconds: Int) { System.overwrite(file, with: seconds) }
}
