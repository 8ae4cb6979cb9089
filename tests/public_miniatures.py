"""Each public data set in small: drawn images in the published layout."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from drawn_images import draw

from data_modules.sets import chexpert, cifar10, covid_ct, nih_chest_xray14
from data_modules.sets.cifar_files import PIXELS
from data_modules.sets.medmnist_subsets import SUBSETS

SPLITS = ("train", "val", "test")


def write_covid_ct(root: Path) -> None:
    for name, letter in (("COVID", "c"), ("NonCOVID", "n")):
        for split in SPLITS:
            files = [f"{letter} {split}%{number}.png" for number in range(2)]
            draw(root, *(f"Images-processed/CT_{name}/{file}" for file in files))
            write_lines(root / "Data-split" / name / f"{split}CT_{name}.txt", files)
        file, image, patient = covid_ct.TABLES[name]
        people = {
            f"{letter} {split}%{n}.png": f"{letter} {split}" for split in SPLITS for n in (0, 1)
        }
        table = pd.DataFrame(people.items(), columns=[image, patient])
        (root / "Meta").mkdir(exist_ok=True)
        if file.endswith("xlsx"):
            table.to_excel(root / "Meta" / file, index=False)
        else:
            table.to_csv(root / "Meta" / file, index=False)


def write_chest_xray_pneumonia(root: Path) -> None:
    for part in ("train", "test", "val"):
        draw(root, *(f"{part}/NORMAL/IM-{len(part)}{n}-0001.jpeg" for n in range(4)))
        draw(root, *(f"{part}/PNEUMONIA/person{len(part)}{n}_virus_{n}.jpeg" for n in range(4)))


def write_sarscov2_ct(root: Path) -> None:
    draw(root, *(f"COVID/Covid ({number}).png" for number in range(1, 11)))
    draw(root, *(f"non-COVID/Non-Covid ({number}).png" for number in range(1, 11)))


def write_mosmed_slices(root: Path) -> None:
    for grade, number in enumerate((10, 20, 5, 3, 1)):
        draw(root, *(f"CT-{grade}/CT-{grade}_img{n}.jpg" for n in range(number)))
    write_lines(root / "index.csv", ["file,class,study,covid"])


def write_covidx_ct(root: Path, version: str = "2A") -> None:
    """CNCB's, iCTCF's and LIDC-IDRI's names; the last image has no patient in the metadata."""
    names = {
        "train": {"NCP_96_1328_0032.png": 2, "NCP_96_1328_0033.png": 2, "CP_5_3509_0130.png": 1},
        "val": {"Normal_1683_1_0044.png": 0, "HUST-Patient1314-0348.png": 2},
        "test": {"LIDC-IDRI-0273-1.3.6.1-0093.png": 0, "radiopaedia-1-85506-0-0012.png": 2},
    }
    for split, files in names.items():
        draw(root, *(f"{version}_images/{file}" for file in files))
        lines = [f"{file} {number} 9 38 483 475" for file, number in files.items()]
        write_lines(root / f"{split}_COVIDx_CT-{version}.txt", lines)
    ids = ["NCP_96", "CP_5", "Normal_1683", "HUST-Patient1314", "LIDC-IDRI-0273"]
    write_lines(root / "metadata.csv", ["patient id,source", *(f"{one},x" for one in ids)])


def write_nih_chest_xray14(root: Path, folder: str = "images") -> None:
    """Ten persons, the last three of the test list, with two images each."""
    names = [f"{person:08}_{number:03}.png" for person in range(1, 11) for number in (0, 1)]
    findings = ["No Finding", "Hernia", "Mass|Nodule", "Effusion"] * 5
    draw(root, *(f"{folder}/{name}" for name in names))
    table = pd.DataFrame({"Image Index": names, "Finding Labels": findings, "Follow-up #": 0})
    table["Patient ID"] = [int(name[:8]) for name in names]
    table.to_csv(root / nih_chest_xray14.TABLES[0], index=False)
    write_lines(root / "train_val_list.txt", names[:14])
    write_lines(root / "test_list.txt", names[14:])


def write_chexpert(root: Path) -> None:
    for file, part, persons in (
        ("train.csv", "train", range(1, 4)),
        ("valid.csv", "valid", range(9, 10)),
    ):
        paths = [
            f"{part}/patient{person:05}/study{study}/view1_frontal.jpg"
            for person in persons
            for study in (1, 2)
        ]
        draw(root, *paths)
        table = pd.DataFrame({"Path": [f"CheXpert-v1.0-small/{path}" for path in paths]})
        table[["Sex", "Age", "Frontal/Lateral", "AP/PA", "No Finding"]] = [
            "Male",
            60,
            "Frontal",
            "AP",
            "",
        ]
        table[list(chexpert.CLASSES)] = ""
        table["Edema"] = (["1.0", "-1.0", "0.0"] * 2)[: len(paths)]
        table["Fracture"] = (["1.0", "", ""] * 2)[: len(paths)]
        table.to_csv(root / file, index=False)


def write_medmnist(root: Path, subset: str = "pneumoniamnist", size: int = 28) -> None:
    """Four images of each split, in colour where it is bloodmnist."""
    root.mkdir(parents=True, exist_ok=True)
    drawn, kind = np.random.default_rng(0), SUBSETS[subset]
    shape = (4, size, size, 3) if subset == "bloodmnist" else (4, size, size)
    arrays = {}
    for split in SPLITS:
        arrays[f"{split}_images"] = drawn.integers(0, 256, shape, dtype=np.uint8)
        numbers = np.arange(4).reshape(4, 1) % len(kind.classes)
        if kind.multi_label:
            numbers = np.zeros((4, len(kind.classes)), dtype=int)
            numbers[1, 0] = numbers[2, 0] = numbers[2, 3] = 1
        arrays[f"{split}_labels"] = numbers.astype(np.uint8)
    np.savez_compressed(root / f"{subset}{'' if size == 28 else f'_{size}'}.npz", **arrays)


def write_luna16_slices(root: Path) -> None:
    draw(root, *(f"1.3.6.{series}.mhd_{number}.png" for series in range(3) for number in (20, 40)))


def write_luna16_patches(root: Path) -> None:
    files = [f"{('nodule', 'non_nodule')[n % 2]}/cand_{n:03}.png" for n in range(20)]
    draw(root, *files)
    write_lines(
        root / "index.csv", ["file,block5000", *(f"{f},{n // 4}" for n, f in enumerate(files))]
    )


def write_natural_images(root: Path) -> None:
    draw(root, "train/n01/a.JPEG", "train/n01/b.JPEG", "train/n02/c.JPEG", "val/n01/d.JPEG")


def write_tiny_imagenet(root: Path) -> None:
    classes = ["n02124075", "n01443537"]
    draw(root, *(f"train/{name}/images/{name}_{n}.JPEG" for name in classes for n in range(3)))
    draw(root, *(f"val/images/val_{n}.JPEG" for n in range(4)), "test/images/test_0.JPEG")
    write_lines(root / "wnids.txt", classes)
    lines = [f"val_{n}.JPEG\t{classes[n % 2]}\t0\t32\t44\t62" for n in range(4)]
    write_lines(root / "val" / "val_annotations.txt", lines)


def write_cifar10(root: Path) -> None:
    """Ten images per file, one of each class; image 3 of data_batch_2 is red."""
    for number, file in enumerate(
        [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]
    ):
        rows = np.random.default_rng(number).integers(0, 256, (10, 1 + PIXELS), dtype=np.uint8)
        rows[:, 0] = np.arange(10)
        if file == "data_batch_2.bin":
            rows[3, 1:] = np.repeat(np.array([255, 0, 0], dtype=np.uint8), PIXELS // 3)
        root.mkdir(parents=True, exist_ok=True)
        rows.tofile(root / file)
    write_lines(root / "batches.meta.txt", [*cifar10.CLASSES, ""])


def write_cifar100(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for number, (file, images) in enumerate({"train.bin": 200, "test.bin": 100}.items()):
        rows = np.random.default_rng(number).integers(0, 256, (images, 2 + PIXELS), dtype=np.uint8)
        rows[:, 1] = np.arange(images) % 100
        rows.tofile(root / file)
    write_lines(root / "fine_label_names.txt", [f"thing_{n:02}" for n in range(100)])


def write_lines(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


MINIATURES: dict[str, Callable[[Path], None]] = {
    "covid_ct": write_covid_ct,
    "chest_xray_pneumonia": write_chest_xray_pneumonia,
    "sarscov2_ct": write_sarscov2_ct,
    "mosmed_slices": write_mosmed_slices,
    "covidx_ct": write_covidx_ct,
    "nih_chest_xray14": write_nih_chest_xray14,
    "chexpert": write_chexpert,
    "medmnist": write_medmnist,
    "luna16_slices": write_luna16_slices,
    "luna16_patches": write_luna16_patches,
    "natural_images": write_natural_images,
    "tiny_imagenet": write_tiny_imagenet,
    "cifar10": write_cifar10,
    "cifar100": write_cifar100,
}
