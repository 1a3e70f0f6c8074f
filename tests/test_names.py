"""Addresses of files in a manifest: the web, or a storage; each refusal says what is wrong with it."""

import pytest

from schemas.handwritten import read_yaml
from schemas.manifest import File, Release
from schemas.names import STORAGE_PROTOCOLS
from schemas.problems import ProblemsError

SHA = "0" * 64
MANIFEST = """organisation: acme
series: monthly
wave: 01
vintage: 2024-01-28
fieldwork: {{start: 2024-01-01, end: 2024-01-10}}
sample: {{n: 1000}}
files:
  - path: toplines.csv
    sha256: "{sha256}"
    url: "{url}"
"""


def read(url: str) -> File:
    return read_yaml(MANIFEST.format(sha256=SHA, url=url).encode(), "acme/monthly/01/release.yml", Release).files[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.csv",
        "http://127.0.0.1:8000/a.csv?v=2#top",
        "https://[2001:db8::1]/a.csv",
        "https://example.org/people/@acme/a..b.csv?mail=a@example.org",
        "s3://bucket/a.csv",
        "s3://bucket/folder/wave..08/Загрузки.csv",
        "file:///srv/releases/a.csv",
        "file:///srv@old/a.csv",
    ],
)
def test_addresses_of_files(url: str) -> None:
    assert read(url).url == url


@pytest.mark.parametrize("protocol", sorted(STORAGE_PROTOCOLS))
def test_every_storage_has_addresses(protocol: str) -> None:
    assert read(f"{protocol}://bucket/folder/a.csv").url == f"{protocol}://bucket/folder/a.csv"


NOT_AN_ADDRESS = (
    "not an address of a file; expected https://… or http://…, or s3://bucket/file.csv with one of the storage "
    "protocols abfs, abfss, az, file, gcs, gs, hdfs, memory, oss, s3, sftp, smb"
)
NO_USER = "a user name or password in an address; expected none"
NOT_ONE = "not the address of one stored file; expected s3://bucket/folder/file.csv, no wildcards"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.org/a.csv", NOT_AN_ADDRESS),
        ("zip://bucket/a.csv", NOT_AN_ADDRESS),
        ("S3://bucket/a.csv", NOT_AN_ADDRESS),
        ("s3://bucket", NOT_AN_ADDRESS),
        ("s3://bucket/", NOT_AN_ADDRESS),
        ("s3://bucket/folder/", NOT_AN_ADDRESS),
        ("s3:/bucket/a.csv", NOT_AN_ADDRESS),
        ("s3:///", NOT_AN_ADDRESS),
        ("file:///a.csv", NOT_AN_ADDRESS),
        ("simplecache::s3://bucket/a.csv", NOT_AN_ADDRESS),
        ("toplines.csv", NOT_AN_ADDRESS),
        ("https://", "not an address; expected http:// or https://"),
        ("s3://bucket/a.csv::https://example.org/b.csv", "one address inside another (::); expected one protocol"),
        ("s3://bucket/../other/a.csv", "a way up (..) in an address; expected the plain path"),
        ("https://example.org/a/../b.csv", "a way up (..) in an address; expected the plain path"),
        ("s3://key:secret@bucket/a.csv", NO_USER),
        ("sftp://somebody@example.org/folder/a.csv", NO_USER),
        ("https://somebody:secret@example.org/a.csv", NO_USER),
        ("https://somebody@evil.net?@example.org/a.csv", NO_USER),
        ("https://example.org/a b.csv", "a space or a control character in an address; expected none"),
        ("s3://bucket/a\\tb.csv", "a space or a control character in an address; expected none"),
        ("https://evil.net\\\\@example.org/a.csv", "a backslash in an address; expected forward slashes"),
        ("s3://bucket//a.csv", NOT_ONE),
        ("s3://bucket/./a.csv", NOT_ONE),
        ("s3://bucket/*.csv", NOT_ONE),
        ("s3://bucket/a.csv?version=1", NOT_ONE),
    ],
)
def test_what_is_no_address_of_a_file(url: str, message: str) -> None:
    with pytest.raises(ProblemsError) as caught:
        read(url)
    (problem,) = caught.value.problems
    assert problem.column == "files.0.url"
    assert f"{problem.what}; expected {problem.expected}".startswith(message)


def test_other_addresses_are_pages() -> None:
    """Only a file is fetched; `source_url` is for people, and people have a browser."""
    text = MANIFEST.format(sha256=SHA, url="s3://bucket/a.csv") + "source_url: s3://bucket/a.csv\n"
    with pytest.raises(ProblemsError, match=r"source_url: not an address.*expected http:// or https://"):
        read_yaml(text.encode(), "acme/monthly/01/release.yml", Release)
