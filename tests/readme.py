"""The commands of the README and its pages."""

import re

from conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text()


DOCS = [(REPOSITORY / "docs" / name).read_text() for name in ("wandb.md", "devices.md", "data.md")]


PAGES = "".join([README, *DOCS]).replace("\\\n", "")


BLOCKS = re.findall(r"```bash\n(.+?)```|`(matl [^`]+)`", PAGES, re.S)


COMMANDS = sorted(set(re.findall(r"(?m)^matl [^#\n]+", "\n".join("".join(b) for b in BLOCKS))))
