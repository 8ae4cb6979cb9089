"""The two-dimensional parts of MedMNIST: classes and numbers of images.

As `medmnist.INFO` of the publisher's package gives them, version 3.
"""

from dataclasses import dataclass

ORGANS = (
    "bladder",
    "femur-left",
    "femur-right",
    "heart",
    "kidney-left",
    "kidney-right",
    "liver",
    "lung-left",
    "lung-right",
    "pancreas",
    "spleen",
)


@dataclass(frozen=True)
class Subset:
    """A part of MedMNIST.

    Attributes:
        classes: Names of the labels, by number.
        images: How many are train, val and test.
        multi_label: Whether an image may have several classes.
    """

    classes: tuple[str, ...]
    images: tuple[int, int, int]
    multi_label: bool = False


SUBSETS = {
    "pathmnist": Subset(
        (
            "adipose",
            "background",
            "debris",
            "lymphocytes",
            "mucus",
            "smooth muscle",
            "normal colon mucosa",
            "cancer-associated stroma",
            "colorectal adenocarcinoma epithelium",
        ),
        (89996, 10004, 7180),
    ),
    "chestmnist": Subset(
        (
            "atelectasis",
            "cardiomegaly",
            "effusion",
            "infiltration",
            "mass",
            "nodule",
            "pneumonia",
            "pneumothorax",
            "consolidation",
            "edema",
            "emphysema",
            "fibrosis",
            "pleural",
            "hernia",
        ),
        (78468, 11219, 22433),
        multi_label=True,
    ),
    "dermamnist": Subset(
        (
            "actinic keratoses and intraepithelial carcinoma",
            "basal cell carcinoma",
            "benign keratosis-like lesions",
            "dermatofibroma",
            "melanoma",
            "melanocytic nevi",
            "vascular lesions",
        ),
        (7007, 1003, 2005),
    ),
    "octmnist": Subset(
        ("choroidal neovascularization", "diabetic macular edema", "drusen", "normal"),
        (97477, 10832, 1000),
    ),
    "pneumoniamnist": Subset(("normal", "pneumonia"), (4708, 524, 624)),
    "retinamnist": Subset(tuple(f"grade {number}" for number in range(5)), (1080, 120, 400)),
    "breastmnist": Subset(("malignant", "normal, benign"), (546, 78, 156)),
    "bloodmnist": Subset(
        (
            "basophil",
            "eosinophil",
            "erythroblast",
            "immature granulocytes",
            "lymphocyte",
            "monocyte",
            "neutrophil",
            "platelet",
        ),
        (11959, 1712, 3421),
    ),
    "tissuemnist": Subset(
        (
            "Collecting Duct, Connecting Tubule",
            "Distal Convoluted Tubule",
            "Glomerular endothelial cells",
            "Interstitial endothelial cells",
            "Leukocytes",
            "Podocytes",
            "Proximal Tubule Segments",
            "Thick Ascending Limb",
        ),
        (165466, 23640, 47280),
    ),
    "organamnist": Subset(ORGANS, (34561, 6491, 17778)),
    "organcmnist": Subset(ORGANS, (12975, 2392, 8216)),
    "organsmnist": Subset(ORGANS, (13932, 2452, 8827)),
}
