import os
from pathlib import Path

import pytest

from geosal.files.credentials import for_gdal, options_of


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "GS_", "AZURE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def _told(monkeypatch: pytest.MonkeyPatch, **variables: str) -> dict[str, object]:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return dict(options_of("s3"))


def test_gdals_name_of_a_server_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    found = _told(monkeypatch, AWS_S3_ENDPOINT="localhost:9000", AWS_HTTPS="NO", AWS_ENDPOINT_URL="https://other")
    assert found["endpoint"] == "http://localhost:9000"
    assert found["virtual_hosted_style_request"] is False
    assert for_gdal() == {}


def test_gdal_is_told_of_the_name_that_others_have(monkeypatch: pytest.MonkeyPatch) -> None:
    assert for_gdal() == {}
    assert _told(monkeypatch, AWS_ENDPOINT_URL="http://127.0.0.1:9000/")["endpoint"] == "http://127.0.0.1:9000/"
    assert for_gdal() == {
        "AWS_S3_ENDPOINT": "127.0.0.1:9000", "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE"
    }  # fmt: skip


def test_public_buckets_need_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _told(monkeypatch, AWS_NO_SIGN_REQUEST="YES")["skip_signature"] is True
    monkeypatch.setenv("AZURE_NO_SIGN_REQUEST", "YES")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", "someone")
    assert dict(options_of("az")) == {"account_name": "someone", "skip_signature": True}
    assert options_of("https") == ()


def test_the_files_of_awss_tools_are_read_where_no_variable_has_keys(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = one\naws_secret_access_key = s%1\n[other]\naws_access_key_id = two\n"
    )
    (tmp_path / ".aws/config").write_text("[profile other]\nregion = eu-west-1\n")
    found = _told(monkeypatch)
    assert (found["aws_access_key_id"], found["aws_secret_access_key"]) == ("one", "s%1")
    found = _told(monkeypatch, AWS_PROFILE="other")
    assert (found["aws_access_key_id"], found["region"]) == ("two", "eu-west-1")
    monkeypatch.delenv("AWS_PROFILE")
    assert "aws_access_key_id" not in _told(monkeypatch, AWS_ACCESS_KEY_ID="three")
    (tmp_path / ".aws/credentials").write_bytes(b"\xff[")
    assert options_of("s3") == (("region", "us-east-1"),)
