import Glibc

// kvd-drive: crashes a kvd daemon for as long as wanted and judges, from outside, what it kept.
System.prepareSignals()
let options = Options(CommandLine.arguments)
if !options.image.isEmpty {
  exit(PowerLoss(options: options).checkImage())
} else if !options.preload.isEmpty {
  exit(PowerLoss(options: options).recordRun())
} else {
  exit(Run(options).run())
}
