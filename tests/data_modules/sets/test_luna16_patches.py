"""LUNA16 patches: neighbouring candidates stay together."""

from pathlib import Path

import pandas as pd
import pytest
from drawn_images import draw

from data_modules.digest import table_digest
from data_modules.errors import DataError
from data_modules.sets import luna16_patches


def test_luna16_patches_keep_blocks_together(tmp_path: Path):
    files = [f"{('nodule', 'non_nodule')[n % 2]}/cand_{n:03}.png" for n in range(60)]
    draw(tmp_path, *files)
    blocks = [f"{n // 4:03}" for n in range(60)]
    index = pd.DataFrame({"file": files, "block5000": blocks})
    index.to_csv(tmp_path / "index.csv", index=False)
    samples = luna16_patches.index(tmp_path)
    assert sorted(samples.table["patient"].unique()) == sorted(set(blocks))
    assert samples.table.groupby("patient")["split"].nunique().max() == 1
    assert samples.positive == "nodule"
    assert not samples.patients_named
    index.iloc[1:].to_csv(tmp_path / "index.csv", index=False)
    with pytest.raises(DataError, match=r"1 patches, for example nodule/cand_000.png"):
        luna16_patches.index(tmp_path)


@pytest.mark.real_data
def test_real_luna16_patches(real_data: Path):
    samples = luna16_patches.index(real_data / "luna16_patches")
    labels = samples.table["label"].value_counts().to_dict()
    assert labels == {"non_nodule": 6755, "nodule": 1351}
    assert samples.table["patient"].nunique() == 111
    assert table_digest(samples) == "2d713dc27de770f80186ecf1487a5251", "trains again"
