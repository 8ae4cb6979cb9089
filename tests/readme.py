"""The commands of the README and its pages."""

import re

from conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


NAMES = (
    "wandb.md",
    "devices.md",
    "data.md",
    "audit.md",
    "public_sets.md",
    "weights.md",
    "predict.md",
)
DOCS = [(REPOSITORY / "docs" / name).read_text() for name in NAMES]


PAGES = "".join([README, *DOCS]).replace("\\\n", "")


BLOCKS = re.findall(r"```bash\n(.+?)```|`(matl [^`]+)`", PAGES, re.S)


COMMANDS = sorted(set(re.findall(r"(?m)^matl [^#\n]+", "\n".join("".join(b) for b in BLOCKS))))
