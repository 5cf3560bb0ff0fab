"""The commands as library calls: each reads files, runs the stages and writes files."""
