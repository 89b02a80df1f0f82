import Glibc

Descriptors.openStandardDescriptors()
Descriptors.raiseLimit()
exit(CommandLineInterface.run(CommandLine.arguments))
