/// A key of the store that holds a hash or a set.
struct Container {
  enum RecordType {
    case hash, set
    /// A hash all of whose fields carry one stamp, which is its one state: it is there with every field or
    /// not at all, may be renamed within its pair, and may expire.
    case whole
  }

  let name: String
  let type: RecordType
  /// In the order of their bytes.
  let fields: [String]
  /// The history of each field; of a whole hash the only one.
  let cells: [Int]

  /// What the stamps of a whole hash's fields are made for: the same in both names of a pair, because a
  /// rename does not write them.
  func stampName(_ field: String) -> String { name.dropLast(2) + ">" + field }

  var readAll: [[UInt8]] { [type == .set ? "SMEMBERS" : "HGETALL", name].map { Array($0.utf8) } }

  /// Read all of it in one page, which does not say beforehand how many fields there are; and count it without
  /// reading it. To be asked at one cut.
  var counted: [[[UInt8]]] {
    [
      [type == .set ? "SSCAN" : "HSCAN", name, "0", "COUNT", "10000"],
      [type == .set ? "SCARD" : "HLEN", name],
    ].map { $0.map { Array($0.utf8) } }
  }
}

extension Reply {
  /// The fields that a reply has, or a page of a scan.
  fileprivate var fields: [Reply]? {
    guard let elements, elements.count == 2, let page = elements[1].elements else {
      return elements
    }
    return page
  }
}

extension Invariant {
  /// HLEN, which reads no fields, against the fields.
  static func checkCount(
    of container: Container, _ all: Reply, _ count: Reply, _ findings: Findings
  ) {
    let found = (all.fields?.count ?? -1) / (container.type == .set ? 1 : 2)
    if count != .integer(found) {
      findings.add("\(container.name) counts \(count.brief) fields, \(found) can be read")
    }
  }
}

extension Universe {
  /// The states of a container's cells by all its fields; nil after a finding.
  func states(of container: Container, _ reply: Reply, _ findings: Findings) -> [State]? {
    guard let elements = reply.fields, let fields = fieldValues(container, elements) else {
      findings.add("\(container.name) was answered \(reply.brief)")
      return nil
    }
    let strange = fields.keys.filter { !container.fields.contains($0) }
    if !strange.isEmpty {
      findings.add("\(container.name) has fields that nobody wrote: \(strange.prefix(5))")
      return nil
    }
    if container.type == .whole {
      return wholeState(container, fields, findings).map { [$0] }
    }
    var states: [State] = []
    for (field, cell) in zip(container.fields, container.cells) {
      let state = state(of: fields[field], key: cell)
      if state.kind == .unreadable {
        findings.add(
          "\(keys[cell].name) holds \(fields[field]?.count ?? 0) bytes that nobody wrote")
      }
      states.append(state)
    }
    return states
  }

  /// Nil if a field stands there twice or out of order.
  private func fieldValues(_ container: Container, _ elements: [Reply]) -> [String: [UInt8]]? {
    let step = container.type == .set ? 1 : 2
    guard elements.count % step == 0 else { return nil }
    var fields: [String: [UInt8]] = [:]
    var last: [UInt8] = []
    for index in stride(from: 0, to: elements.count, by: step) {
      guard let name = elements[index].bytes, let value = elements[index + step - 1].bytes,
        last.lexicographicallyPrecedes(name)
      else { return nil }
      last = name
      fields[String(decoding: name, as: UTF8.self)] = value
    }
    return fields
  }

  private func wholeState(
    _ container: Container, _ fields: [String: [UInt8]], _ findings: Findings
  ) -> State? {
    if fields.isEmpty { return .absent }
    var stamps: Set<State> = []
    for (field, bytes) in fields {
      guard let (client, operation, _) = StampedValue.parse(bytes, key: container.stampName(field))
      else {
        findings.add("\(container.name) holds in \(field) what nobody wrote")
        return nil
      }
      stamps.insert(.stamped(client: client, operation: operation))
    }
    if fields.count != container.fields.count || stamps.count > 1 {
      findings.add(
        "\(container.name) is there in part: \(fields.count) of \(container.fields.count) fields, of "
          + "\(stamps.map(\.description).sorted())")
      return nil
    }
    return stamps.first
  }
}
