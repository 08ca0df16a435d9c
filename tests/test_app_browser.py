"""The page as a person meets it, in headless Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from rendered import RenderedGallery

from app.config import AppConfig

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[1]
PATIENCE = 120  # seconds; CI's machine may be busy
QUIET = ("disable-background-networking", "disable-component-update", "disable-sync", "disable-quic", "no-first-run")
FLAGS = [f"--{flag}" for flag in ("headless", "no-sandbox", "disable-gpu", *QUIET)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("needs chromium on the PATH; apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(rendered_gallery: RenderedGallery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of a copy of the rendered gallery, served by the command that users are told."""
    home = shutil.copytree(rendered_gallery.home, tmp_path_factory.mktemp("served") / "home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "streamlit", "run", "app/ui.py", "--server.port", str(port)]
    environment = os.environ | AppConfig(home=home).environment()
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        _wait_for(f"http://127.0.0.1:{port}/_stcore/health", server, log)
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    yield context.new_page()
    context.close()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.3)
    raise AssertionError(f"the page's server did not start:\n{log.read_text()}")


def test_a_red_coat_is_typed_found_and_opened(page: Page, address: str) -> None:
    page.goto(address)
    box = page.get_by_role("searchbox")
    expect(box).to_be_visible()
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("man with a red coat")
    page.keyboard.press("Enter")
    expect(page.locator(".chip").first).to_contain_text("red coat")
    expect(page.locator(".chip.unknown")).to_contain_text("man")
    first = page.locator(".hit").first
    expect(first.locator(".bars").first).to_contain_text("red coat")
    for picture in (first.locator(".front"), first.locator(".outline").first):
        page.wait_for_function("picture => picture.complete && picture.naturalWidth > 0", arg=picture.element_handle())
    assert "q=coat%3Ared" in page.url
    first.locator(".picture").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator("tbody tr").filter(has_text="Coat")).to_contain_text("red")
    assert "person=" in page.url
    dialog.get_by_role("button", name="close").click()
    expect(dialog).to_be_hidden()


def test_a_chip_is_removed_and_the_address_follows(page: Page, address: str) -> None:
    page.goto(f"{address}?q=coat:red%20-hat")
    page.get_by_role("button", name="remove no hat").click()
    expect(page.locator(".chip")).to_have_count(1)
    page.wait_for_url("**/?q=coat%3Ared")


def test_a_link_may_hold_a_sentence(page: Page, address: str) -> None:
    page.goto(f"{address}?q=red+coat")
    expect(page.locator(".chip")).to_contain_text("red coat")
    expect(page.locator(".hit").first).to_be_visible()
    page.wait_for_url("**/?q=coat%3Ared&text=red+coat")


def test_arrows_walk_over_the_grid_and_from_person_to_person(page: Page, address: str) -> None:
    page.goto(f"{address}?q=hair")
    pictures = page.locator(".picture")
    pictures.first.focus()
    page.keyboard.press("ArrowRight")
    expect(pictures.nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    tops = pictures.evaluate_all("all => all.map((one) => one.getBoundingClientRect().top)")
    columns = tops.count(tops[0])
    below = min(1 + columns, pictures.count() - 1) if pictures.count() > columns else 1
    expect(pictures.nth(below)).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_focused()
    first = dialog.locator(".muted").first.text_content()
    page.keyboard.press("ArrowLeft")
    expect(dialog.locator(".muted").first).not_to_have_text(first or "")
    page.keyboard.press("Escape")
    expect(pictures.nth(below - 1)).to_be_focused()


def test_back_undoes_one_step_and_escape_gives_the_focus_back(page: Page, address: str) -> None:
    page.goto(f"{address}?q=hair")
    opener = page.locator(".picture").nth(1)
    opener.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page).to_have_title("hair · Signalement")


def test_the_page_for_adding_photographs_says_what_is_wrong(page: Page, address: str) -> None:
    page.goto(f"{address}ingest")
    page.get_by_role("button", name="Find the people in them").click()
    expect(page.get_by_role("alert")).to_contain_text("expected photographs, got none")
    page.get_by_role("tab", name="Folder on this computer").click()
    page.get_by_label("Folder", exact=True).fill("/nowhere/*b*_$1$")
    page.get_by_role("button", name="Find the people in it").click()
    expect(page.get_by_role("alert").filter(has_text="/nowhere")).to_contain_text("/nowhere/*b*_$1$ does not exist")
    expect(page.locator(".note.error")).to_have_count(2)  # the first stays until its own form is sent again
    expect(page).to_have_title("Add photographs · Signalement")
    page.get_by_role("link", name="Search", exact=True).click()
    expect(page.get_by_role("searchbox")).to_be_visible()


def test_photographs_are_uploaded_and_what_is_unreadable_is_named(
    page: Page, address: str, rendered_gallery: RenderedGallery, tmp_path: Path
) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("no photograph")
    page.goto(f"{address}ingest")
    page.locator("input[type=file]").set_input_files([next(rendered_gallery.folder.iterdir()), text])
    page.get_by_label("Gallery", exact=True).first.fill("mine")
    page.wait_for_timeout(3000)  # the form may be sent a moment before it knows of the files
    page.get_by_role("button", name="Find the people in them").click()
    job = page.locator('[class*="st-key-job-"]').first
    expect(job).to_contain_text("mine: done · 2 of 2 photographs")
    expect(job).to_contain_text("1 could not be read")
    expect(page.get_by_role("heading", name="1 file could not be read")).to_be_visible()


def test_a_wrong_color_is_corrected_and_stays_so(page: Page, address: str) -> None:
    page.goto(f"{address}?q=hair")
    page.locator(".picture").first.click()
    page.get_by_role("button", name="Something is wrong here").click()
    page.get_by_label("color of hair").select_option("purple")
    page.get_by_role("button", name="Done").click()
    hair = page.get_by_role("dialog").locator("tbody tr").filter(has_text="Hair")
    expect(hair).to_contain_text("purplecorrected")
    page.reload()
    expect(hair).to_contain_text("purplecorrected")


def test_nothing_found_and_nothing_understood_are_said_kindly(page: Page, address: str) -> None:
    page.goto(f"{address}?text=orange+coat+and+yellow+skirt")
    expect(page.get_by_role("heading", name="Nobody fits all of that")).to_be_visible()
    page.locator(".ways button").first.click()
    expect(page.locator(".hit").first).to_be_visible()
    page.goto(f"{address}?text=<b>tall</b>+man")
    expect(page.get_by_role("alert")).to_contain_text("man")
    assert page.locator(".signalement b", has_text="tall").count() == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out_of_the_window(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for query in ("", "?q=coat", "?q=coat:orange,long%20skirt:yellow", "?text=tall+man"):
        page.goto(address + query)
        expect(page.get_by_role("searchbox")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
