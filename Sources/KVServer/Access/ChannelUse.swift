/// Where a command names channels of publish/subscribe. There are none here, and those commands are refused;
/// but what a user may do is told as its rules say.
struct ChannelUse {
  let arguments: Range<Int>
  /// They are patterns of channels, each of which must stand among the user's as it is.
  let arePatterns: Bool

  /// Nil if the command names none, or only such as it lets go of.
  init?(of command: Command, argumentCount: Int) {
    switch command.name {
    case "subscribe", "ssubscribe", "psubscribe": arguments = 1..<argumentCount
    case "publish", "spublish": arguments = 1..<2
    default: return nil
    }
    arePatterns = command.name == "psubscribe"
  }
}

extension Selector {
  /// The first argument that names a channel which is not allowed.
  func firstRefused(
    of use: ChannelUse, _ arguments: [Range<Int>], _ request: RawSpan
  ) -> Int? {
    if allowsAllChannels { return nil }
    return use.arguments.first { index in
      let channel = request.extracting(arguments[index])
      return !channels.contains { pattern in
        use.arePatterns
          ? pattern.withRawBytes { channel.equals($0) } : GlobPattern(pattern).matches(channel)
      }
    }
  }
}
