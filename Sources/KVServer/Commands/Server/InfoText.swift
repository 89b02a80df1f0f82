import KVStore

/// The text of INFO: Redis's sections and field names, and a section of kvd's own for the store's statistics.
enum InfoText {
  typealias Field = (String, String)

  /// In Redis's order. Sections in `extra` are included only if named, or with ALL or EVERYTHING.
  private static let names = [
    "server", "clients", "memory", "persistence", "stats", "replication", "cpu", "modules",
    "commandstats", "errorstats", "latencystats", "cluster", "keyspace", "kvd",
  ]
  private static let extra: Set<String> = ["commandstats", "latencystats"]

  static func sections(
    _ wanted: [String], server: ServerState, reader: Reader
  ) throws(StoreError) -> String {
    let isDefault = wanted.isEmpty || wanted.contains("default")
    let isAll = wanted.contains("all") || wanted.contains("everything")
    var parts: [String] = []
    for name in names
    where isAll || wanted.contains(name) || (isDefault && !extra.contains(name)) {
      let fields = try fields(of: name, server: server, reader: reader)
      parts.append(
        "# \(title(of: name))\r\n" + fields.map { "\($0.0):\($0.1)\r\n" }.joined())
    }
    return parts.joined(separator: "\r\n")
  }

  private static func title(of section: String) -> String {
    switch section {
    case "cpu": "CPU"
    case "kvd": "kvd"
    default: section.prefix(1).uppercased() + section.dropFirst()
    }
  }

  private static func fields(
    of section: String, server: ServerState, reader: Reader
  ) throws(StoreError) -> [Field] {
    switch section {
    case "server": InfoSections.server(server)
    case "clients": InfoSections.clients(server)
    case "memory": InfoSections.memory(server, try statistics(server))
    case "persistence": InfoSections.persistence(server)
    case "stats": InfoSections.statistics(server)
    case "replication": InfoSections.replication(server)
    case "cpu": InfoSections.processor
    case "modules": []
    case "commandstats": InfoSections.commands(server)
    case "errorstats": InfoSections.errors(server)
    case "latencystats": InfoSections.latencies(server)
    case "cluster": [("cluster_enabled", "0")]
    case "keyspace": keyspace(try server.figures.keyCount(reader))
    default: try statistics(server).fields.map { ($0.name, $0.value) }
    }
  }

  private static func statistics(_ server: ServerState) throws(StoreError) -> Statistics {
    try server.figures.statistics(of: server.store)
  }

  private static func keyspace(_ count: Int) -> [Field] {
    count == 0 ? [] : [("db0", "keys=\(count),expires=0,avg_ttl=0")]
  }
}
