/// SplitMix64: the same numbers for the same seed, everywhere.
struct Random {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A stream of its own for each list of numbers, such as seed, round and client.
  init(_ parts: UInt64...) {
    state = 0x6B76_642D_6472_6976
    for part in parts {
      state = Self.mix(state ^ part)
    }
  }

  static func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  mutating func within(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.count)
  }

  /// True once in `count` times.
  mutating func once(in count: Int) -> Bool { below(count) == 0 }

  mutating func element<T>(of list: [T]) -> T { list[below(list.count)] }

  /// `count` different elements, fewer if there are fewer.
  mutating func sample<T>(_ count: Int, of list: [T]) -> [T] {
    var rest = list
    var taken: [T] = []
    while taken.count < count, !rest.isEmpty {
      taken.append(rest.remove(at: below(rest.count)))
    }
    return taken
  }
}
