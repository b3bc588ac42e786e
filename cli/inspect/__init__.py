"""What pyinspect and --TraceFile show of a stream."""
