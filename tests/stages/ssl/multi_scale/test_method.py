"""What matl asks of the method `multi_scale`."""

from dataclasses import replace

import numpy as np
import pytest

from matl.errors import SettingError
from matl.lungs import region_map
from matl.stages.ssl.multi_scale.method import MultiScale, MultiScaleConfig, strides_of

CONFIG = MultiScaleConfig(part=3, task="lung_ssl", epochs=1)


def test_its_regions_are_those_of_the_lung_field() -> None:
    [regions] = MultiScale.derived(CONFIG)
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64), dtype=np.uint8)
    assert np.array_equal(regions.extract(image), region_map(image))
    assert regions.key == "regions"
    control = MultiScaleConfig(part=3, task="lung_ssl", epochs=1, regions="image_grid")
    [grid] = MultiScale.derived(control)
    assert grid.name != regions.name
    assert grid.extract(image).all()


def test_settings_that_cannot_learn_are_refused() -> None:
    MultiScale.check_settings(CONFIG, (8, 16, 32))
    with pytest.raises(SettingError, match="region_stride: 16 is no stride"):
        MultiScale.check_settings(CONFIG, (8, 32))
    off = MultiScaleConfig(part=3, task="lung_ssl", epochs=1, whole=0, region=0, identity=0)
    with pytest.raises(SettingError, match="nothing would be learned"):
        MultiScale.check_settings(off, (16,))


@pytest.mark.parametrize("term", ["cross_scale", "local"])
def test_terms_that_predict_the_whole_need_it(term: str) -> None:
    wanted = replace(CONFIG, **{"whole": 0.0, term: 1.0})
    with pytest.raises(SettingError, match=f"{term}: needs the term whole"):
        MultiScale.check_settings(wanted, (16, 32))


def test_regions_come_from_some_map() -> None:
    with pytest.raises(SettingError, match="region_stride: is empty"):
        MultiScale.check_settings(replace(CONFIG, region_stride=[]), (16, 32))


def test_a_stride_may_be_the_last_one_by_name_or_one_of_several() -> None:
    assert strides_of("last", 32) == [32]
    assert strides_of(16, 32) == [16]
    assert strides_of([8, "last"], 32) == [8, 32]
    with pytest.raises(SettingError, match="whole_stride: first is no stride"):
        MultiScale.check_settings(replace(CONFIG, whole_stride="first"), (16, 32))
