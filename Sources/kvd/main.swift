import KVServer
