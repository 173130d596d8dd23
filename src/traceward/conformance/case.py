"""Cases and their groups: what a case asks, by which clause, and how binding it is; it must not run them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from traceward.conformance.model import Level
from traceward.conformance.run import Run

Judge = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One question to a server. judge: ends where all is well, else raises Unmet, NotSupported or Skipped."""

    name: str
    group: str
    title: str
    clause: str
    level: Level
    judge: Judge


@dataclass(frozen=True, slots=True)
class Group:
    """Cases of one part of the standard, in the order in which they are put. key: begins the name of each."""

    key: str
    title: str
    cases: list[Case] = field(default_factory=list)

    def case(self, level: Level, clause: str) -> Callable[[Judge], Judge]:
        """Add a function: its name is the case's, the first line of its docstring the title."""

        def added(judge: Judge) -> Judge:
            title = (judge.__doc__ or "").strip().splitlines()[0]
            self.add(judge.__name__.replace("_", "-"), title, clause, level, judge)
            return judge

        return added

    def add(self, name: str, title: str, clause: str, level: Level, judge: Judge) -> None:
        """Add a case of that name."""
        self.cases.append(Case(f"{self.key}/{name}", self.title, title, clause, level, judge))
