"""What `workspace.yaml` loads. Belongs here: one line. Does not belong here: anything else (pipeline.build)."""

from pipeline.build import build_defs

defs = build_defs()
