"""Tables of images: their columns, splits and mistakes."""

import os
import re
import shutil
from pathlib import Path

import pytest
from drawn_images import draw, splits_of
from hypothesis import given
from hypothesis import strategies as st

from data_modules.digest import table_digest
from data_modules.errors import DataError
from data_modules.sets import csv_table
from data_modules.sets.csv_rows import read_rows


def write_table(root: Path, text: str, name: str = "samples.csv") -> None:
    draw(root, "a b.png", "100%.png", "deep/c,d.png")
    (root / name).write_text(text, encoding="utf-8")


def test_csv_with_all_columns(tmp_path: Path):
    write_table(
        tmp_path,
        "\ufeffpath,label,patient,split,study,age\n"
        "a b.png,ill,p1,train,s1,40\n"
        "100%.png,well,p2,test,s2,50\n"
        '"deep/c,d.png",,p1,train,,60\n',
    )
    samples = csv_table.index(tmp_path)
    assert samples.classes == ("ill", "well")
    assert samples.targets().tolist() == [0, 1, -1]
    assert samples.table["patient"].tolist() == ["p1", "p2", "p1"]
    assert samples.table["study"].tolist() == ["s1", "s2", ""]
    assert samples.patients_named
    assert all(file.is_file() for file in samples.files())


def test_csv_multi_label_and_another_file_name(tmp_path: Path):
    table = "path,label,split\na b.png,oedema|mass,train\n100%.png,|,train\n"
    write_table(tmp_path, table, "own.csv")
    samples = csv_table.index(tmp_path, table="own.csv", multi_label=True)
    assert samples.classes == ("mass", "oedema")
    assert samples.targets().tolist() == [[1, 1], [0, 0]]
    assert not samples.patients_named


def test_csv_cells_mean_what_they_say(tmp_path: Path):
    """Spaces around a cell make no other class, and a path has one form."""
    draw(tmp_path, "0.png", "1.png", "2.png")
    text = "path,label,patient\n ./0.png,ill ,a\n1.png, ill,a\n2.png,well,b \n"
    write_table(tmp_path, text)
    samples = csv_table.index(tmp_path)
    assert samples.classes == ("ill", "well")
    assert list(samples.table["path"]) == ["0.png", "1.png", "2.png"]
    assert set(samples.table["patient"]) == {"a", "b"}
    write_table(tmp_path, text + "0.png,well,b\n")
    with pytest.raises(DataError, match=r"0\.png"):
        csv_table.index(tmp_path)
    write_table(tmp_path, text.replace("patient", "Subject"))
    with pytest.raises(DataError, match="unknown column 'Subject': rename it to 'patient'"):
        csv_table.index(tmp_path)


def test_csv_without_splits_is_dealt_by_patient(tmp_path: Path):
    draw(tmp_path, *(f"{n}.png" for n in range(40)))
    rows = [f"{n}.png,{'ab'[n // 2 % 2]},p{n // 2}" for n in range(40)]
    (tmp_path / "samples.csv").write_text("\n".join(["path,label,patient", *rows]))
    table = csv_table.index(tmp_path).table
    assert table["split"].value_counts().to_dict() == {"train": 28, "test": 8, "val": 4}
    assert table.groupby("patient")["split"].nunique().max() == 1


def test_csv_without_labels_is_train(tmp_path: Path):
    write_table(tmp_path, "path,label\na b.png,\n100%.png,\n")
    samples = csv_table.index(tmp_path, multi_label=True)
    assert splits_of(samples) == {"a b.png": "train", "100%.png": "train"}
    assert samples.targets().tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,label\na b.png,x\n", "no column 'path' in file, label"),
        ("path,label,Patient ID\na b.png,x,1\n", "'Patient ID': rename it to 'patient'"),
        (
            "path,label\na b.png,x\nnope.png,x\n",
            "1 of 2 images do not exist as files, for example 'nope",
        ),
        ("path,label\n/a b.png,x\n", "path '/a b.png' must be relative"),
        ("path,label\n", "no rows"),
        ("path,label\na,b,c,d\ne\n", "line 2 has 4 cells, and the header 2"),
        ("path,label, label\na b.png,x,y\n", "two columns are named 'label'"),
        ("path,label,LABEL\na b.png,x,y\n", "two columns are named 'label'"),
        ("path;label\na b.png;x\n", "its columns are separated by semicolons"),
        ("path\tlabel\na b.png\tx\n", "its columns are separated by tabs"),
        ("Path,label\na b.png,x\n", "unknown column 'Path': rename it to 'path'"),
        ("path,label,\na b.png,x,y\n", "column 3 holds values but has no name"),
        ('path,label\n"a b.png,x\n100%.png,x\n', "line 2: unexpected end of data; close every"),
        ('path,label\n"a" b.png,x\n', "line 2: ',' expected after '\"'"),
        ("path,label\na b.png," + "x" * 200_000, r"line 2: field larger than field limit"),
        ("path,label\na b.png,x\0\n", "holds bytes of value 0"),
        ('"pa\nth",label\n', "a column's name holds a line break"),
        ("", "is empty"),
        ("\n,,\n", "is empty"),
        ("path,label,participant_id\na b.png,x,1\n", "'participant_id': rename it to 'patient'"),
        ("path,label,PatientID\na b.png,x,1\n", "'PatientID': rename it to 'patient'"),
        ("path,label,Fallnummer\na b.png,x,1\n", "'Fallnummer': rename it to 'patient'"),
        ("path,label,scan_id\na b.png,x,1\n100%.png,x,1\n", "'scan_id': rename it to 'patient'"),
        ("path,label,fold\na b.png,x,1\n", r"rename it to 'split' \(train, val or test\)"),
        ("path,label,phase\na b.png,x,Train\n100%.png,x,valid\n", "'phase': rename it to 'split'"),
        ("path,label,usage\na b.png,x,Training\n100%.png,x,PublicTest\n", "'usage': rename it"),
        ("path,label,role\na b.png,x,tr\n100%.png,x,te\n", "'role': rename it to 'split'"),
        ("path,label,train\na b.png,x,1\n100%.png,x,0\n", "'train': rename it to 'split'"),
        ("path,label,\u60a3\u8005\na b.png,x,1\n", "rename it to 'patient'"),
        ("path,label,study\na b.png,x,s\n100%.png,x,s\n", "several images are of one study"),
        ("path,label\ndeep\\c.png,x\n", "its folders separated by /"),
        ("path,label,split\na b.png,x,dev\n", "split 'dev' is none of train, val, test"),
        (
            "path,label,patient,split\na b.png,x,1,train\n100%.png,x,1,test\n",
            "put all images of a patient into one split",
        ),
    ],
)
def test_csv_mistakes_are_one_line(tmp_path: Path, text: str, message: str):
    write_table(tmp_path, text)
    with pytest.raises(DataError, match=message) as caught:
        csv_table.index(tmp_path)
    assert "\n" not in str(caught.value)


def test_csv_without_its_table(tmp_path: Path):
    with pytest.raises(DataError, match=r"no file .*samples.csv"):
        csv_table.index(tmp_path)


def test_csv_keeps_the_columns_that_have_a_meaning(tmp_path: Path):
    draw(tmp_path, "0.png", "1.png", "masks/0.png")
    write_table(
        tmp_path,
        "path,label,age,window,mask,slice,spacing\n"
        "0.png,ill,40,lung,./masks/0.png,12,0.7\n"
        "1.png,well,50,,,13,\n",
    )
    samples = csv_table.index(tmp_path)
    assert samples.table.columns[6:].tolist() == ["mask", "slice", "spacing", "window"]
    assert samples.table.iloc[:, 6:].to_numpy().tolist() == [
        ["masks/0.png", "12", "0.7", "lung"],
        ["", "13", "", ""],
    ]
    write_table(tmp_path, "path,label,mask\n0.png,ill,masks/9.png\n1.png,well,\n")
    with pytest.raises(
        DataError, match=r"1 of 1 masks do not exist as files, for example 'masks/9\.png'"
    ):
        csv_table.index(tmp_path)


def test_a_copied_table_is_split_alike_unless_its_source_is_named(tmp_path: Path):
    draw(tmp_path / "one", *(f"{n}.png" for n in range(40)))
    rows = [f"{n}.png,{'ab'[n // 2 % 2]},p{n // 2}" for n in range(40)]
    (tmp_path / "one" / "samples.csv").write_text("\n".join(["path,label,patient", *rows]))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    one, two = (csv_table.index(tmp_path / name) for name in ("one", "two"))
    named = csv_table.index(tmp_path / "two", source="our hospital")
    assert splits_of(one) == splits_of(two) != splits_of(named)
    assert table_digest(one) == table_digest(two) != table_digest(named)
    assert splits_of(csv_table.index(tmp_path / "one", source="our hospital")) == splits_of(named)


def test_columns_that_are_passed_over_are_named(tmp_path: Path):
    write_table(
        tmp_path,
        "path,label,patient,patient age,image_id,participant,\n"
        "a b.png,ill,p1,40,1,x,\n\n100%.png,well,p2,50,2,y,\n,,,,,,\n",
    )
    samples = csv_table.index(tmp_path)
    assert len(samples) == 2
    assert samples.notes[-1] == "columns that are passed over: patient age, image_id, participant"


def test_a_column_of_numbered_names_is_taken_for_the_patients(tmp_path: Path):
    draw(tmp_path, *(f"{n}.png" for n in range(10)))
    rows = [f"{n}.png,{'ab'[n % 2]},P-{n // 2}" for n in range(10)]
    (tmp_path / "samples.csv").write_text("\n".join(["path,label,group", *rows]))
    with pytest.raises(DataError, match="'group': rename it to 'patient'"):
        csv_table.index(tmp_path)
    (tmp_path / "samples.csv").write_text("\n".join(["path,label,group", *rows[:8]]))
    assert csv_table.index(tmp_path).notes[-1] == "columns that are passed over: group"


def test_folders_that_may_be_patients_are_refused_without_patients(tmp_path: Path):
    paths = [f"p{patient}/{number}.png" for patient in range(8) for number in range(2)]
    draw(tmp_path, *paths)
    rows = [f"{path},{'ab'[number % 2]}" for number, path in enumerate(paths)]
    (tmp_path / "samples.csv").write_text("\n".join(["path,label", *rows]))
    with pytest.raises(DataError, match="the images lie in 8 folders, such as 'p0', which may be"):
        csv_table.index(tmp_path)
    (tmp_path / "samples.csv").write_text("\n".join(["path,label", *rows[:4]]))
    assert len(csv_table.index(tmp_path)) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,label\na b.png,x".encode("utf-16"), "is UTF-16; save it as CSV in UTF-8"),
        ("path,label\na b.png,l\u00e9sion".encode("latin-1"), "line 2 is not UTF-8 (byte 0xe9)"),
        (b"PK\x03\x04\0\0", "so it is no text"),
    ],
)
def test_a_file_that_is_no_text_in_utf_8_is_refused(tmp_path: Path, content: bytes, message: str):
    write_table(tmp_path, "")
    (tmp_path / "samples.csv").write_bytes(content)
    with pytest.raises(DataError, match=re.escape(message)):
        csv_table.index(tmp_path)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_system(tmp_path: Path, end: str):
    write_table(tmp_path, end.join(["path,label", "a b.png,x", '"100%.png","y"', ""]))
    assert list(csv_table.index(tmp_path).table["label"]) == ["x", "y"]


def test_a_table_or_an_image_that_is_no_regular_file_is_refused(tmp_path: Path):
    write_table(tmp_path, "path,label\npipe.png,x\n")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="1 of 1 images do not exist as files"):
        csv_table.index(tmp_path)
    (tmp_path / "samples.csv").unlink()
    os.mkfifo(tmp_path / "samples.csv")
    with pytest.raises(DataError, match="is no regular file"):
        csv_table.index(tmp_path)


@given(content=st.binary() | st.text().map(str.encode))
def test_any_bytes_are_a_table_or_one_line(content: bytes, tmp_path_factory):
    file = tmp_path_factory.mktemp("table") / "samples.csv"
    file.write_bytes(content)
    message = ""
    try:
        read_rows(file)
    except DataError as error:
        message = str(error)
    assert len(message.splitlines()) < 2
