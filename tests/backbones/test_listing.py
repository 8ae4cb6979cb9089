"""The list of networks that can be a backbone."""

from matl.backbones import feature_maps
from matl.backbones.listing import list_networks, networks_table


def test_list_networks__has_those_of_both_libraries() -> None:
    listed = list_networks()
    assert {"resnet18", "monai/densenet121", "tf_efficientnet_lite0"} <= listed.keys()
    assert "vit_tiny_patch16_224" not in listed
    assert listed["resnet18"] == feature_maps("resnet18")


def test_networks_table__has_one_row_per_name_with_the_text() -> None:
    table = networks_table("efficientnet_lite0")
    columns = [list(column.cells) for column in table.columns]
    assert columns == [
        ["efficientnet_lite0", "tf_efficientnet_lite0"],
        ["2, 4, 8, 16, 32"] * 2,
        ["1,280"] * 2,
        ["", "imagenet"],
    ]
    assert table.caption == "2 networks"
