@_exported import FaultDevices
