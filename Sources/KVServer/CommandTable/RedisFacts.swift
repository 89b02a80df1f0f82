// Written by scripts/command-facts.

extension CommandFacts {
  /// A line for each command: name, arity, flags, categories, tips, and then for each key
  /// specification where the keys stand (`index:last:step:limit`) and what is done with them.
  /// Indented below: the notes on key specifications, by number.
  static let redis = #"""
    acl -2 - slow -
    acl|cat -2 noscript,loading,stale slow -
    acl|deluser -3 admin,noscript,loading,stale admin,slow,dangerous -
    acl|dryrun -4 admin,noscript,loading,stale admin,slow,dangerous -
    acl|genpass -2 noscript,loading,stale slow -
    acl|getuser 3 admin,noscript,loading,stale admin,slow,dangerous -
    acl|help 2 loading,stale slow -
    acl|list 2 admin,noscript,loading,stale admin,slow,dangerous -
    acl|load 2 admin,noscript,loading,stale admin,slow,dangerous -
    acl|log -2 admin,noscript,loading,stale admin,slow,dangerous -
    acl|save 2 admin,noscript,loading,stale admin,slow,dangerous -
    acl|setuser -3 admin,noscript,loading,stale admin,slow,dangerous -
    acl|users 2 admin,noscript,loading,stale admin,slow,dangerous -
    acl|whoami 2 noscript,loading,stale slow -
    append 3 write,denyoom,fast write,string,fast - 1:0:1:0=RW,insert
    auth -2 noscript,loading,stale,fast,no_auth,allow_busy fast,connection -
    bgrewriteaof 1 admin,noscript,no_async_loading admin,slow,dangerous -
    bgsave -1 admin,noscript,no_async_loading admin,slow,dangerous -
    bitcount -2 readonly read,bitmap,slow - 1:0:1:0=RO,access
    bitfield -2 write,denyoom write,bitmap,slow - 1:0:1:0=RW,access,update,variable_flags
      0 This command allows both access and modification of the key
    bitfield_ro -2 readonly,fast read,bitmap,fast - 1:0:1:0=RO,access
    bitop -4 write,denyoom write,bitmap,slow - 2:0:1:0=OW,update 3:-1:1:0=RO,access
    bitpos -3 readonly read,bitmap,slow - 1:0:1:0=RO,access
    client -2 - slow -
    client|caching 3 noscript,loading,stale slow,connection -
    client|getname 2 noscript,loading,stale slow,connection -
    client|getredir 2 noscript,loading,stale slow,connection -
    client|help 2 loading,stale slow,connection -
    client|id 2 noscript,loading,stale slow,connection -
    client|info 2 noscript,loading,stale slow,connection nondeterministic_output
    client|kill -3 admin,noscript,loading,stale admin,slow,dangerous,connection -
    client|list -2 admin,noscript,loading,stale admin,slow,dangerous,connection nondeterministic_output
    client|no-evict 3 admin,noscript,loading,stale admin,slow,dangerous,connection -
    client|pause -3 admin,noscript,loading,stale admin,slow,dangerous,connection -
    client|reply 3 noscript,loading,stale slow,connection -
    client|setname 3 noscript,loading,stale slow,connection -
    client|tracking -3 noscript,loading,stale slow,connection -
    client|trackinginfo 2 noscript,loading,stale slow,connection -
    client|unblock -3 admin,noscript,loading,stale admin,slow,dangerous,connection -
    client|unpause 2 admin,noscript,loading,stale admin,slow,dangerous,connection -
    command -1 loading,stale slow,connection nondeterministic_output_order
    command|count 2 loading,stale slow,connection -
    command|docs -2 loading,stale slow,connection nondeterministic_output_order
    command|getkeys -4 loading,stale slow,connection -
    command|getkeysandflags -4 loading,stale slow,connection -
    command|help 2 loading,stale slow,connection -
    command|info -2 loading,stale slow,connection nondeterministic_output_order
    command|list -2 loading,stale slow,connection nondeterministic_output_order
    config -2 - slow -
    config|get -3 admin,noscript,loading,stale admin,slow,dangerous -
    config|help 2 loading,stale slow -
    config|resetstat 2 admin,noscript,loading,stale admin,slow,dangerous -
    config|rewrite 2 admin,noscript,loading,stale admin,slow,dangerous -
    config|set -4 admin,noscript,loading,stale admin,slow,dangerous request_policy:all_nodes,response_policy:all_succeeded
    copy -3 write,denyoom keyspace,write,slow - 1:0:1:0=RO,access 2:0:1:0=OW,update
    dbsize 1 readonly,fast keyspace,read,fast request_policy:all_shards,response_policy:agg_sum
    debug -2 admin,noscript,loading,stale admin,slow,dangerous -
    decr 2 write,denyoom,fast write,string,fast - 1:0:1:0=RW,access,update
    decrby 3 write,denyoom,fast write,string,fast - 1:0:1:0=RW,access,update
    del -2 write keyspace,write,slow request_policy:multi_shard,response_policy:agg_sum 1:-1:1:0=RM,delete
    discard 1 noscript,loading,stale,fast,allow_busy fast,transaction -
    dump 2 readonly keyspace,read,slow nondeterministic_output 1:0:1:0=RO,access
    echo 2 loading,stale,fast fast,connection -
    eval -3 noscript,stale,skip_monitor,no_mandatory_keys,movablekeys slow,scripting - 2:#0:1:1=RW,access,update
      0 We cannot tell how the keys will be used so we assume the worst, RW and UPDATE
    eval_ro -3 readonly,noscript,stale,skip_monitor,no_mandatory_keys,movablekeys slow,scripting - 2:#0:1:1=RO,access
      0 We cannot tell how the keys will be used so we assume the worst, RO and ACCESS
    evalsha -3 noscript,stale,skip_monitor,no_mandatory_keys,movablekeys slow,scripting - 2:#0:1:1=RW,access,update
    evalsha_ro -3 readonly,noscript,stale,skip_monitor,no_mandatory_keys,movablekeys slow,scripting - 2:#0:1:1=RO,access
    exec 1 noscript,loading,stale,skip_slowlog slow,transaction -
    exists -2 readonly,fast keyspace,read,fast request_policy:multi_shard,response_policy:agg_sum 1:-1:1:0=RO
    expire -3 write,fast keyspace,write,fast - 1:0:1:0=RW,update
    expireat -3 write,fast keyspace,write,fast - 1:0:1:0=RW,update
    expiretime 2 readonly,fast keyspace,read,fast - 1:0:1:0=RO,access
    failover -1 admin,noscript,stale admin,slow,dangerous -
    fcall -3 noscript,stale,skip_monitor,no_mandatory_keys,movablekeys slow,scripting - 2:#0:1:1=RW,access,update
      0 We cannot tell how the keys will be used so we assume the worst, RW and UPDATE
    fcall_ro -3 readonly,noscript,stale,skip_monitor,no_mandatory_keys,movablekeys slow,scripting - 2:#0:1:1=RO,access
      0 We cannot tell how the keys will be used so we assume the worst, RO and ACCESS
    flushall -1 write keyspace,write,slow,dangerous request_policy:all_shards,response_policy:all_succeeded
    flushdb -1 write keyspace,write,slow,dangerous request_policy:all_shards,response_policy:all_succeeded
    function -2 - slow -
    function|delete 3 write,noscript write,slow,scripting request_policy:all_shards,response_policy:all_succeeded
    function|dump 2 noscript slow,scripting -
    function|flush -2 write,noscript write,slow,scripting request_policy:all_shards,response_policy:all_succeeded
    function|help 2 loading,stale slow,scripting -
    function|kill 2 noscript,allow_busy slow,scripting request_policy:all_shards,response_policy:one_succeeded
    function|list -2 noscript slow,scripting nondeterministic_output_order
    function|load -3 write,denyoom,noscript write,slow,scripting request_policy:all_shards,response_policy:all_succeeded
    function|restore -3 write,denyoom,noscript write,slow,scripting request_policy:all_shards,response_policy:all_succeeded
    function|stats 2 noscript,allow_busy slow,scripting nondeterministic_output,request_policy:all_shards,response_policy:special
    get 2 readonly,fast read,string,fast - 1:0:1:0=RO,access
    getbit 3 readonly,fast read,bitmap,fast - 1:0:1:0=RO,access
    getdel 2 write,fast write,string,fast - 1:0:1:0=RW,access,delete
    getex -2 write,fast write,string,fast - 1:0:1:0=RW,access,update
      0 RW and UPDATE because it changes the TTL
    getrange 4 readonly read,string,slow - 1:0:1:0=RO,access
    getset 3 write,denyoom,fast write,string,fast - 1:0:1:0=RW,access,update
    hdel -3 write,fast write,hash,fast - 1:0:1:0=RW,delete
    hello -1 noscript,loading,stale,fast,no_auth,allow_busy fast,connection -
    hexists 3 readonly,fast read,hash,fast - 1:0:1:0=RO
    hget 3 readonly,fast read,hash,fast - 1:0:1:0=RO,access
    hgetall 2 readonly read,hash,slow nondeterministic_output_order 1:0:1:0=RO,access
    hincrby 4 write,denyoom,fast write,hash,fast - 1:0:1:0=RW,access,update
    hincrbyfloat 4 write,denyoom,fast write,hash,fast - 1:0:1:0=RW,access,update
    hkeys 2 readonly read,hash,slow nondeterministic_output_order 1:0:1:0=RO,access
    hlen 2 readonly,fast read,hash,fast - 1:0:1:0=RO
    hmget -3 readonly,fast read,hash,fast - 1:0:1:0=RO,access
    hmset -4 write,denyoom,fast write,hash,fast - 1:0:1:0=RW,update
    hrandfield -2 readonly read,hash,slow nondeterministic_output 1:0:1:0=RO,access
    hscan -3 readonly read,hash,slow nondeterministic_output 1:0:1:0=RO,access
    hset -4 write,denyoom,fast write,hash,fast - 1:0:1:0=RW,update
    hsetnx 4 write,denyoom,fast write,hash,fast - 1:0:1:0=RW,insert
    hstrlen 3 readonly,fast read,hash,fast - 1:0:1:0=RO
    hvals 2 readonly read,hash,slow nondeterministic_output_order 1:0:1:0=RO,access
    incr 2 write,denyoom,fast write,string,fast - 1:0:1:0=RW,access,update
    incrby 3 write,denyoom,fast write,string,fast - 1:0:1:0=RW,access,update
    incrbyfloat 3 write,denyoom,fast write,string,fast - 1:0:1:0=RW,access,update
    info -1 loading,stale slow,dangerous nondeterministic_output,request_policy:all_shards,response_policy:special
    keys 2 readonly keyspace,read,slow,dangerous request_policy:all_shards,nondeterministic_output_order
    lastsave 1 loading,stale,fast admin,fast,dangerous nondeterministic_output
    latency -2 - slow -
    latency|doctor 2 admin,noscript,loading,stale admin,slow,dangerous nondeterministic_output,request_policy:all_nodes,response_policy:special
    latency|graph 3 admin,noscript,loading,stale admin,slow,dangerous nondeterministic_output,request_policy:all_nodes,response_policy:special
    latency|help 2 loading,stale slow -
    latency|histogram -2 admin,noscript,loading,stale admin,slow,dangerous nondeterministic_output,request_policy:all_nodes,response_policy:special
    latency|history 3 admin,noscript,loading,stale admin,slow,dangerous nondeterministic_output,request_policy:all_nodes,response_policy:special
    latency|latest 2 admin,noscript,loading,stale admin,slow,dangerous nondeterministic_output,request_policy:all_nodes,response_policy:special
    latency|reset -2 admin,noscript,loading,stale admin,slow,dangerous request_policy:all_nodes,response_policy:all_succeeded
    lcs -3 readonly read,string,slow - 1:1:1:0=RO,access
    lolwut -1 readonly,fast read,fast -
    memory -2 - slow -
    memory|doctor 2 - slow nondeterministic_output,request_policy:all_shards,response_policy:special
    memory|help 2 loading,stale slow -
    memory|malloc-stats 2 - slow nondeterministic_output,request_policy:all_shards,response_policy:special
    memory|purge 2 - slow request_policy:all_shards,response_policy:all_succeeded
    memory|stats 2 - slow nondeterministic_output,request_policy:all_shards,response_policy:special
    memory|usage -3 readonly read,slow - 2:0:1:0=RO
    mget -2 readonly,fast read,string,fast request_policy:multi_shard 1:-1:1:0=RO,access
    migrate -6 write,movablekeys keyspace,write,slow,dangerous nondeterministic_output 3:0:1:0=RW,access,delete ?=RW,access,delete,incomplete
    module -2 - slow -
    module|help 2 loading,stale slow -
    module|list 2 admin,noscript admin,slow,dangerous nondeterministic_output_order
    module|load -3 admin,noscript,no_async_loading admin,slow,dangerous -
    module|loadex -3 admin,noscript,no_async_loading admin,slow,dangerous -
    module|unload 3 admin,noscript,no_async_loading admin,slow,dangerous -
    monitor 1 admin,noscript,loading,stale admin,slow,dangerous -
    move 3 write,fast keyspace,write,fast - 1:0:1:0=RW,access,update
    mset -3 write,denyoom write,string,slow request_policy:multi_shard,response_policy:all_succeeded 1:-1:2:0=OW,update
    msetnx -3 write,denyoom write,string,slow request_policy:multi_shard,response_policy:agg_min 1:-1:2:0=OW,insert
    multi 1 noscript,loading,stale,fast,allow_busy fast,transaction -
    object -2 - slow -
    object|encoding 3 readonly keyspace,read,slow nondeterministic_output 2:0:1:0=RO
    object|freq 3 readonly keyspace,read,slow nondeterministic_output 2:0:1:0=RO
    object|help 2 loading,stale keyspace,slow -
    object|idletime 3 readonly keyspace,read,slow nondeterministic_output 2:0:1:0=RO
    object|refcount 3 readonly keyspace,read,slow nondeterministic_output 2:0:1:0=RO
    persist 2 write,fast keyspace,write,fast - 1:0:1:0=RW,update
    pexpire -3 write,fast keyspace,write,fast - 1:0:1:0=RW,update
    pexpireat -3 write,fast keyspace,write,fast - 1:0:1:0=RW,update
    pexpiretime 2 readonly,fast keyspace,read,fast - 1:0:1:0=RO,access
    ping -1 fast fast,connection request_policy:all_shards,response_policy:all_succeeded
    psetex 4 write,denyoom write,string,slow - 1:0:1:0=OW,update
    psync -3 admin,noscript,no_async_loading,no_multi admin,slow,dangerous -
    pttl 2 readonly,fast keyspace,read,fast nondeterministic_output 1:0:1:0=RO,access
    quit -1 noscript,loading,stale,fast,no_auth,allow_busy fast,connection -
    randomkey 1 readonly keyspace,read,slow request_policy:all_shards,nondeterministic_output
    rename 3 write keyspace,write,slow - 1:0:1:0=RW,access,delete 2:0:1:0=OW,update
    renamenx 3 write,fast keyspace,write,fast - 1:0:1:0=RW,access,delete 2:0:1:0=OW,insert
    replconf -1 admin,noscript,loading,stale,allow_busy admin,slow,dangerous -
    replicaof 3 admin,noscript,stale,no_async_loading admin,slow,dangerous -
    reset 1 noscript,loading,stale,fast,no_auth,allow_busy fast,connection -
    restore -4 write,denyoom keyspace,write,slow,dangerous - 1:0:1:0=OW,update
    restore-asking -4 write,denyoom,asking keyspace,write,slow,dangerous - 1:0:1:0=OW,update
    role 1 noscript,loading,stale,fast admin,fast,dangerous -
    sadd -3 write,denyoom,fast write,set,fast - 1:0:1:0=RW,insert
    save 1 admin,noscript,no_async_loading,no_multi admin,slow,dangerous -
    scan -2 readonly keyspace,read,slow nondeterministic_output,request_policy:special
    scard 2 readonly,fast read,set,fast - 1:0:1:0=RO
    script -2 - slow -
    script|debug 3 noscript slow,scripting -
    script|exists -3 noscript slow,scripting request_policy:all_shards,response_policy:agg_logical_and
    script|flush -2 noscript slow,scripting request_policy:all_nodes,response_policy:all_succeeded
    script|help 2 loading,stale slow,scripting -
    script|kill 2 noscript,allow_busy slow,scripting request_policy:all_shards,response_policy:one_succeeded
    script|load 3 noscript,stale slow,scripting request_policy:all_nodes,response_policy:all_succeeded
    sdiff -2 readonly read,set,slow nondeterministic_output_order 1:-1:1:0=RO,access
    sdiffstore -3 write,denyoom write,set,slow - 1:0:1:0=OW,update 2:-1:1:0=RO,access
    select 2 loading,stale,fast fast,connection -
    set -3 write,denyoom write,string,slow - 1:0:1:0=RW,access,update,variable_flags
      0 RW and ACCESS due to the optional `GET` argument
    setbit 4 write,denyoom write,bitmap,slow - 1:0:1:0=RW,access,update
    setex 4 write,denyoom write,string,slow - 1:0:1:0=OW,update
    setnx 3 write,denyoom,fast write,string,fast - 1:0:1:0=OW,insert
    setrange 4 write,denyoom write,string,slow - 1:0:1:0=RW,update
    shutdown -1 admin,noscript,loading,stale,no_multi,allow_busy admin,slow,dangerous -
    sinter -2 readonly read,set,slow nondeterministic_output_order 1:-1:1:0=RO,access
    sintercard -3 readonly,movablekeys read,set,slow - 1:#0:1:1=RO,access
    sinterstore -3 write,denyoom write,set,slow - 1:0:1:0=RW,update 2:-1:1:0=RO,access
    sismember 3 readonly,fast read,set,fast - 1:0:1:0=RO
    slaveof 3 admin,noscript,stale,no_async_loading admin,slow,dangerous -
    slowlog -2 - slow -
    slowlog|get -2 admin,loading,stale admin,slow,dangerous request_policy:all_nodes,nondeterministic_output
    slowlog|help 2 loading,stale slow -
    slowlog|len 2 admin,loading,stale admin,slow,dangerous request_policy:all_nodes,response_policy:agg_sum,nondeterministic_output
    slowlog|reset 2 admin,loading,stale admin,slow,dangerous request_policy:all_nodes,response_policy:all_succeeded
    smembers 2 readonly read,set,slow nondeterministic_output_order 1:0:1:0=RO,access
    smismember -3 readonly,fast read,set,fast - 1:0:1:0=RO,access
    smove 4 write,fast write,set,fast - 1:0:1:0=RW,access,delete 2:0:1:0=RW,insert
    sort -2 write,denyoom,movablekeys write,set,sortedset,list,slow,dangerous - 1:0:1:0=RO,access ?=RO,access ?=OW,update
      1 For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort
      2 For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array
    sort_ro -2 readonly,movablekeys read,set,sortedset,list,slow,dangerous - 1:0:1:0=RO,access ?=RO,access
      1 For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort
    spop -2 write,fast write,set,fast nondeterministic_output 1:0:1:0=RW,access,delete
    srandmember -2 readonly read,set,slow nondeterministic_output 1:0:1:0=RO,access
    srem -3 write,fast write,set,fast - 1:0:1:0=RW,delete
    sscan -3 readonly read,set,slow nondeterministic_output 1:0:1:0=RO,access
    strlen 2 readonly,fast read,string,fast - 1:0:1:0=RO
    substr 4 readonly read,string,slow - 1:0:1:0=RO,access
    sunion -2 readonly read,set,slow nondeterministic_output_order 1:-1:1:0=RO,access
    sunionstore -3 write,denyoom write,set,slow - 1:0:1:0=OW,update 2:-1:1:0=RO,access
    swapdb 3 write,fast keyspace,write,fast,dangerous -
    sync 1 admin,noscript,no_async_loading,no_multi admin,slow,dangerous -
    time 1 loading,stale,fast fast nondeterministic_output
    touch -2 readonly,fast keyspace,read,fast request_policy:multi_shard,response_policy:agg_sum 1:-1:1:0=RO
    ttl 2 readonly,fast keyspace,read,fast nondeterministic_output 1:0:1:0=RO,access
    type 2 readonly,fast keyspace,read,fast - 1:0:1:0=RO
    unlink -2 write,fast keyspace,write,fast request_policy:multi_shard,response_policy:agg_sum 1:-1:1:0=RM,delete
    unwatch 1 noscript,loading,stale,fast,allow_busy fast,transaction -
    wait 3 noscript slow,connection request_policy:all_shards,response_policy:agg_min
    watch -2 noscript,loading,stale,fast,allow_busy fast,transaction - 1:-1:1:0=RO
    """#
}
