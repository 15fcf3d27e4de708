"""The condition under which a finding happens, and the counts that support it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Condition"]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """The condition under which a finding happens, as far as the run shows it.

    Attributes
    ----------
    text, sql : str
        The condition for people, and as SQL over the columns of a case.
    failing, passing : int
        Cases of the run that show the finding (all meet the condition), and cases of the same adapter that pass
        (none meets it).
    exact : bool
        Whether further cases on both sides of its boundary confirmed it.
    others : int
        Cases of the run that meet it and fail with a different cause.
    further_failing, further_passing, further_others : int
        Cases that were run only to confirm the condition and are not in the record: those that show the same cause
        (all meet the condition), those that pass (none meets it), and those that fail with a different cause.
    """

    text: str
    sql: str
    failing: int
    passing: int
    exact: bool = False
    others: int = 0
    further_failing: int = 0
    further_passing: int = 0
    further_others: int = 0

    @property
    def phrase(self) -> str:
        """The condition as part of a sentence, which starts with ``when`` only if further cases confirmed it."""
        if self.exact:
            return f"when {self.text}"
        if self.text == "always":
            return f"seen in every case that ran, {self.failing} in total"
        return f"seen in {_cases(self.failing)}, {'' if self.failing == 1 else 'all '}with {self.text}"

    @property
    def counted(self) -> str:
        """The counts that support the condition, as sentences."""
        meet, show = ("meets", "shows") if self.failing == 1 else ("meet", "show")
        parts = [f"In this run, {_cases(self.failing)} {meet} it and {show} this cause"]
        if self.others:
            verbs = f"{_verb(self.others, 'meet')} it and {_verb(self.others, 'fail')}"
            parts.append(f"{self.others} more {verbs} with a different cause")
        if self.passing:
            parts.append(f"none of the {_cases(self.passing)} that {_verb(self.passing, 'pass')} meets it")
        sentences = ["; ".join(parts)]
        if self.further_failing or self.further_passing or self.further_others:
            sentences.append(self._further())
        elif not self.exact:
            sentences.append("No further cases were run to confirm it")
        return "".join(f"{sentence}. " for sentence in sentences).rstrip()

    def _further(self) -> str:
        count = self.further_failing + self.further_passing + self.further_others
        parts = [f"{self.further_failing} meet it and show the same cause"]
        parts.append(f"{self.further_passing} do not meet it and pass")
        counted = f"To test it, the suite ran {_cases(count)} more: {', '.join(parts)}"
        if self.further_others:
            counted += f" (not counted: {self.further_others} with a different cause)"
        return f"{counted}. {'This confirms it' if self.exact else 'This does not settle it'}"


def _cases(count: int) -> str:
    return f"{count} case{'' if count == 1 else 's'}"


def _verb(count: int, verb: str) -> str:
    if count != 1:
        return verb
    return f"{verb}es" if verb.endswith("s") else f"{verb}s"
