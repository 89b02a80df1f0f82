import Glibc

exit(CommandLineInterface.run(CommandLine.arguments))
