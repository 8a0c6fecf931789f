"""Tagging many texts: in order, bad ones told, and going on where a process was killed."""

from posner.bulk.finished import finished
from posner.bulk.journal import Journal, companions
from posner.bulk.outcomes import Outcome, outcomes
from posner.bulk.progress import Progress
from posner.bulk.sidefile import SideFile
from posner.bulk.writing import tagged_part, write_lines

__all__ = [
    "Journal",
    "Outcome",
    "Progress",
    "SideFile",
    "companions",
    "finished",
    "outcomes",
    "tagged_part",
    "write_lines",
]
