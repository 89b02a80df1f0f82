import Base
import Foundation

/// `kvd-simulate`: runs seeds, each in a world of its own, and says what is wrong with the first that
/// fails, with the least script that still does.
let options = SimulationOptions(CommandLine.arguments)
if let bug = options.bug { DeliberateBug.turnOn(bug) }
if options.isWorker {
  Worker.run(options)
} else {
  exit(Supervisor(options).run())
}
