import Glibc

/// The command line.
struct Options {
  var seed: UInt64 = 1
  var rounds = 1_000_000
  var seconds = 1_000_000
  /// The first store: each hangs on the seed and its number alone.
  var store = 0
  var kvd = ".build/release/kvd"
  /// What sets the daemon's clock.
  var clock = ".build/libkvdclock.so"
  /// Scratch data; kept after a finding.
  var work = ""
  var isTemporary = true
  /// With these the driver works for the power-loss images instead.
  var preload = ""
  var image = ""
  var record = ""
  var until = UInt64.max

  static let usage = """
    usage: kvd-drive [--seed N] [--store N] [--rounds R] [--seconds S] [--kvd PATH] [--clock PATH]
                     [--work DIR]
           kvd-drive --preload SHIM --work DIR [--seed N]   record one run for power-loss images
           kvd-drive --image DIR --record FILE [--until NS] check one image

    Exit status: 0 nothing was found, 1 something was, 2 the driver could not work, 64 wrong usage.
    """

  init(_ arguments: [String]) {
    var rest = arguments.dropFirst()
    while let name = rest.popFirst() {
      guard let value = rest.popFirst() else { Self.refuse("\(name) needs a value") }
      switch name {
      case "--seed": seed = Self.number(name, value)
      case "--store": store = Int(Self.number(name, value))
      case "--rounds": rounds = Int(Self.number(name, value))
      case "--seconds": seconds = Int(Self.number(name, value))
      case "--kvd": kvd = value
      case "--clock": clock = value
      case "--work": (work, isTemporary) = (value, false)
      case "--preload": preload = value
      case "--image": image = value
      case "--record": record = value
      case "--until": until = Self.number(name, value)
      default: Self.refuse("there is no option \(name)")
      }
    }
    if rounds == 1_000_000, seconds == 1_000_000 { rounds = 100 }
    if work.isEmpty { work = "/tmp/kvd-drive-\(getpid())" }
  }

  private static func number(_ name: String, _ value: String) -> UInt64 {
    guard let number = UInt64(value) else { refuse("\(name) needs a number, not \(value)") }
    return number
  }

  private static func refuse(_ message: String) -> Never {
    System.say("kvd-drive: \(message)\n\(usage)")
    exit(64)
  }
}
