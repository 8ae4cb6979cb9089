import base64
import hashlib
import re

import pytest
from jinja2 import UndefinedError

from matl.report.html.render import render


def test_only_the_pages_own_script_may_run():
    page = render("base.html", title="<b>a run</b>").decode()
    assert "<title>&lt;b&gt;a run&lt;/b&gt;</title>" in page
    [script] = re.findall(r"<script>(.*?)</script>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_a_value_that_is_missing_is_an_error():
    with pytest.raises(UndefinedError, match="title"):
        render("base.html")
