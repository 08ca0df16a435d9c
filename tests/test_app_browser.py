"""The page as a person meets it, in headless Chromium."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from rendered import RenderedGallery

from app.config import AppConfig
from index.adding import NewImage
from index.person_index import PersonIndex
from parsing.records import ParsedImage
from tests.index_samples import HEIGHT, WIDTH, bare, person

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
    """The page of a copy of the rendered gallery."""
    home = shutil.copytree(rendered_gallery.home, tmp_path_factory.mktemp("served") / "home")
    with served(home, tmp_path_factory.mktemp("server") / "log") as url:
        yield url


@contextmanager
def served(home: Path, log: Path) -> Iterator[str]:
    """The address of a store's page, served by the command that users are told."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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


def test_a_correction_keeps_the_focus_and_is_taken_back(page: Page, address: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 420})
    page.goto(f"{address}?q=hair")
    page.locator(".picture").nth(1).click()
    page.get_by_role("button", name="Something is wrong here").click()
    expect(page.get_by_role("dialog")).to_contain_text("Corrections serve the next training")
    choice = page.get_by_label("color of hair")
    seen = choice.input_value()
    choice.focus()
    page.locator(".side").evaluate("side => { side.scrollTop = 90; }")
    for label, word in (("Purple", "purple"), (seen, "as seen")):
        option = choice.locator(f"option[value={seen}]")
        choice.select_option(label)
        expect(option).to_have_count(1)
        expect(option).to_contain_text("as seen") if word == "purple" else expect(option).not_to_contain_text(word)
        expect(choice).to_be_focused()
        assert page.locator(".side").evaluate("side => side.scrollTop") == 90


def test_words_typed_before_the_answer_stay_in_the_box(page: Page, address: str) -> None:
    page.goto(address)
    box = page.get_by_role("searchbox")
    box.fill("coats")
    page.keyboard.press("Enter")
    page.keyboard.type(" and hats")
    expect(page.locator(".chip")).to_contain_text("coat")
    expect(box).to_have_value("coats and hats")
    page.keyboard.type(", no scarf")
    expect(box).to_have_value("coats and hats, no scarf")
    page.go_back()
    expect(box).to_have_value("")


def test_an_empty_box_is_answered(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("searchbox").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("got an empty text")
    expect(page.get_by_role("searchbox")).to_have_value("")


def test_the_focus_stays_on_the_control_or_goes_to_the_heading(page: Page, address: str) -> None:
    page.goto(f"{address}?q=coat+hair")
    heading = page.get_by_role("heading", level=2)
    for name in ("Strict", "Recall", "Newest"):
        button = page.get_by_role("button", name=name, exact=True)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(button).to_be_focused()
    page.locator(".facet").first.press("Enter")
    expect(heading).to_be_focused()
    page.get_by_role("button", name="remove hair").press("Enter")
    expect(page.get_by_role("button", name="remove hair")).to_have_count(0)
    expect(heading).to_be_focused()


def test_arrows_faster_than_the_answers_are_not_lost(page: Page, address: str) -> None:
    page.goto(f"{address}?q=hair&mode=recall")
    pictures = page.locator(".picture")
    expect(pictures.first).to_be_visible()
    ids = pictures.evaluate_all("all => all.map((one) => one.dataset.person)")
    pictures.first.click()
    expect(page.get_by_role("dialog")).to_be_focused()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog")).to_contain_text(f"Person {ids[4]},")


def test_garments_are_outlined_for_the_keyboard_too(page: Page, address: str) -> None:
    page.goto(f"{address}?q=hair")
    page.locator(".picture").first.click()
    outline = page.locator(".pointed")
    expect(outline).to_be_hidden()
    page.locator("tbody tr", has_text="Hair").focus()
    expect(outline).to_be_visible()
    page.locator(".visible button").first.focus()
    expect(outline).to_be_visible()
    page.get_by_role("button", name="close").focus()
    expect(outline).to_be_hidden()


def test_a_hit_is_named_by_the_id_and_by_what_tells_it_apart(page: Page, address: str) -> None:
    page.goto(f"{address}?q=red+coat")
    picture = page.locator(".picture").first
    person_id, name = picture.get_attribute("data-person"), picture.get_attribute("aria-label") or ""
    assert re.fullmatch(rf"open person {person_id}, number 1, in scene_\d+\.png: red coat \d+%", name)


def test_whoever_is_gone_is_said_beside_the_results(page: Page, address: str) -> None:
    page.goto(f"{address}?q=hair&person=99999")
    expect(page.get_by_role("alert")).to_have_text(re.compile("This person is gone.*Person 99999 has been deleted"))
    expect(page.locator(".hit").first).to_be_visible()


def test_an_empty_gallery_and_whoever_wears_nothing_offer_no_dead_ends(page: Page, tmp_path: Path) -> None:
    with PersonIndex.open(tmp_path / "home") as index, served(tmp_path / "home", tmp_path / "log") as address:
        page.goto(f"{address}?text=red+coat")
        expect(page.get_by_role("heading", name="Nobody is here yet")).to_be_visible()
        expect(page.locator(".notice").get_by_role("link", name="Add photographs")).to_be_visible()
        image = ParsedImage(Path("a.jpg"), HEIGHT, WIDTH, (bare(person()),))
        index.add([NewImage(image, content_hash="a")], gallery="g", checkpoint_hash="c1")
        page.goto(f"{address}?q=face&person=1")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Also visible: face")
        expect(dialog.get_by_role("button", name=re.compile("More like|outfit|wrong"))).to_have_count(0)
        expect(dialog.get_by_role("table")).to_have_count(0)
        expect(page.locator(".alike")).to_have_count(0)


def test_the_export_menu_closes_after_a_download(page: Page, address: str) -> None:
    page.goto(f"{address}?q=hair")
    page.locator("summary", has_text="Export").click()
    with page.expect_download():
        page.get_by_role("link", name="Table (CSV)").click()
    expect(page.locator("details.tool")).not_to_have_attribute("open", "")
    expect(page.locator("summary", has_text="Export")).to_be_focused()


def test_nothing_found_and_nothing_understood_are_said_kindly(page: Page, address: str) -> None:
    page.goto(f"{address}?text=orange+coat+and+yellow+skirt")
    expect(page.get_by_role("heading", name="Nobody fits all of that")).to_be_visible()
    page.locator(".ways button").first.click()
    expect(page.locator(".hit").first).to_be_visible()
    page.goto(f"{address}?text=<b>tall</b>+man")
    expect(page.get_by_role("alert")).to_contain_text("man")
    assert page.locator(".signalement b", has_text="tall").count() == 0


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_nothing_sticks_out_of_the_window(page: Page, address: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for query in ("", "?q=coat", "?q=coat:orange,long%20skirt:yellow", "?text=tall+man"):
        page.goto(address + query)
        expect(page.get_by_role("searchbox")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_role("searchbox").evaluate("box => box.clientWidth") > 180
