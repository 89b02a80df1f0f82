/// How one of kvd's tools ended, and what to make of that.
struct ToolRun {
  /// The exit status of `kvd recover` where the disk has no room for all of it.
  static let noRoomStatus: Int32 = 4

  enum Verdict: Equatable {
    case sound
    /// It ended at the crash point that was asked for.
    case crashed
    /// It must do all of it once there is room.
    case lacksRoom
    case wrong
  }

  var name: String
  var ending: System.Ending
  var output: String
  /// Whether it was to end at a crash point.
  var mayCrash = false

  /// - Parameter isDiskFull: whether there is in fact no room: otherwise a tool may not say so.
  func verdict(isDiskFull: Bool) -> Verdict {
    switch ending {
    case .exited(0): .sound
    case .exited(137) where mayCrash: .crashed
    case .exited(Self.noRoomStatus)
    where name == "recover" && isDiskFull && output.contains("no space left for "):
      .lacksRoom
    default: .wrong
    }
  }
}
