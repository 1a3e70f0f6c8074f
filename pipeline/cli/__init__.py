"""The command `weathervane`. Belongs here: arguments and printing. Does not belong here: anything it prints about."""
