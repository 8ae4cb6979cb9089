"""One file owns the name of every file that matl writes."""

import re
from pathlib import Path

from matl import names

ROOT = Path(names.__file__).parent
FILES = [
    value
    for name, value in vars(names).items()
    if name.isupper() and isinstance(value, str) and re.search(r"\.\w+$|-$", value)
]


def test_no_other_file_spells_a_file_name() -> None:
    spelled = re.compile(rf"""["'/(]({"|".join(map(re.escape, FILES))})["'/){{]""")
    found = [
        f"{file.relative_to(ROOT)}: {match[1]}"
        for file in sorted(ROOT.rglob("*.py"))
        if file.name != "names.py"
        for match in spelled.finditer(re.sub(r'""".*?"""', "", file.read_text(), flags=re.DOTALL))
    ]
    assert len(FILES) > 20
    assert found == []


def test_the_records_of_external_evaluations_are_found_in_the_order_of_their_names(
    tmp_path: Path,
) -> None:
    for name in ("evaluate-b", "evaluate-a", "evaluate-broken", "explain"):
        (tmp_path / name).mkdir()
        if name != "evaluate-broken":
            (tmp_path / name / names.RECORD).touch()
    found = [file.parent.name for file in names.evaluation_records(tmp_path)]
    assert found == ["evaluate-a", "evaluate-b"]


def test_an_ablation_has_a_folder_of_its_own_among_the_runs() -> None:
    assert names.ablation_folder("runs", "operators") == Path("runs/operators-ablation")
