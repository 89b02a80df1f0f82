import Glibc
import Testing

@testable import KVServer
@testable import KVStore

/// Signals other than those that kvd is stopped with. Story: SIGHUP, SIGUSR1, SIGUSR2 and SIGALRM ended the daemon
/// without a message.
struct SignalTests {
  @Test func `signals that mean nothing are told, and the daemon goes on`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path)
    let client = try daemon.client()
    let told: [(Int32, String)] = [
      (SIGUSR1, "SIGUSR1"), (SIGUSR2, "SIGUSR2"), (SIGALRM, "SIGALRM"), (SIGVTALRM, "SIGVTALRM"),
      (SIGPROF, "SIGPROF"), (SIGPOLL, "SIGPOLL"), (SIGPWR, "SIGPWR"), (SIGSTKFLT, "SIGSTKFLT"),
      (SIGXCPU, "SIGXCPU"), (__libc_current_sigrtmin(), "SIGRTMIN+0"),
      (__libc_current_sigrtmax(), "SIGRTMIN+"),
    ]
    for (number, name) in told {
      daemon.signal(number)
      #expect(daemon.says("\(name)"), "\(name)")
      #expect(try client.ask("PING") == "+PONG", "\(name)")
    }
    for number in [SIGPIPE, SIGXFSZ, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGURG, SIGWINCH] {
      daemon.signal(number)
      #expect(try client.ask("PING") == "+PONG", "signal \(number)")
    }
    #expect(daemon.text.contains(": ignored"))
    #expect(try client.ask("SET", "a", "1") == "+OK")
    #expect(daemon.end(with: SIGQUIT) == 0)
    #expect(daemon.text.contains("SIGQUIT from process \(getpid()): stopping"))
  }

  @Test func `SIGHUP reads the configuration and the users again, and tells what has changed`()
    throws
  {
    let directory = TestDirectory()
    let path = try directory.write(
      "kvd.conf", "timeout 0\nport 0\nrequirepass secret1\nuser ann on >a ~* +@all\n")
    let daemon = try TestDaemon.serving(
      directory.path + "/data", ["--config", path, "--maxclients", "50"])
    let client = try daemon.client()
    #expect(try client.ask("AUTH", "secret1") == "+OK")
    let ann = try daemon.client()
    #expect(try ann.ask("AUTH", "ann", "a") == "+OK")

    _ = try directory.write(
      "kvd.conf",
      "timeout 77\nport 0\nmaxclients 60\nio-threads 4\nhz 50\nrequirepass secret2\n"
        + "user bob on >b ~* +@all\n")
    daemon.signal(SIGHUP)
    #expect(daemon.says("users reloaded: there are 2 now"))
    #expect(
      daemon.text.contains("SIGHUP from process \(getpid()): reloading the configuration"))
    #expect(daemon.text.contains("'timeout' was changed from '0' to '77'"))
    #expect(
      daemon.text.contains("'io-threads' has a new value, which takes effect when kvd is restarted")
    )
    #expect(daemon.text.contains("'hz' was changed from '10' to '50'"))
    #expect(daemon.text.contains("'requirepass' was changed"))
    #expect(!daemon.text.contains("secret"))
    // What the command line says wins over the file.
    #expect(!daemon.text.contains("'maxclients'"))
    #expect(try client.ask("CONFIG", "GET", "timeout") == "[$timeout $77]")
    #expect(ann.isClosedByServer())
    let bob = try daemon.client()
    #expect(try bob.ask("AUTH", "secret1").hasPrefix("-WRONGPASS"))
    #expect(try bob.ask("AUTH", "bob", "b") == "+OK")

    daemon.signal(SIGHUP)
    #expect(daemon.says("configuration reloaded: no changes to apply"))
    _ = try directory.write("kvd.conf", "timeout 5\ntimeout x\nnonsense 1\n")
    daemon.signal(SIGHUP)
    #expect(daemon.says("configuration not reloaded: the current settings stay in effect"))
    #expect(daemon.text.contains("kvd.conf:2: 'timeout' must be a number"))
    #expect(daemon.text.contains("kvd.conf:3: unknown setting 'nonsense'"))
    #expect(try client.ask("CONFIG", "GET", "timeout") == "[$timeout $77]")
    #expect(daemon.end(with: SIGTERM) == 0)
  }

  @Test func `SIGHUP reads users that were edited in the store's directory`() throws {
    let directory = TestDirectory()
    let daemon = try TestDaemon.serving(directory.path)
    let client = try daemon.client()
    #expect(try client.ask("ACL", "SETUSER", "ann", "on", ">a", "~*", "+@all") == "+OK")
    let text = try directory.read("users.acl")
    _ = try directory.write("users.acl", text + "user bob on >b ~* +@all\n")
    daemon.signal(SIGHUP)
    #expect(daemon.says("users reloaded: there are 3 now"))
    #expect(try client.ask("AUTH", "bob", "b") == "+OK")
    _ = try directory.write("users.acl", text + "user bob nonsense\n")
    daemon.signal(SIGHUP)
    #expect(daemon.says("users not reloaded: "))
    #expect(try client.ask("AUTH", "bob", "b") == "+OK")
    #expect(daemon.end(with: SIGTERM) == 0)
  }

  @Test func `messages go to a log file, which SIGHUP opens again after it was moved`() throws {
    let directory = TestDirectory()
    let log = directory.path + "/kvd.log"
    let pid = directory.path + "/kvd.pid"
    let daemon = try TestDaemon([
      "serve", "--data", directory.path + "/data", "--port", "0", "--unixsocket",
      directory.path + "/socket", "--logfile", log, "--pidfile", pid,
    ])
    while access(pid, F_OK) != 0 { usleep(10_000) }
    while !(try directory.read("kvd.log").contains(" ready on ")) { usleep(10_000) }
    #expect(rename(log, log + ".1") == 0)
    daemon.signal(SIGHUP)
    while access(log, F_OK) != 0 { usleep(10_000) }
    #expect(Int32(try directory.read("kvd.pid").dropLast()) ?? 0 > 0)
    #expect(daemon.end(with: SIGTERM) == 0)
    #expect(try directory.read("kvd.log").contains("reopened the log file \(log)"))
    #expect(try directory.read("kvd.log").contains("stopped; the store is closed"))
    #expect(access(pid, F_OK) != 0)
    #expect(daemon.text == "")
  }

  @Test func `signals to stop within a second are one stop, a later one is another`() {
    var sequence = StopSequence()
    #expect(sequence.receive(at: 5_000) == .begin)
    #expect(sequence.receive(at: 5_001) == .same)
    #expect(sequence.receive(at: 6_000) == .same)
    #expect(sequence.receive(at: 6_001) == .force)
  }
}
