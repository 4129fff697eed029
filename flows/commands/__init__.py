"""The commands of `sitrep`, a module for each noun; flows/cli.py puts them together."""
