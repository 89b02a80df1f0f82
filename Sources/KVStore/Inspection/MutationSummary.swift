import Base

/// Describes one mutation of a log record: what it does to which key, and how large the value is.
public struct MutationSummary: Sendable, CustomStringConvertible {
  /// The description, on one line.
  public let description: String

  /// Every mutation in a section's bytes, in order. Bytes that are not a mutation are described as such.
  public static func all(in mutations: RawSpan) -> [MutationSummary] {
    var all: [MutationSummary] = []
    var offset = 0
    while offset < mutations.byteCount {
      guard let mutation = Mutation.parse(mutations, at: offset) else {
        all.append(
          MutationSummary(
            description: "\(mutations.byteCount - offset) bytes that are not a mutation"))
        break
      }
      all.append(MutationSummary(mutation, in: mutations))
      offset = mutation.end
    }
    return all
  }

  private init(description: String) {
    self.description = description
  }

  private init(_ mutation: Mutation, in bytes: RawSpan) {
    func text(_ range: Range<Int>) -> String {
      Finding.printable(Array(copying: bytes.extracting(range)))
    }
    let place = mutation.keyspace.placeText
    let bound = text(mutation.key)
    let key = bound + place
    description =
      switch mutation.kind {
      case .put: "put \(key), \(mutation.value?.count ?? 0) bytes"
      case .putEntry:
        "put \(key), \(mutation.value?.count ?? 0) bytes, type \(mutation.type), expiry \(mutation.expiry)"
      case .delete: "delete \(key)"
      case .deleteRange:
        "delete range from \(bound) to \(mutation.value.map(text) ?? "the end")\(place)"
      case .requireAbsent: "require \(key) absent"
      case .requirePresent: "require \(key) present"
      case .requireSequence: "require \(key) at sequence \(mutation.sequence)"
      }
  }
}
