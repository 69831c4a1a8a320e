"""What the debugger says about a trace: pure functions of a Trace, which record and change nothing."""
