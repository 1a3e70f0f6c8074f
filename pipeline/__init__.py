"""What people run: the Dagster definitions, jobs, schedules, sensors, resources, and the `weathervane` command.

Does not belong here: anything that computes a figure.
"""
