"""Scripts that fail, if they do, before they have written: what is undone then is a difference of its own."""

WEIGHT = 8

RELEASE = (
    b"if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) "
    b"else return 0 end")
EXTEND = (
    b"local left = redis.call('pttl', KEYS[1])\n"
    b"if left < 0 then return {left, redis.call('exists', KEYS[1])} end\n"
    b"return redis.call('pexpire', KEYS[1], 500000)")
COUNT = (
    b"local n = redis.call('incr', KEYS[1]) "
    b"if n == 1 then redis.call('expire', KEYS[1], 5000) end return n")
DECREMENT = (
    b"local n = tonumber(redis.call('get', KEYS[1]) or '0')\n"
    b"if n and n > tonumber(ARGV[1]) then return redis.call('decr', KEYS[1]) end return {n or 'none'}")
LOOK = (
    b"local seen = {} for _, key in ipairs(KEYS) do\n"
    b"for _, word in ipairs({'type', 'get', 'hlen', 'scard', 'strlen', 'exists', 'ttl'}) do\n"
    b"local reply = redis.pcall(word, key) seen[#seen + 1] = type(reply)\n"
    b"seen[#seen + 1] = type(reply) == 'table' and (reply.ok or reply) or reply end end return seen")
MOVE = (
    b"local from, to = redis.call('type', KEYS[1]).ok, redis.call('type', KEYS[2]).ok\n"
    b"if from ~= 'hash' or (to ~= 'hash' and to ~= 'none') then return redis.error_reply('NOHASH no') end\n"
    b"local value = redis.call('hget', KEYS[1], ARGV[1]) if not value then return false end\n"
    b"redis.call('hset', KEYS[2], ARGV[1], value) redis.call('hdel', KEYS[1], ARGV[1])\n"
    b"return redis.call('hgetall', KEYS[2])[2]")
VALUES = b"return {1, 3.9, 'text', true, ARGV[1], {ARGV[2]}, #KEYS, #ARGV, false, 5}"
SCRIPTS = (RELEASE, EXTEND, COUNT, DECREMENT, LOOK, MOVE, VALUES, b"return redis.call(ARGV[1], KEYS[1])",
           b"return redis.pcall('set', KEYS[1], ARGV[1])", b"return {err = ARGV[1]}",
           b"return redis.sha1hex(ARGV[1])", b"error(ARGV[1])", b"return KEYS[3] .. 'x'", b"return +", b"")


def evaluation(name):
    def make(v):
        keys = v.keys(1, 3)
        arguments = [v.pick(v.value(), b"1", b"hello", b"m1", b"get", b"incr", b"hvals")] + (
            [v.value()] if v.maybe() else [])
        return [name, v.pick(*SCRIPTS), len(keys) if v.maybe(0.95) else v.integer(0.5)] + keys + arguments
    return make


COMMANDS = {
    "EVAL": evaluation("EVAL"),
    "EVAL_RO": evaluation("EVAL_RO"),
    "EVALSHA": lambda v: ["EVALSHA", v.pick(b"x", b"f" * 40, b"", v.value()), 0],
    "SCRIPT LOAD": lambda v: ["SCRIPT", "LOAD", v.pick(*SCRIPTS)],
    "SCRIPT EXISTS": lambda v: ["SCRIPT", "EXISTS", b"x", v.value()],
    "SCRIPT KILL": lambda v: ["SCRIPT", "KILL"],
    "SCRIPT FLUSH": lambda v: ["SCRIPT", "FLUSH"] + v.options(["SYNC"], ["ASYNC"]),
}
