"""junit.xml: the verdicts in the format that CI pipelines read."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from loanstack.runs.folder import Results
from proof.objectives import Objective, evaluate
from proof.verdict import Verdict


def write(
    path: Path, results: Results, objectives: Sequence[Objective], findings: Iterable[Mapping[str, Any]]
) -> None:
    """Write one test case for the run, one for each objective and one for each finding.

    INVALID becomes an error and not a failure, because nothing was proved either way.
    """
    suite = TestSuite(f"loanstack.{results.verb}")
    whole = TestCase(name="verdict", classname=f"loanstack.{results.verb}", time=results.seconds)
    _judge(whole, results.verdict, "; ".join(results.reasons) or results.verdict.value)
    suite.add_testcase(whole)
    for kept in evaluate(objectives, results.figures):
        case = TestCase(name=kept.title or kept.name, classname=f"loanstack.{results.verb}.objective")
        _judge(case, kept.verdict, "; ".join(kept.reasons))
        suite.add_testcase(case)
    for finding in findings:
        case = TestCase(name=str(finding["name"]), classname=f"loanstack.{results.verb}.checker")
        _judge(case, Verdict(finding["verdict"]), "; ".join(finding.get("reasons", ())))
        suite.add_testcase(case)
    xml = JUnitXml()
    xml.add_testsuite(suite)
    xml.write(str(path), pretty=True)


def _judge(case: TestCase, verdict: Verdict, why: str) -> None:
    if verdict is Verdict.FAIL:
        case.result = [Failure(why)]
    elif verdict is Verdict.INVALID:
        case.result = [Error(why)]
