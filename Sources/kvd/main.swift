import Glibc

Descriptors.occupyStandardOnes()
Descriptors.raiseLimit()
exit(CommandLineInterface.run(CommandLine.arguments))
