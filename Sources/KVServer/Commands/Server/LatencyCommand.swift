import Base
import KVStore

/// LATENCY: latency spikes, and the latency distribution of each command.
enum LatencyCommand {
  static let command = Command(
    container: "latency", group: "server", "A container for latency diagnostics commands",
    subcommands: [
      Command(
        "latency|doctor", arity: 2, [.admin], group: "server",
        "Return a human readable latency analysis report.", .session(doctor)),
      Command(
        "latency|graph", arity: 3, [.admin], group: "server",
        "Return a latency graph for the event.", .session(graph)),
      Command(
        "latency|histogram", arity: -2, [.admin], group: "server",
        "Return the cumulative distribution of latencies of a subset of commands or all.",
        .session(histogram)),
      Command(
        "latency|history", arity: 3, [.admin], group: "server",
        "Return timestamp-latency samples for the event.", .session(history)),
      Command(
        "latency|latest", arity: 2, [.admin], group: "server",
        "Return the latest latency samples for all events.", .session(latest)),
      Command(
        "latency|reset", arity: -2, [.admin], group: "server",
        "Reset latency data for one or more events.", .session(reset)),
      Command(
        "latency|help", arity: 2, [], group: "server",
        "Show helpful text about the different subcommands.",
        ContainerCommand.help(
          "latency",
          [
            "DOCTOR", "    Return a human readable latency analysis report.", "GRAPH <event>",
            "    Return an ASCII latency graph for the <event> class.", "HISTORY <event>",
            "    Return time-latency samples for the <event> class.", "LATEST",
            "    Return the latest latency samples for all events.", "RESET [<event> ...]",
            "    Reset latency data of one or more <event> classes.",
            "    (default: reset all data for all event classes)", "HISTOGRAM [COMMAND ...]",
            "    Return a cumulative distribution of latencies in the format of a histogram for "
              + "the specified command names.",
            "    If no commands are specified then all histograms are replied.",
          ])),
    ])

  static func latest(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let events = call.server.latency.all
    call.reply.array(events.count)
    for (name, event) in events {
      let last = event.samples.last ?? LatencyLog.Sample(time: 0, milliseconds: 0)
      call.reply.array(4)
      call.reply.bulk(name)
      call.reply.integer(last.time)
      call.reply.integer(last.milliseconds)
      call.reply.integer(event.worst)
    }
  }

  static func history(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let name = String(describing: request.extracting(call[2]))
    let samples = call.server.latency.event(name)?.samples ?? []
    call.reply.array(samples.count)
    for sample in samples {
      call.reply.array(2)
      call.reply.integer(sample.time)
      call.reply.integer(sample.milliseconds)
    }
  }

  static func reset(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let names = (2..<max(2, call.count)).map { String(describing: request.extracting(call[$0])) }
    call.reply.integer(Int64(call.server.latency.reset(names)))
  }

  /// One line per sample instead of Redis's ASCII drawing.
  static func graph(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let name = String(describing: request.extracting(call[2]))
    guard let event = call.server.latency.event(name) else {
      return call.reply.error("ERR No samples available for event '\(name)'")
    }
    let low = event.samples.map(\.milliseconds).min() ?? 0
    var text = "\(name) - high \(event.worst) ms, low \(low) ms (all time high \(event.worst) ms)\n"
    text += String(repeating: "-", count: 80) + "\n"
    let now = SystemClock.timeOfDay().seconds
    for sample in event.samples {
      text += "\(now - sample.time) s ago: \(sample.milliseconds) ms\n"
    }
    call.reply.verbatim(text)
  }

  static func doctor(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    guard call.server.live.current.latencyThreshold > 0 else {
      call.reply.verbatim(
        "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. "
          + "You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to "
          + "enable it. If we weren't in a deep space mission I'd suggest to take a look at "
          + "https://redis.io/topics/latency-monitor.\n")
      return
    }
    let events = call.server.latency.all
    guard !events.isEmpty else {
      call.reply.verbatim(
        "Dave, no latency spike was observed during the lifetime of this Redis instance, not in "
          + "the slightest bit. I honestly think you ought to sit down calmly, take a stress "
          + "pill, and think things over.\n")
      return
    }
    var text = "Dave, I have observed latency spikes in this Redis instance.\n\n"
    for (index, (name, event)) in events.enumerated() {
      let sum = event.samples.reduce(0) { $0 + $1.milliseconds }
      text +=
        "\(index + 1). \(name): \(event.samples.count) latency spikes (average "
        + "\(sum / Int64(max(1, event.samples.count)))ms). Worst all time event \(event.worst)ms.\n"
    }
    call.reply.verbatim(text + "\nUse SLOWLOG GET to see the slow commands.\n")
  }

  /// HISTOGRAM [command…]: a container stands for itself and all its subcommands.
  static func histogram(_ call: inout Call, _ request: RawSpan) throws(StoreError) {
    let table = call.server.table
    let tallies = call.server.tallies.filter { $0.value.histogram.total > 0 }
    var chosen: [Int] = []
    var named: Set<Int> = []
    if call.count > 2 {
      for index in 2..<call.count {
        let name = String(describing: request.extracting(call[index])).lowercased()
        guard let found = table.index(named: name) else { continue }
        guard named.insert(found).inserted else { continue }
        for command in [found] + table.subcommands(of: found)
        where command == found || named.insert(command).inserted {
          chosen.append(command)
        }
      }
    } else {
      chosen = tallies.keys.sorted()
    }
    let found = chosen.compactMap { index in
      tallies[index].map { (table.commands[index].name, $0.histogram) }
    }
    call.reply.map(found.count)
    for (name, histogram) in found {
      call.reply.bulk(name)
      call.reply.map(2)
      call.reply.bulk("calls")
      call.reply.integer(histogram.total)
      call.reply.bulk("histogram_usec")
      let steps = histogram.steps
      call.reply.map(steps.count)
      for step in steps {
        call.reply.integer(step.microseconds)
        call.reply.integer(step.count)
      }
    }
  }
}
