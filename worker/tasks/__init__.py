"""The heavy tasks of jobs and commands, run in a process of their own: they load torch."""
