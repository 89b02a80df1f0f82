/// Which arguments of a command name publish/subscribe channels. kvd has no channels and refuses these
/// commands, but permissions are checked as the user's rules say.
struct ChannelUse {
  let arguments: Range<Int>
  /// The arguments are channel patterns; each must be listed literally among the user's patterns.
  let arePatterns: Bool

  /// Nil if the command names no channels, or only unsubscribes from them.
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
  /// The first argument that names a channel that is not allowed.
  func firstDenied(
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
