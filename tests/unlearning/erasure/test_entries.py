"""What is searched besides the bytes of files: names, links and what they lead to, attributes."""

import os

import pytest

from unlearning.erasure.entries import entries
from unlearning.erasure.scan import scan_folder
from unlearning.erasure.spellings import spellings

SOMEBODY = "margarete.steinbrecher@example.org"
PATTERNS = sorted(spellings(SOMEBODY))


def a_file(folder):
    (folder / f"{SOMEBODY}.csv").write_text("nothing")


def a_folder(folder):
    (folder / f"letters of {SOMEBODY}").mkdir()


def a_file_in_a_folder_of_that_name(folder):
    a_folder(folder)
    (folder / f"letters of {SOMEBODY}" / "one").write_text("nothing")


def a_link_that_leads_nowhere(folder):
    (folder / "link").symlink_to(f"/gone/{SOMEBODY}")


def an_attribute(folder):
    (folder / "plain").write_text("nothing")
    set_attribute(folder / "plain", "user.note", SOMEBODY.encode())


def the_name_of_an_attribute(folder):
    (folder / "plain").write_text("nothing")
    set_attribute(folder / "plain", f"user.{SOMEBODY}", b"x")


def an_attribute_of_a_folder(folder):
    (folder / "sub").mkdir()
    set_attribute(folder / "sub", "user.note", SOMEBODY.encode())


def set_attribute(path, name, value):
    try:
        os.setxattr(path, name, value)
    except OSError:
        pytest.skip("this file system has no extended attributes")


@pytest.mark.parametrize(
    "plant",
    [
        a_file, a_folder, a_file_in_a_folder_of_that_name, a_link_that_leads_nowhere,
        an_attribute, the_name_of_an_attribute, an_attribute_of_a_folder,
    ],
)  # fmt: skip
def test_what_stands_in_no_file_is_found(tmp_path, plant):
    assert scan_folder(tmp_path, PATTERNS).clean
    plant(tmp_path)
    scan = scan_folder(tmp_path, PATTERNS)
    assert scan.found and not scan.unread
    assert not any(SOMEBODY in name for name in scan.found)  # no message may say it


def test_what_has_a_telling_name_is_told_by_its_inode(tmp_path):
    (tmp_path / "notes").mkdir()
    a_file(tmp_path / "notes")
    inode = (tmp_path / "notes" / f"{SOMEBODY}.csv").stat().st_ino
    assert scan_folder(tmp_path, PATTERNS).found == (f"notes/(inode {inode}) (its name)",)


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


def test_a_folder_on_another_disk_is_read_through_its_link(tmp_path, workspace):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "people.csv").write_text(f"x,{SOMEBODY}\n")
    (workspace / "serving").symlink_to(tmp_path / "disk")
    assert scan_folder(workspace, PATTERNS).found == ("serving/people.csv",)


def test_a_file_that_a_link_leads_to_is_read(tmp_path, workspace):
    (tmp_path / "people.csv").write_text(f"x,{SOMEBODY}\n")
    (workspace / "source").symlink_to("../people.csv")
    assert scan_folder(workspace, PATTERNS).found == ("source",)


def test_what_a_link_within_leads_to_is_read_once(workspace):
    (workspace / "a").write_text("one")
    (workspace / "b").symlink_to("a")
    assert scan_folder(workspace, PATTERNS).files == 1


def test_links_in_a_circle_end(tmp_path, workspace):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "back").symlink_to(tmp_path)
    (workspace / "out").symlink_to(tmp_path / "disk")
    (workspace / "self").symlink_to("self")
    scan = scan_folder(workspace, PATTERNS)
    assert scan.found == ()
    assert scan.unread == ("self (leads where nothing can be read)",)


def test_a_folder_that_may_not_be_listed_is_told(workspace, monkeypatch):
    (workspace / "closed").mkdir()
    listed = os.listdir

    def refused(path):
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "no")
        return listed(path)

    monkeypatch.setattr(os, "listdir", refused)  # root may list everything
    assert scan_folder(workspace, PATTERNS).unread == ("closed (cannot be listed)",)


def test_a_pipe_is_no_riddle_and_is_not_waited_for(workspace):
    os.mkfifo(workspace / "pipe")
    assert scan_folder(workspace, PATTERNS).clean


def test_what_is_skipped_is_skipped_with_all_that_is_in_it(workspace):
    (workspace / "a").mkdir()
    (workspace / "a" / "x").write_text("x")
    (workspace / "ab").write_text("x")
    assert [one.name for one in entries(workspace, skip=["a"])] == [".", "ab"]
