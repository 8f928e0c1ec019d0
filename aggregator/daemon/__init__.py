"""The daemon: notices, merges, regenerates, for months, unattended. It owns the threads, and reads the clock.

`loop` has it; the rest of the room is what it is made of. `asking` is for those who want something of it.
"""
