"""The command line: one file per command; options, tables, progress and error lines are shared."""
