import Base
import KVStore

/// The options after SORT's key.
struct SortOptions {
  /// A key pattern: `*` stands for the element. After a `->` comes a field of the hash at that key.
  struct Pattern {
    let prefix: [UInt8]
    let suffix: [UInt8]
    let field: [UInt8]?

    /// Nil if there is no `*`, because the pattern then stands for no key.
    init?(_ text: RawSpan) {
      let bytes = [UInt8](copying: text)
      guard let star = bytes.firstIndex(of: 0x2A) else { return nil }
      prefix = Array(bytes[..<star])
      let rest = bytes[(star + 1)...]
      let arrow = rest.indices.dropLast(2).first { rest[$0] == 0x2D && rest[$0 + 1] == 0x3E }
      suffix = Array(rest[..<(arrow ?? rest.endIndex)])
      field = arrow.map { Array(rest[($0 + 2)...]) }
    }

    func key(for element: [UInt8]) -> [UInt8] { prefix + element + suffix }
  }

  enum Part {
    case element
    /// The value that the pattern finds; null for nil.
    case value(Pattern?)
  }

  enum Order {
    case byNumber
    case byBytes
    /// In no particular order.
    case none
  }

  var order = Order.byNumber
  var isDescending = false
  /// What elements are compared by, if not by themselves.
  var weight: Pattern?
  /// What is returned for each element; if empty, the element itself.
  var parts: [Part] = []
  /// The result is to be stored as a list, which kvd does not have.
  var stores = false
  private var first: Int64 = 0
  private var count: Int64 = -1

  /// Nil, with the error written, if the options are invalid or not permitted.
  init?(_ call: inout Call, _ request: RawSpan, mayStore: Bool) {
    let mayReadAll =
      call.session.user.map {
        $0.mayReadAllKeys(by: call.command, call.arguments, in: request)
      } ?? true
    var isUnordered = false
    var isByBytes = false
    var index = 2
    while index < call.count {
      let left = call.count - index - 1
      let word = request.extracting(call[index])
      if word.spells("ASC") {
        isDescending = false
      } else if word.spells("DESC") {
        isDescending = true
      } else if word.spells("ALPHA") {
        isByBytes = true
      } else if word.spells("LIMIT"), left >= 2 {
        guard let first = parseInteger(request.extracting(call[index + 1])),
          let count = parseInteger(request.extracting(call[index + 2]))
        else {
          call.notAnInteger()
          return nil
        }
        (self.first, self.count) = (first, count)
        index += 2
      } else if word.spells("BY"), left >= 1 {
        weight = Pattern(request.extracting(call[index + 1]))
        isUnordered = isUnordered || weight == nil
        guard weight == nil || mayReadAll else {
          Self.deny("BY", &call)
          return nil
        }
        index += 1
      } else if word.spells("GET"), left >= 1 {
        guard mayReadAll else {
          Self.deny("GET", &call)
          return nil
        }
        let text = request.extracting(call[index + 1])
        parts.append(text.spells("#") ? .element : .value(Pattern(text)))
        index += 1
      } else if word.spells("STORE"), left >= 1, mayStore {
        stores = true
        index += 1
      } else {
        call.syntaxError()
        return nil
      }
      index += 1
    }
    order = isUnordered ? .none : isByBytes ? .byBytes : .byNumber
  }

  private static func deny(_ option: String, _ call: inout Call) {
    call.reply.error("ERR \(option) option of SORT denied due to insufficient ACL permissions")
  }

  /// The range of `total` sorted elements that is returned.
  func range(of total: Int) -> Range<Int> {
    let start = Int(min(max(first, 0), Int64(total)))
    let length = count < 0 ? Int64(total) : count
    return start..<(start + Int(min(length, Int64(total - start))))
  }
}
